// @ts-check
import { createVerify } from 'node:crypto'

/** @import { AdminApiOptions } from './types.d.mts' */

/** Seconds: the clock skew that Authgear tolerates, both ways. */
const SKEW = 300

/**
 * Whether Authgear lets this Authorization header in: RS256 by that key and kid, made out to that app. Neither `iat`
 * nor `exp` is required.
 * @param {string | undefined} header @param {AdminApiOptions} options @param {number} nowMs
 */
export function isAdmin (header, { appId, keyId, publicKey }, nowMs) {
  const [head, payload, signature] = /^Bearer +(\S+) *$/.exec(header ?? '')?.[1]?.split('.') ?? []
  if (head === undefined || payload === undefined || signature === undefined) return false
  const { alg, kid } = decode(head)
  const { aud, exp = Infinity, iat = -Infinity, nbf = -Infinity } = decode(payload)
  const now = nowMs / 1000
  if (alg !== 'RS256' || kid !== keyId || ![aud].flat().includes(appId)) return false
  if (Number(exp) + SKEW < now || Number(iat) - SKEW > now || Number(nbf) - SKEW > now) return false
  return createVerify('RSA-SHA256').update(`${head}.${payload}`).verify(publicKey, signature, 'base64url')
}

/** @param {string} part @returns {Record<string, unknown>} */
function decode (part) {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    return {}
  }
}
