import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { keepHead, respondByKeptHead } from './kept-head.ts'
import { STATUS_CODES, validateHeaderValue } from './node-http.ts'
import type { HttpResponse, Status } from './types.ts'
import { REFUSALS } from '../../core/reason.ts'

/** On every answer of this listener: nobody may store it, and the headers that it depends on. */
export const COMMON = ['cache-control', 'no-store', 'vary', 'Authorization, Cookie'] as const
/** Of a page for people, which is in their language. */
export const COMMON_OF_PAGES =
  ['cache-control', 'no-store', 'vary', 'Authorization, Cookie, Accept-Language'] as const
export const JSON_TYPE = 'application/json; charset=utf-8'

export const NOT_FOUND: HttpResponse = Object.freeze({
  status: 404,
  headers: ['content-type', JSON_TYPE, 'content-length', '21', ...COMMON, 'x-forward-auth-reason', 'not_found'],
  body: '{"error":"not_found"}'
})

/** As Node answers a head that is too large. */
export const TOO_MANY_LINES: HttpResponse = Object.freeze({
  status: 431,
  headers: ['content-length', '0', ...COMMON],
  body: ''
})

/** For a proxy to which no answer at all might be a yes: what over HTTP is a connection that breaks. */
export const BROKEN: HttpResponse = Object.freeze(json(503, {
  error: REFUSALS.authgear_unavailable.outward, message: REFUSALS.authgear_unavailable.message
}, ['retry-after', '2']))

/** ACCESS_RECORD_REQUIRED: what cannot be recorded is not allowed. */
export const UNRECORDED: HttpResponse = Object.freeze(json(503, {
  error: REFUSALS.record_unavailable.outward, message: REFUSALS.record_unavailable.message
}, ['retry-after', '2']))

/** What over HTTP is refused before it is a request. */
export const UNREADABLE: HttpResponse = Object.freeze(json(400, { error: 'unreadable_request' }))

function json (status: Status, content: Readonly<Record<string, string>>, more: readonly string[] = []): HttpResponse {
  const body = JSON.stringify(content)
  const length = String(Buffer.byteLength(body))
  const reason = ['x-forward-auth-reason', content['error'] ?? '']
  return { status, headers: ['content-type', JSON_TYPE, 'content-length', length, ...COMMON, ...reason, ...more], body }
}

/** For so long the rest of a peer's input is discarded, so that a reset does not overtake the answer. */
const LINGER_MS = 1000

/** Writes one answer over either protocol. @param requestId comes back in every answer */
export function respond (response: ServerResponse, answer: HttpResponse, requestId: string): void {
  if (response instanceof Http2ServerResponse) return respondOnStream(response, answer, requestId)
  if (!respondByKeptHead(response, answer, requestId)) {
    response.writeHead(answer.status, [...answer.headers, 'x-request-id', requestId])
    keepHead(response, answer, requestId)
  }
  response.end(answer.body === '' ? undefined : answer.body)
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
