import { IDENTITY_HEADERS } from '../../core/resolution.ts'

/** What this service reads of the client's request, or hands on to Authgear; nothing else has to reach it. */
export const ASKED = ['Authorization', 'Cookie', 'Accept', 'User-Agent', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'Sec-Purpose', 'X-Requested-With', 'X-Request-ID', 'traceparent', 'tracestate'] as const

/** What of a refusal the client gets, at proxies that let through what they are told. */
export const ANSWERED = ['Content-Type', 'WWW-Authenticate', 'Location', 'Set-Cookie', 'Cache-Control', 'Vary', 'Retry-After', 'X-Forward-Auth-Reason', 'X-Request-ID',
  'Content-Security-Policy', 'X-Content-Type-Options', 'Referrer-Policy'] as const

/** As people and proxies' files write them: X-Authgear-User-Id. */
export const IDENTITY: readonly string[] = IDENTITY_HEADERS.map(canonical)

/** Authgear has no value for it today; a proxy that clears the names it is told clears this one too. */
export const UNUSED_IDENTITY = 'X-Authgear-Session-Acr'

export const lower = (names: readonly string[]): readonly string[] => names.map(name => name.toLowerCase())

/** LOGIN_PATH's default, and all that it has. */
export const LOGIN_PATHS = ['/_auth/login', '/_auth/callback', '/_auth/logout', '/_auth/logged-out'] as const
export const LOGIN_PATTERN = '^/_auth/(login|callback|logout|logged-out)$'

function canonical (name: string): string {
  return name.replaceAll(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}
