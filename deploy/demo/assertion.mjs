// @ts-check
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'

const { FORWARD_AUTH, ISSUER, AUDIENCE = '' } = process.env

const keys = FORWARD_AUTH === undefined
  ? undefined
  : createRemoteJWKSet(new URL('/.well-known/forward-auth/jwks.json', FORWARD_AUTH))

/** @typedef {{ verified: boolean, claims: Record<string, unknown>, why?: string }} Assertion */

/**
 * What the service signed about who is asking, verified as docs/apps/node.md says; undefined where none came.
 * @param {string | string[] | undefined} header
 * @returns {Promise<Assertion | undefined>}
 */
export async function readAssertion (header) {
  if (typeof header !== 'string' || header === '') return undefined
  if (keys === undefined) return { verified: false, claims: claimsOf(header), why: 'FORWARD_AUTH is not set' }
  try {
    const rules = { issuer: ISSUER ?? '', audience: AUDIENCE, algorithms: ['ES256', 'EdDSA'] }
    const { payload } = await jwtVerify(header, keys, rules)
    return { verified: true, claims: payload }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    return { verified: false, claims: claimsOf(header), why }
  }
}

/** @param {string} header @returns {Record<string, unknown>} */
function claimsOf (header) {
  try {
    return decodeJwt(header)
  } catch {
    return {}
  }
}
