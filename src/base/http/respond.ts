import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { type Identity, IDENTITY_HEADERS, OWN_VALUES } from '../core/resolution.ts'
import { STATUS_CODES, validateHeaderValue } from './node-http.ts'
import type { HttpResponse, KeptHead, Success } from './types.ts'

/** Writes one answer over either protocol. @param requestId comes back in every answer */
export function respond (response: ServerResponse, answer: HttpResponse, requestId: string): void {
  if (response instanceof Http2ServerResponse) return respondOnStream(response, answer, requestId)
  if (respondByKeptHead(response, answer, requestId)) return
  response.writeHead(answer.status, [...answer.headers, 'x-request-id', requestId])
  keepHead(response, answer, requestId)
  response.end(answer.body === '' ? undefined : answer.body)
}

/**
 * The members of Node's response that have no public name; where one is missing, every head is written the usual way.
 */
type Inside = ServerResponse & { _header?: string | null, _expect_continue?: boolean }

/** A head is kept only for answers that are sent at least twice. */
const WORTH_KEEPING = 2
/** Node writes the request's own header last, then the date, then what keeps the connection. */
const DATED = /\r\nDate: [^\r]{29}(\r\nConnection: keep-alive\r\n(?:Keep-Alive: timeout=\d+\r\n)?\r\n)$/

/** The head of the answers for all people who differ in their own values alone. */
export type CommonHead = {
  readonly headersOf: (identity: Identity) => readonly string[]
  sent: number
  /** The text around the own values, and behind the date. */
  cut?: Readonly<{ before: readonly string[], after: string }> | undefined
}

/** One person's answer by such a head: its list of headers is made only where Node has to write it. */
export class PersonalAnswer implements HttpResponse {
  // declared, not defined: a hit needs no initializer
  declare readonly status: Success
  declare readonly body: ''
  declare readonly common: CommonHead
  declare readonly identity: Identity

  constructor (status: Success, common: CommonHead, identity: Identity) {
    this.status = status
    this.body = ''
    this.common = common
    this.identity = identity
  }

  get headers (): readonly string[] { return this.common.headersOf(this.identity) }

  /** The head up to the request id, and behind the date; undefined until it was kept. */
  parts (): readonly [before: string, after: string] | undefined {
    const { cut } = this.common
    if (cut === undefined) return undefined
    let text = cut.before[0] ?? ''
    for (let i = 0; i < OWN_VALUES.length; i++) {
      text += (this.identity.at(OWN_VALUES[i] ?? -1) ?? '') + (cut.before[i + 1] ?? '')
    }
    return [text, cut.after]
  }

  /** Cuts the head that Node wrote for this person, who has all of the own values. */
  keep (before: string, after: string): void {
    const texts: string[] = []
    let rest = before
    for (const index of OWN_VALUES) {
      const name = `\r\n${IDENTITY_HEADERS[index]}: `
      const value = this.identity.at(index) ?? ''
      const start = rest.indexOf(`${name}${value}\r\n`)
      if (start === -1) return
      texts.push(rest.slice(0, start + name.length))
      rest = rest.slice(start + name.length + value.length)
    }
    this.common.cut = { before: [...texts, rest], after }
  }
}

/** For an answer that is kept. Its body goes out with the head if it has one byte for each character. */
export function withKeptHead (answer: HttpResponse): HttpResponse {
  const { headers, body } = answer
  return Buffer.byteLength(body) === body.length ? { ...answer, head: { headers, sent: 0 } } : answer
}

/**
 * Writes the answer by the head that Node itself wrote for it before: Node checks and joins eighteen names and values
 * for each answer, which for the same ones costs a tenth of a hit. Only the request id and the date differ. The body
 * is behind the head in one text: to Node it would be another write.
 * @param requestId fit for a header
 * @returns false where nothing was written, since this head is not kept or its connection ends with it
 */
