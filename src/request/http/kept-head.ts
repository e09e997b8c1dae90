import type { ServerResponse } from 'node:http'
import type { HttpResponse } from './types.ts'

/** What of Node's own response has no public name; where it is missing, every head is written the usual way. */
type Inside = { _header?: string | null, _expect_continue?: boolean }
const insideOf = (response: ServerResponse): Inside => response as unknown as Inside

/** An answer that is sent once is not worth it. */
const WORTH_KEEPING = 2
/** Node writes the request's own header last, then the date, then what keeps the connection. */
const DATED = /\r\nDate: [^\r]{29}(\r\nConnection: keep-alive\r\nKeep-Alive: timeout=\d+\r\n\r\n)$/

/** For an answer that is kept. */
export function withKeptHead (answer: HttpResponse): HttpResponse {
  return { ...answer, head: { headers: answer.headers, sent: 0 } }
}

/**
 * Writes the answer by the head that Node itself wrote for it before: Node checks and joins eighteen names and values
 * for each answer, which for the same ones costs a tenth of a hit. Only the request id and the date differ.
 * @param requestId fit for a header
 * @returns false where nothing was written, since this head is not kept or its connection ends with it
 */
export function respondByKeptHead (response: ServerResponse, answer: HttpResponse, requestId: string): boolean {
  const parts = answer.head?.headers === answer.headers ? answer.head.parts : undefined
  const inside = insideOf(response)
  if (parts === undefined || inside._header !== null || !isUsual(response)) return false
  response.statusCode = answer.status
  inside._header = `${parts[0]}${requestId}\r\nDate: ${httpDate()}${parts[1]}`
  return true
}

/** Looks at the head that was just written for an answer which is sent again and again. */
export function keepHead (response: ServerResponse, { head, headers }: HttpResponse, requestId: string): void {
  if (head?.headers !== headers || ++head.sent < WORTH_KEEPING || !isUsual(response)) return
  const { _header: written } = insideOf(response)
  const [dated, after] = typeof written === 'string' ? DATED.exec(written) ?? [] : []
  if (typeof written !== 'string' || dated === undefined || after === undefined) return
  const before = written.slice(0, -dated.length)
  if (before.endsWith(`\r\nx-request-id: ${requestId}`)) {
    head.parts = [before.slice(0, before.length - requestId.length), after]
  }
}

/** HTTP/1.1, on a connection that stays: Node ends the one of a client that waits to be told to send its body. */
function isUsual (response: ServerResponse): boolean {
  const { _expect_continue: waits } = insideOf(response)
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
