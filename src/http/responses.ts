import type { HttpResponse } from './types.ts'

/** On every answer of this listener: nobody may store it, and the headers that it depends on. */
export const COMMON = ['cache-control', 'no-store', 'vary', 'Authorization, Cookie'] as const
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