function respondByKeptHead (response: ServerResponse, answer: HttpResponse, requestId: string): boolean {
  const parts = answer instanceof PersonalAnswer ? answer.parts() : headOf(answer)?.parts
  const inside: Inside = response
  if (parts === undefined || inside._header !== null || !isUsual(response)) return false
  const body = response.req.method === 'HEAD' ? '' : answer.body
  response.statusCode = answer.status
  inside._header = `${parts[0]}${requestId}\r\nDate: ${httpDate()}${parts[1]}${body}`
  response.end()
  return true
}

const headOf = ({ head, headers }: HttpResponse): KeptHead | undefined => head?.headers === headers ? head : undefined

/** Looks at the head that was just written for an answer which is sent again and again. */
function keepHead (response: ServerResponse, answer: HttpResponse, requestId: string): void {
  const head = answer instanceof PersonalAnswer ? answer.common : headOf(answer)
  if (head === undefined || ++head.sent < WORTH_KEEPING || !isUsual(response)) return
  const { _header: written }: Inside = response
  const [dated, after] = typeof written === 'string' ? DATED.exec(written) ?? [] : []
  if (typeof written !== 'string' || dated === undefined || after === undefined) return
  const before = written.slice(0, -dated.length)
  if (!before.endsWith(`\r\nx-request-id: ${requestId}`)) return
  const own = before.slice(0, before.length - requestId.length)
  if (answer instanceof PersonalAnswer) answer.keep(own, after)
  else if (answer.head !== undefined) answer.head.parts = [own, after]
}

/** HTTP/1.1, on a connection that stays: Node ends the one of a client that waits to be told to send its body. */
function isUsual (response: ServerResponse): boolean {
  const { _expect_continue: waits }: Inside = response
  return response.shouldKeepAlive && waits === false && response.req.httpVersionMinor === 1
}

let second = 0
let date = ''

/** RFC 9110, section 5.6.7; it changes once a second. */
function httpDate (): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) [second, date] = [now, new Date(now * 1000).toUTCString()]
  return date
}

/** Past Node's imitation of HTTP/1, which ends each stream by a frame of its own. */
function respondOnStream (
  { stream, req }: Http2ServerResponse,
  { status, headers, body }: HttpResponse,
  requestId: string
): void {
  if (stream.destroyed || stream.closed) return // its client gave up
  const all: OutgoingHttpHeaders = { ':status': status, 'x-request-id': requestId }
  for (let i = 0; i + 1 < headers.length; i += 2) addLine(all, headers[i] ?? '', headers[i + 1] ?? '')
  const isWhole = body === '' || req.method === 'HEAD'
  stream.respond(all, { endStream: isWhole })
  if (!isWhole) stream.end(body)
}

/**
 * The same name may come twice: two cookies are.
 * @throws where a value holds a byte that no header may: a stream alone would send it
 */
function addLine (headers: OutgoingHttpHeaders, name: string, value: string): void {
  validateHeaderValue(name, value)
  const other = headers[name]
  headers[name] = other === undefined ? value : [...(Array.isArray(other) ? other : [String(other)]), value]
}

/** How long to drain a peer's remaining input after the last answer, so that a reset cannot overtake it. */
const LINGER_MS = 1000

/** The last answer on an HTTP/1 connection whose input was abandoned: answer, half-close, discard, destroy. */
export function respondAndLeave (
  request: IncomingMessage,
  response: ServerResponse,
  answer: HttpResponse,
  requestId: string
): void {
  const { socket } = request
  // an earlier request on this connection has no answer yet: this one must not overtake it
  if (response.socket === null) { socket.destroy(); return }
  endAndLinger(socket, render(request.method === 'HEAD', answer, requestId))
}

/**
 * Half-closes: to destroy a socket with unread bytes is a reset, which overtakes the text. Nothing may parse its input
 * any more.
 */
export function endAndLinger (socket: Socket, text: string): void {
  socket.end(text, 'utf8')
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

function render (isHead: boolean, { status, headers, body }: HttpResponse, requestId: string): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
  const all = [...headers, 'x-request-id', requestId, 'date', new Date().toUTCString(), 'connection', 'close']
  for (let i = 0; i < all.length; i += 2) lines.push(`${all[i]}: ${all[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n${isHead ? '' : body}`
}
