// @ts-check
import { createVerify, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'

/** @import { User } from './types.d.mts' */

const USER_CLAIM = 'https://authgear.com/claims/user/'
const ID_TOKEN_SECONDS = 300

/** @param {object} value */
const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')

function makeKey () {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig', created_at: seconds(Date.now()) }
  return { kid, privateKey, publicKey, jwk }
}

/** @param {number} ms */
const seconds = ms => Math.floor(ms / 1000)

/**
 * Signs with the newest key, from its first use on; older ones are published until they are dropped.
 * @param {() => number} [now]
 */
export function createIssuer (now = Date.now) {
  /** @type {ReturnType<typeof makeKey>[]} newest first */
  let keys = []
  const newest = () => keys[0] ?? (keys = [makeKey()])[0]

  /** @param {string} typ @param {object} claims */
  function signed (typ, claims) {
    const { kid, privateKey } = /** @type {ReturnType<typeof makeKey>} */ (newest())
    const text = `${part({ alg: 'RS256', kid, typ })}.${part(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
  }

  return Object.freeze({
    jwks: () => ({ keys: [newest(), ...keys.slice(1)].map(key => key?.jwk) }),
    /** @param {string} iss @param {object} claims @param {number} life seconds */
    accessToken (iss, claims, life) {
      const iat = seconds(now())
      return signed('at+jwt', { ...claims, iss, iat, exp: iat + life, jti: randomBytes(32).toString('hex') })
    },
    /** @param {string} iss @param {object} claims */
    idToken (iss, claims) {
      const iat = seconds(now())
      return signed('JWT', { ...claims, iss, iat, exp: iat + ID_TOKEN_SECONDS })
    },
    /**
     * The claims of an ID token that a published key signed, an expired one too.
     * @param {string} token @returns {Record<string, unknown> | undefined}
     */
    read (token) {
      const [head = '', payload = '', signature = ''] = token.split('.')
      const verified = createVerify('RSA-SHA256').update(`${head}.${payload}`)
      try {
        const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
        const key = keys.find(one => one.kid === kid)
        if (key === undefined || !verified.verify(key.publicKey, signature, 'base64url')) return undefined
        return JSON.parse(Buffer.from(payload, 'base64url').toString())
      } catch {
        return undefined
      }
    },
    /** A new key signs from now on. */
    addKey: () => { keys = [makeKey(), ...keys] },
    /** What older keys signed is not read any more. */
    dropOldKeys: () => { keys = keys.slice(0, 1) }
  })
}

/** @typedef {ReturnType<typeof createIssuer>} Issuer */

/** What tokens say of their user. @param {User} user */
export function userClaims (user) {
  return {
    [`${USER_CLAIM}roles`]: user.roles,
    [`${USER_CLAIM}is_anonymous`]: user.anonymous,
    [`${USER_CLAIM}is_verified`]: user.verified,
    [`${USER_CLAIM}can_reauthenticate`]: user.canReauthenticate
  }
}
