// @ts-check
import { randomInt, randomUUID } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** The form of opaque access tokens and app_session tokens. */
export function randomOpaque () {
  return Array.from({ length: 32 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

export function randomSessionCookie () {
  return `${randomUUID()}.${randomOpaque()}`
}

/** @param {{ sub: string, aud: string, exp: number, jti?: string }} claims */
export function demoJwt (claims) {
  const part = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = { alg: 'RS256', kid: 'demo', typ: 'at+jwt' }
  return `${part(header)}.${part(claims)}.${Buffer.from('no-signature-this-is-a-demo').toString('base64url')}`
}

/**
 * @param {string} token
 * @returns {{ aud: unknown, exp: unknown } | undefined}
 */
export function readJwt (token) {
  const [header, payload, signature] = token.split('.')
  if (!header?.startsWith('eyJ') || !payload || !signature) return undefined
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch {
    return undefined
  }
}
