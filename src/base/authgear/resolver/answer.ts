import type { CookieNames } from '../../core/credentials.ts'
import { readResolution, type Resolution, type ResolutionReading } from '../../core/resolution.ts'
import {
  AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable, Overloaded,
  RequestUnwritable, ResolverError
} from '../../errors.ts'
import { type Dispatcher, errors, type Pool } from '../undici.ts'
import type { Deadline } from './deadline.ts'
import type { ResolverObserver, ResolverOutcome } from './types.ts'

/**
 * Status codes that mean: this is not the resolver, or not of this project (docs/inside/authgear.md, "The resolver's
 * answers").
 */
const isMisplaced = (status: number): boolean => (status >= 300 && status < 400) || status === 404 || status === 405

export type Exchange = Question & Readonly<{
  /** The headers of a retry: the credentials, and nothing else that the client chose. */
  plainHeaders: () => string[]
  cookieNames: CookieNames
  timeoutMs: number
  late: () => ResolverError
}>

/** One request, one verdict. @throws {ResolverError} */
export async function exchange (pool: Pool, options: Exchange, observer: ResolverObserver): Promise<Resolution> {
  const { deadline, timeoutMs, cookieNames, late } = options
  const started = performance.now()
  const report = (outcome: ResolverOutcome): void =>
    observer.authgearRequest(outcome, (performance.now() - started) / 1000)
  let resolution: Resolution
  try {
    const answer = await get(pool, options)
    resolution = verdict(answer, cookieNames)
    observer.answered?.(answer.lines, performance.now() - started)
  } catch (reason) {
    const error = deadline.aborted ? late() : classify(reason, timeoutMs)
    // the other ones count as rejected
    if (!(error instanceof Overloaded)) report(error instanceof AuthgearTimeout ? 'timeout' : 'error')
    throw error
  }
  report(resolution.kind)
  return resolution
}

function verdict ({ status, lines, isEmpty }: Answer, cookieNames: CookieNames): Resolution {
  if (isMisplaced(status)) throw new AuthgearMisconfigured(`Authgear answered ${status}`)
  if (status !== 200) throw new AuthgearStatus(status)
  const reading = readResolution(lines)
  const why = whyNotAuthgears(lines, reading, isEmpty, cookieNames)
  if (why !== undefined) throw new AuthgearGarbage(why)
  if (reading.kind === 'resolution') return reading.resolution
  if (reading.why === 'too_large') throw new AuthgearMisconfigured('the identity is larger than 12 KiB')
  throw new AuthgearGarbage('an x-authgear header is repeated, unreadable, or contains an invalid byte')
}

