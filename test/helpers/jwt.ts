import type { EpochMs } from '../../src/base/core/token-expiry.ts'

export const NOW = 1_800_000_000_000 as EpochMs

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Three parts of which the last is no signature; a text is encoded as it is. */
export function jwt (payload: unknown, header: unknown = { alg: 'RS256', typ: 'at+jwt' }): string {
  return `${encode(header)}.${encode(payload)}.c2lnbmF0dXJl`
}

/** An access token that ends so many milliseconds from NOW. @param aud the project's origin */
export function jwtEnding (fromNowMs: number, aud?: string): string {
  return jwt({ sub: 'user', aud, exp: (NOW + fromNowMs) / 1000 })
}
