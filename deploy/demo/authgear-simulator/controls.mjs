// @ts-check
import { FAILURES } from './failures.mjs'
import { sessionId } from './directory.mjs'
import { createGate } from './gates.mjs'

/** @import { FailureMode, Controls, Outage } from './types.d.mts' */

/**
 * What a test may change while the simulator runs.
 * @param {import('./directory.mjs').Directory} directory
 * @param {import('./audit-controls.mjs').Audit} audit
 * @param {import('./user-query.mjs').UserQueries} userQueries
 * @param {Pick<import('./resolver.mjs').Parts, 'grants' | 'issuer' | 'tokenFaults' | 'chronicle' | 'dynamicClients' |
 *   'userinfo'>} tokens
 */
export function createControls (directory, audit, userQueries, tokens) {
  const { grants, issuer, tokenFaults, chronicle, dynamicClients, userinfo } = tokens
  /** @type {{ mode: FailureMode, left: number } | undefined} */
  let failure
  /** @type {Record<'before' | 'after', ReturnType<typeof createGate> | undefined>} */
  const gates = { before: undefined, after: undefined }

  /** @type {Controls} */
  const controls = {
    latency: 0,
    sessionLock: false,
    outage: /** @type {Outage} */ ('none'),
    frozenRedisDelay: 3000,
    fail (mode, times = Infinity) {
      if (!Object.hasOwn(FAILURES, mode)) throw new Error(`no such failure: ${mode}`)
      failure = { mode, left: times }
    },
    recover: () => { failure = undefined },
    hold (point = 'before') {
      gates[point]?.release()
      return (gates[point] = createGate())
    },
    audit: audit.controls,
    profiles: userQueries.controls,
    tokens: tokenFaults.controls,
    userinfo: userinfo.controls,
    expireAccessTokens: grants.expireAccessTokens,
    addSigningKey: issuer.addKey,
    dropOldSigningKeys: issuer.dropOldKeys,
    endGrant (id) {
      const grant = grants.byId(id)
      grants.end(one => one === grant)
      if (grant === undefined) return
      chronicle.sessionsRevoked(grant.session.user, [{ id, type: 'offline_grant' }], 'individual')
    },
    expireCookie: directory.expireCookie,
    deleteClient: dynamicClients.delete,
    ...userControls(directory, chronicle, userinfo)
  }

  /** Takes one of the failures asked for. */
  function nextFailure () {
    if (failure === undefined || failure.left <= 0) return undefined
    failure.left--
    return failure.mode
  }

  const pass = async (/** @type {'before' | 'after'} */ point) => { await gates[point]?.pass() }
  const release = () => {
    for (const one of [gates.before, gates.after, audit, userQueries, tokenFaults, userinfo]) one?.release()
  }
  return { controls: Object.seal(controls), nextFailure, pass, release, gates }
}

/**
 * @param {import('./directory.mjs').Directory} directory
 * @param {import('./audit-controls.mjs').Chronicle} chronicle
 * @param {Pick<import('./userinfo.mjs').Userinfo, 'purge'>} userinfo
 */
function userControls (directory, chronicle, { purge }) {
  const { user, endSessions } = directory
  const endAll = (/** @type {string} */ name) => {
    const owner = user(name)
    return endSessions(session => session.user === owner)
  }
  return /** @satisfies {Partial<Controls>} */ ({
    addUser: directory.addUser,
    signIn (name) {
      const issued = directory.signIn(name)
      chronicle.signedIn(user(name), sessionId(issued.cookie))
      purge(user(name).id)
      return issued
    },
    signOut (cookie) {
      const owner = directory.find.byCookie(cookie)
      if (owner !== undefined) chronicle.signedOut(owner.user, endSessions(session => session === owner))
    },
    endSession (id) {
      const found = directory.find.byId(id)
      if (found === undefined) return
      chronicle.sessionsRevoked(found.user, endSessions(session => session === found), 'individual')
    },
    revokeSessions: name => chronicle.sessionsRevoked(user(name), endAll(name)),
    revoke: credential => { endSessions((_, one) => one === credential) },
    disable: name => { user(name).disabled = true; endAll(name); chronicle.disabled(user(name)) },
    enable: name => { user(name).disabled = false; chronicle.disabled(user(name)) },
    setRoles (name, roles) {
      const before = user(name).roles
      user(name).roles = roles
      purge(user(name).id)
      chronicle.rolesChanged(user(name), before)
    },
    setAttributes (name, attributes) {
      user(name).attributes = attributes
      purge(user(name).id)
    },
    verifyEmail (name, verified) {
      user(name).attributes = { ...user(name).attributes, email_verified: verified }
    },
    setGroups (name, groups) {
      const before = user(name).groups
      user(name).groups = groups
      chronicle.groupsChanged(user(name), before)
    },
    setVerified: (name, verified) => { user(name).verified = verified },
    setOutsideValidity: (name, outside) => { user(name).outsideValidity = outside }
  })
}