/** By stable code: undici's and Node's messages may change. */
export function classify (error: unknown, timeoutMs: number): ResolverError {
  if (error instanceof ResolverError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new AuthgearMisconfigured('its headers are larger than 32 KiB')
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new AuthgearGarbage('its body never ends', error)
  if (code.endsWith('_TIMEOUT')) return new AuthgearTimeout(timeoutMs)
  // undici looks at our own arguments before it asks for a connection
  if (error instanceof errors.InvalidArgumentError) return new RequestUnwritable(error)
  // undici names a code of the parser's in its types, and leaves it out at run time
  if (error instanceof errors.HTTPParserError) return new AuthgearGarbage('it is not HTTP', error)
  return new AuthgearUnreachable(error)
}

export function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

type Question = Readonly<{ path: string, headers: string[], deadline: Deadline }>

/** The characters that no header may hold: undici and Node refuse the same. */
const UNWRITABLE = /[^\t\x20-\x7e\x80-\xff]/
const NOT_A_HEADER = new Error('a header contains an invalid character')

/** @prop lines header names and values, alternately, as they came */
type Answer = Readonly<{ status: number, lines: readonly string[], isEmpty: boolean }>

/**
 * Reads the body to its end and keeps none of it; the pool's maxResponseSize ends an endless one. `Pool.request` would
 * make a stream of it, and read the headers twice (docs/inside/performance.md, "What was tuned").
 * @throws whatever undici says, and at once where the deadline ends
 */
function get (pool: Pick<Pool, 'dispatch'>, { path, headers, deadline }: Question): Promise<Answer> {
  if (deadline.reason !== undefined) return Promise.reject(deadline.reason)
  // undici's pool would wait for ever after as many of these as it has connections
  if (headers.some((value) => UNWRITABLE.test(value))) return Promise.reject(new RequestUnwritable(NOT_A_HEADER))
  return new Promise((resolve, reject) => {
    pool.dispatch({ method: 'GET', path, headers }, new Reader(deadline, resolve, reject))
  })
}

class Reader implements Dispatcher.DispatchHandler {
  readonly #deadline: Deadline
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #lines: readonly string[] = []
  #isEmpty = true

  constructor (deadline: Deadline, resolve: (answer: Answer) => void, reject: (error: unknown) => void) {
    this.#deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
    deadline.once('abort', this.#abort)
  }

  /** The request may still wait for a connection: then the pool learns of it once it has one. */
  readonly #abort = (): void => {
    this.#reject(this.#deadline.reason)
    if (this.#deadline.reason !== undefined) this.#controller?.abort(this.#deadline.reason)
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#deadline.reason !== undefined) controller.abort(this.#deadline.reason)
  }

  onResponseStart ({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return // RFC 9110, 15.2: the answer itself is still to come
    this.#status = status
    this.#lines = linesOf(rawHeaders)
  }

  onResponseData (_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#isEmpty &&= chunk.length === 0
  }

  onResponseEnd (): void {
    this.#deadline.off('abort', this.#abort)
    this.#resolve({ status: this.#status, lines: this.#lines, isEmpty: this.#isEmpty })
  }

  onResponseError (_controller: unknown, error: Error): void {
    this.#deadline.off('abort', this.#abort)
    this.#reject(error)
  }
}

/** undici hands over bytes, which its types leave open; Latin-1 is how Node reads a header, too. */
function linesOf (rawHeaders: Dispatcher.DispatchController['rawHeaders']): readonly string[] {
  if (!Array.isArray(rawHeaders)) throw new AuthgearGarbage('its headers are not a list')
  return rawHeaders.map((part: Buffer | string) => typeof part === 'string' ? part : part.toString('latin1'))
}

/**
 * Lines that Authgear adds to each answer of a project. `X-Robots-Tag` is the newest, and a proxy may remove one of the
 * last two; `nosniff` has always been with them (docs/inside/authgear.md, "What is Authgear's answer").
 */
const NOSNIFF = 'x-content-type-options'
const OTHER_MARKS: ReadonlyArray<readonly [name: string, value: RegExp]> = [
  ['permissions-policy', /^\s*accelerometer=\(\)/], // the values are compared, since a web server may send the names
  ['x-robots-tag', /^\s*noindex, nofollow\s*$/]
]

/**
 * True if a 200 is Authgear's: a maintenance page, a captive portal or a default backend answers 200 too, and would
 * sign everybody out. An answer without identity headers alone proves nothing, so it needs marks.
 * @param lines header names and values, alternately
 * @returns why it is not Authgear's, or undefined
 */
export function whyNotAuthgears (
  lines: readonly string[],
  reading: ResolutionReading,
  isEmpty: boolean,
  own: CookieNames
): string | undefined {
  if (!isEmpty) return 'it has a body, and the resolver\'s never has one'
  if (valuesOf(lines, 'content-type').length > 0) return 'it has a Content-Type, and the resolver\'s never has one'
  const isSilent = reading.kind === 'resolution' && reading.resolution.kind === 'invalid' &&
    reading.resolution.noIdentityHeaders
  return isSilent && !isMarked(lines, own)
    ? 'it names no session, and lacks the headers that Authgear adds to every answer'
    : undefined
}

/** A cookie of another name may be a load balancer's: then both other marks must be there. */
function isMarked (lines: readonly string[], own: CookieNames): boolean {
  const hasNosniff = valuesOf(lines, NOSNIFF).some((value) => /^\s*nosniff\s*(,|$)/i.test(value))
  const marks = OTHER_MARKS.filter(([name, text]) => valuesOf(lines, name).some((value) => text.test(value))).length
  return hasNosniff && marks >= (setsForeignCookie(lines, own) ? OTHER_MARKS.length : 1)
}

function setsForeignCookie (lines: readonly string[], own: CookieNames): boolean {
  const names = [own.session, own.appSession, own.appAccessToken]
  return valuesOf(lines, 'set-cookie').some((line) => !names.includes(line.split('=', 1)[0]?.trim() ?? ''))
}

/** @param name in lower case @returns the values of all lines of that name, as they are */
export function valuesOf (lines: readonly string[], name: string): readonly string[] {
  return lines.filter((_, index) => index % 2 === 1 && lines[index - 1]?.toLowerCase() === name)
}

/** The connection died before an answer, as an idle one does when its server closes it. */
export const isLostConnection = (error: unknown): boolean =>
  error instanceof AuthgearUnreachable && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error.cause))
