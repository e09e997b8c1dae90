// @ts-check
import { randomUUID } from 'node:crypto'
import { randomOpaque, randomSessionCookie, readJwt } from './tokens.mjs'

/** @import { IssuedCredentials, Session, SessionEntry, User, UserEntry } from './types.d.mts' */
/** @import { Grants } from './grants.mjs' */
/** @typedef {{ id: string, type: 'idp' | 'offline_grant' }} Ended */

/**
 * Users and their sessions; what Authgear keeps in its database and its Redis.
 * @param {readonly UserEntry[]} entries
 * @param {Grants} grants
 * @param {() => number} now epoch milliseconds
 */
export function createDirectory (entries, grants, now) {
  /** @type {Map<string, User>} */
  const users = new Map()
  // one map a kind, since a cookie's value is no bearer token and the other way round
  /** @type {Record<'accessToken' | 'appSession' | 'cookie', Map<string, Session>>} */
  const sessions = { accessToken: new Map(), appSession: new Map(), cookie: new Map() }

  /** @param {UserEntry} entry */
  function addUser (entry) {
    const user = complete(entry)
    users.set(user.name, user)
    for (const session of entry.sessions ?? []) addSession(user, session)
  }

  /** @param {User} user @param {SessionEntry} entry */
  function addSession (user, entry) {
    const authenticatedAt = entry.authenticatedAt ?? Math.floor(now() / 1000)
    const known = { user, authenticatedAt, amr: entry.amr ?? [], key: randomUUID() }
    const session = { ...known, isThirdParty: false }
    const thirdParty = { ...known, isThirdParty: true }
    for (const token of entry.accessTokens ?? []) sessions.accessToken.set(token, session)
    for (const token of entry.thirdPartyTokens ?? []) sessions.accessToken.set(token, thirdParty)
    if (entry.appSession !== undefined) sessions.appSession.set(entry.appSession, session)
    if (entry.cookie !== undefined) sessions.cookie.set(entry.cookie, session)
  }

  /** @param {string} name */
  function user (name) {
    const found = users.get(name)
    if (found === undefined) throw new Error(`the simulator knows no user named ${name}`)
    return found
  }

  /**
   * @param {(session: Session, credential: string) => boolean} ended
   * @returns {Ended[]} those of apps, and those that had a cookie: the audit log names them
   */
  function endSessions (ended) {
    const ofApps = grants.end(({ session, refreshToken, idp }) =>
      ended(session, refreshToken) || (idp !== undefined && ended(idp, '')))
    const ids = [...sessions.cookie]
      .filter(([credential, session]) => ended(session, credential))
      .map(([cookie]) => sessionId(cookie))
    for (const map of Object.values(sessions)) {
      for (const [credential, session] of map) if (ended(session, credential)) map.delete(credential)
    }
    return [
      ...ofApps.map(id => /** @type {Ended} */ ({ id, type: 'offline_grant' })),
      ...ids.map(id => /** @type {Ended} */ ({ id, type: 'idp' }))
    ]
  }

  /** Its own idle end: apps' sessions go on, but for those that share it. @param {string} cookie */
  function expireCookie (cookie) {
    const session = sessions.cookie.get(cookie)
    sessions.cookie.delete(cookie)
    grants.end(({ sso, idp }) => sso && idp !== undefined && idp === session)
  }

  /** @param {string} name @returns {IssuedCredentials} */
  function signIn (name) {
    const issued = { accessToken: randomOpaque(), cookie: randomSessionCookie(), appSession: randomOpaque() }
    const { accessToken, ...cookies } = issued
    addSession(user(name), { accessTokens: [accessToken], ...cookies })
    return issued
  }

  entries.forEach(addUser)
  return Object.freeze({ users, user, addUser, signIn, endSessions, expireCookie, find: finder(sessions, grants, now) })
}

/** @typedef {ReturnType<typeof createDirectory>} Directory */

/** The part of the cookie that the audit log names. @param {string} cookie */
export const sessionId = cookie => cookie.split('.')[0] ?? ''

/**
 * @param {Record<'accessToken' | 'appSession' | 'cookie', Map<string, Session>>} sessions
 * @param {Grants} grants
 * @param {() => number} now
 */
function finder (sessions, grants, now) {
  const alive = (/** @type {Session | undefined} */ session) => session?.user.disabled ? undefined : session
  return Object.freeze({
    byCookie: (/** @type {string} */ value) => alive(sessions.cookie.get(value)),
    /** @param {string} id as the audit log names it */
    byId: id => alive([...sessions.cookie].find(([cookie]) => sessionId(cookie) === id)?.[1]),
    byAppSession: (/** @type {string} */ value) => alive(sessions.appSession.get(value)),
    /**
     * A JWT counts only where it was meant for: that its whole text is known stands for the signature. A third party's
     * is one wherever it was meant for, and refused.
     */
    byAccessToken (/** @type {string} */ token, /** @type {string} */ audience) {
      const session = alive(sessions.accessToken.get(token) ?? grants.byAccessToken(token)?.session)
      return session?.isThirdParty || !token.startsWith('eyJ') || isJwtFor(token, audience, now()) ? session : undefined
    }
  })
}

/** @param {string} token @param {string} audience @param {number} now */
function isJwtFor (token, audience, now) {
  const claims = readJwt(token)
  if (claims === undefined || typeof claims.exp !== 'number') return false
  return [claims.aud].flat().includes(audience) && claims.exp * 1000 > now
}

/** @param {UserEntry} entry @returns {User} */
function complete ({ sessions, ...entry }) {
  const defaults = {
    roles: [],
    groups: [],
    attributes: {},
    verified: false,
    anonymous: false,
    canReauthenticate: true,
    disabled: false,
    outsideValidity: false
  }
  return { ...defaults, ...entry }
}
