import { errors, type Dispatcher, type Pool } from 'undici'
import { readResolution, type Resolution } from '../core/resolution.ts'
import { AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, AuthgearUnreachable, ResolverError } from '../errors.ts'
import type { Deadline } from './deadline.ts'

/** Status codes that mean: this is not the resolver, or not of this project (authgear.md 1.3). */
const isMisplaced = (status: number): boolean => (status >= 300 && status < 400) || status === 404 || status === 405

export type Exchange = Readonly<{ path: string, headers: string[], deadline: Deadline, timeoutMs: number }>

/** One request, one verdict. @throws {ResolverError} */
export async function exchange (pool: Pool, { path, headers, deadline, timeoutMs }: Exchange): Promise<Resolution> {
  try {
    const response = await pool.request({ method: 'GET', path, headers, signal: deadline, responseHeaders: 'raw' })
    await discard(response.body)
    return verdict(response.statusCode, response.headers)
  } catch (error) {
    throw deadline.aborted ? new AuthgearTimeout(timeoutMs) : classify(error, timeoutMs)
  }
}

/** Empty, and read to its end all the same; the pool's maxResponseSize ends an endless one. `dump` alone would keep an error to itself. */
async function discard (body: Dispatcher.ResponseData['body']): Promise<void> {
  await body.dump({ limit: Number.MAX_VALUE })
  if (body.errored !== null) throw body.errored
}

function verdict (status: number, rawHeaders: unknown): Resolution {
  if (isMisplaced(status)) throw new AuthgearMisconfigured(`Authgear answered ${status}`)
  if (status !== 200) throw new AuthgearStatus(status)
  // with `responseHeaders: 'raw'` undici hands over a flat list, which its types do not say
  if (!Array.isArray(rawHeaders)) throw new AuthgearGarbage('its headers are not a list')
  const reading = readResolution(rawHeaders.map(String))
  if (reading.kind === 'resolution') return reading.resolution
  if (reading.why === 'too_large') throw new AuthgearMisconfigured('the identity is larger than 12 KiB')
  throw new AuthgearGarbage('an x-authgear header is repeated, unreadable, or holds a byte it must not')
}

/** By stable code: undici's and Node's messages may change. */
export function classify (error: unknown, timeoutMs: number): ResolverError {
  if (error instanceof ResolverError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new AuthgearMisconfigured('the headers of the answer are larger than 32 KiB')
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new AuthgearGarbage('its body does not end', error)
  if (code.endsWith('_TIMEOUT')) return new AuthgearTimeout(timeoutMs)
  // undici 7 names a code of the parser's in its types, and leaves it out at run time
  if (error instanceof errors.HTTPParserError) return new AuthgearGarbage('it is not HTTP', error)
  return new AuthgearUnreachable(error)
}

export function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The connection died before an answer, as an idle one does when its server closes it, or a transient 500 (authgear.md 1.4). */
export function isWorthARetry (error: unknown): boolean {
  if (error instanceof AuthgearStatus) return error.status === 500
  return error instanceof AuthgearUnreachable && ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error.cause))
}
