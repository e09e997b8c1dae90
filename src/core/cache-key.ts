import { hkdfSync } from 'node:crypto'
import type { Credentials } from './credentials.ts'
import { createHmacSha256, type Hmac } from './hmac.ts'

/** Keyed digest of everything that can change Authgear's answer: 43 characters of base64url. */
export type CacheKey = string & { readonly __brand: 'CacheKey' }
/** Keyed digest of one credential, or of the session id in one: what a revocation names. 22 characters of base64url. */
export type CredentialDigest = string & { readonly __brand: 'CredentialDigest' }

export type DerivedKeys = Readonly<{ digest: Uint8Array, sealing: Uint8Array, log: Uint8Array }>

export type Keyer = Readonly<{
  cacheKey: (credentials: Credentials) => CacheKey
  digests: (credentials: Credentials) => readonly CredentialDigest[]
}>

/** @param secret CACHE_SECRET; one purpose never learns the key of another */
export function deriveKeys (secret: Uint8Array): DerivedKeys {
  const derive = (purpose: string): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, '', `authgear-forward-auth ${purpose} v1`, 32))
  return { digest: derive('digest'), sealing: derive('sealing'), log: derive('log') }
}

/**
 * @param project what names the Authgear project and its reading of cookies: two projects may share one Redis and one
 * token string (CVE-2026-33496)
 */
export function createKeyer (digestKey: Uint8Array, project: Readonly<{ endpoint: string, cookiePrefix: string }>): Keyer {
  const hmac = createHmacSha256(digestKey)
  const scope: readonly string[] = [project.endpoint, project.cookiePrefix]
  return Object.freeze({
    cacheKey: ({ bearer, appSession, appAccessToken, session }: Credentials) =>
      digestOf(hmac, ['key', ...scope, bearer, appSession, appAccessToken, session]) as CacheKey,
    digests: (credentials: Credentials) => digestTexts(credentials).map(([kind, text]) =>
      digestOf(hmac, [kind, ...scope, text]).slice(0, 22) as CredentialDigest)
  })
}

/** A token is the same token in a header and in a cookie, so its digest does not say where it was sent. */
function digestTexts ({ bearer, appSession, appAccessToken, session }: Credentials): ReadonlyArray<readonly [string, string]> {
  const texts: Array<readonly [string, string]> = []
  for (const token of new Set([bearer, appAccessToken])) if (token !== undefined) texts.push(['token', token])
  for (const [kind, value] of [['app_session', appSession], ['session', session]] as const) {
    if (value === undefined) continue
    texts.push([kind, value])
    const dot = value.indexOf('.')
    if (dot > 0) texts.push(['session-id', value.slice(0, dot)])
  }
  return texts
}

/** Parts are length-prefixed and absent ones marked, so that no two lists give the same bytes. */
function digestOf (hmac: Hmac, parts: ReadonlyArray<string | undefined>): string {
  const capacity = parts.reduce((sum, part) => sum + 5 + (part?.length ?? 0), 0)
  return hmac((target, start) => parts.reduce((offset, part) => writePart(target, offset, part), start), capacity)
}

/** Header values are bytes that Node hands over as latin1. */
function writePart (target: Buffer, offset: number, part: string | undefined): number {
  if (part === undefined) return target.writeUInt8(0, offset)
  target.writeUInt8(1, offset)
  target.writeUInt32BE(part.length, offset + 1)
  return offset + 5 + target.write(part, offset + 5, 'latin1')
}
