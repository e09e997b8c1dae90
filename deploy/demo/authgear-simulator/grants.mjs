// @ts-check
import { randomUUID } from 'node:crypto'
import { randomOpaque } from './tokens.mjs'

/** @import { OAuthClient, Session, User } from './types.d.mts' */

/**
 * @typedef {object} Grant the session of an app with tokens of its own: Authgear's "offline grant"
 * @property {string} id a UUID; `sid` names it, and so do the audit log and the Admin API
 * @property {OAuthClient} client
 * @property {Session} session what the resolver says of its access tokens
 * @property {Session | undefined} idp the browser's session that it was made by
 * @property {boolean} sso whether it ends with that one by itself, and takes it along
 * @property {string} scope
 * @property {string | undefined} resource the only audience of its access tokens
 * @property {string} refreshToken
 * @property {number} endsAt
 * @property {number} idleEnd what the touch before the newest one computed
 * @property {number} touchedAt
 */

const ACCESS_SECONDS = 300
/** Authgear's defaults: 52 weeks, 30 days. */
const GRANT_SECONDS = 52 * 7 * 86_400
const IDLE_SECONDS = 30 * 86_400

/** @typedef {{ user: User, authenticatedAt: number }} Opened */

/** @param {string} id */
export const sidOf = id => Buffer.from(`offline_grant:${id}`).toString('base64url')

/**
 * Grants and their tokens (docs/inside/authgear.md, "Sessions of apps").
 * @param {() => number} now epoch milliseconds
 */
export function createGrants (now) {
  /** @type {Map<string, Grant>} */
  const byId = new Map()
  /** @type {Map<string, { id: string, endsAt: number }>} */
  const accessTokens = new Map()
  /** @param {string} id */
  function alive (id) {
    const grant = byId.get(id)
    return grant !== undefined && isAlive(grant) ? grant : undefined
  }

  /** @param {Grant} grant */
  function isAlive (grant) {
    const lives = now() < Math.min(grant.endsAt, grant.idleEnd) && !grant.session.user.disabled
    if (!lives) byId.delete(grant.id)
    return lives
  }

  /** Each touch writes the idle end that the one before it computed. @param {Grant} grant */
  function touch (grant) {
    grant.idleEnd = grant.touchedAt + idleMs(grant.client)
    grant.touchedAt = now()
  }

  /** @param {Pick<Grant, 'client' | 'idp' | 'sso' | 'scope' | 'resource'> & Opened} how */
  function open ({ client, user, authenticatedAt, idp, sso, scope, resource }) {
    const id = randomUUID()
    /** @type {Grant} */
    const grant = {
      id,
      client,
      session: { user, authenticatedAt, amr: [], key: id, isThirdParty: client.type === 'third_party_app' },
      idp,
      sso,
      scope,
      resource,
      refreshToken: `${id}.${randomOpaque()}`,
      endsAt: now() + (client.refreshTokenSeconds ?? GRANT_SECONDS) * 1000,
      idleEnd: now() + idleMs(client),
      touchedAt: now()
    }
    byId.set(id, grant)
    return grant
  }

  return Object.freeze({
    open,
    touch,
    /** @param {string} token */
    byRefreshToken (token) {
      const grant = alive(token.slice(0, token.indexOf('.')))
      return grant?.refreshToken === token ? grant : undefined
    },
    byId: alive,
    /** @param {string} token */
    byAccessToken (token) {
      const { id = '', endsAt = 0 } = accessTokens.get(token) ?? {}
      return endsAt > now() ? alive(id) : undefined
    },
    /** @param {Grant} grant @param {string} token */
    addAccessToken: ({ id, client }, token) => {
      accessTokens.set(token, { id, endsAt: now() + accessSeconds(client) * 1000 })
    },
    /** @param {string} token */
    dropAccessToken: token => { accessTokens.delete(token) },
    /** The old one is dead at once. @param {Grant} grant */
    rotate: grant => { grant.refreshToken = `${grant.id}.${randomOpaque()}` },
    /** Ends access tokens, and leaves the grants. */
    expireAccessTokens: () => accessTokens.clear(),
    /** @param {(grant: Grant) => boolean} fits @returns {string[]} the ids of those that ended */
    end (fits) {
      const ended = [...byId.values()].filter(fits)
      for (const { id } of ended) byId.delete(id)
      return ended.map(({ id }) => id)
    }
  })
}

/** @typedef {ReturnType<typeof createGrants>} Grants */

/** @param {OAuthClient} client */
export const accessSeconds = ({ accessTokenSeconds = ACCESS_SECONDS }) => accessTokenSeconds
/** @param {OAuthClient} client */
const idleMs = ({ idleSeconds = IDLE_SECONDS }) => idleSeconds * 1000
