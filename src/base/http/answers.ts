import { REFUSALS } from '../core/reason.ts'
import type { HttpResponse, Status } from './types.ts'

/** On every answer of this listener: nobody may store it, and the headers that it depends on. */
export const COMMON = ['cache-control', 'no-store', 'vary', 'Authorization, Cookie'] as const
/** The common headers of a page for people, which is in their language. */
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
export const BROKEN: HttpResponse = Object.freeze(
  json(503, { error: 'authgear_unavailable', message: REFUSALS.authgear_unavailable.message }, ['retry-after', '2'])
)

/** The answer to what is refused before it is a request. */
export const UNREADABLE: HttpResponse = Object.freeze(json(400, { error: 'unreadable_request' }))

function json (status: Status, content: Readonly<Record<string, string>>, more: readonly string[] = []): HttpResponse {
  const body = JSON.stringify(content)
  const length = String(Buffer.byteLength(body))
  const reason = ['x-forward-auth-reason', content['error'] ?? '']
  return { status, headers: ['content-type', JSON_TYPE, 'content-length', length, ...COMMON, ...reason, ...more], body }
}
