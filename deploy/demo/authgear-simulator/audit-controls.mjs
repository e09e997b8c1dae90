// @ts-check
import { createAuditLog } from './audit-log.mjs'
import { createTrouble } from './trouble.mjs'

/** @import { AuditFailure, AuditControls, OAuthClient, User } from './types.d.mts' */
/** @import { Ended } from './directory.mjs' */

/** No failure, and those that only a query of the log meets. @type {ReadonlySet<AuditFailure | undefined>} */
const SEEN_BY_QUERIES = new Set([undefined, 'unavailable', 'hang'])

/** The audit log, what breaks it, and what it says of the deeds of others. */
export function createAudit () {
  const log = createAuditLog()
  const trouble = /** @type {typeof createTrouble<AuditFailure>} */ (createTrouble)()
  let queries = 0
  const control = {
    ...trouble,
    /** @type {readonly string[]} */
    hidden: [],
    arrived: (/** @type {boolean} */ isLog) => { if (isLog) queries++ },
    /** What fails before the query is looked at also fails for introspection. */
    failsAll: () => !SEEN_BY_QUERIES.has(trouble.mode())
  }

  /** @type {AuditControls} */
  const controls = {
    ...trouble.controls,
    append: log.append,
    late: ms => { log.faults.lateness = ms },
    lose: count => { log.faults.losing = count },
    hide: types => { control.hidden = types },
    get queries () { return queries }
  }
  return { log, controls: Object.freeze(controls), control, release: trouble.release }
}

/** @typedef {ReturnType<typeof createAudit>} Audit */

/** @param {User} user */
const userOf = ({ id, disabled, anonymous, roles, groups }) => ({
  id,
  is_disabled: disabled,
  is_anonymous: anonymous,
  roles,
  groups
})
/** @param {Ended} session */
const sessionOf = ({ id, type }) => ({ id, type, clientID: null })

/** @param {OAuthClient} client */
const clientOf = ({ id, source, name }) => ({ client_id: id, source, kind: 'third_party', client_name: name })

/** What Authgear writes of each deed, in its order. @param {Pick<Audit['log'], 'append'>} log */
export function createChronicle ({ append }) {
  const admin = (/** @type {string} */ name, /** @type {object} */ payload, /** @type {string | undefined} */ userId) =>
    append({
      activityType: `ADMIN_API_MUTATION_${name}_EXECUTED`,
      payload,
      triggeredBy: 'admin_api',
      ...(userId === undefined ? {} : { userId })
    })
  return Object.freeze({
    signedIn: (/** @type {User} */ user, /** @type {string} */ id) =>
      append({
        activityType: 'USER_AUTHENTICATED',
        userId: user.id,
        payload: { user: userOf(user), session: sessionOf({ id, type: 'idp' }) }
      }),
    reauthenticated: (/** @type {User} */ user, /** @type {string} */ id) =>
      append({
        activityType: 'USER_REAUTHENTICATED',
        userId: user.id,
        payload: { user: userOf(user), session: sessionOf({ id, type: 'offline_grant' }) }
      }),
    signedOut: (/** @type {User} */ user, /** @type {readonly Ended[]} */ ended) =>
      append({
        activityType: 'USER_SIGNED_OUT',
        userId: user.id,
        payload: { user: userOf(user), sessions: ended.map(sessionOf) }
      }),
    sessionsRevoked (/** @type {User} */ user, /** @type {readonly Ended[]} */ ended, kind = 'all') {
      if (ended.length > 0) {
        append({
          activityType: 'USER_SESSION_TERMINATED',
          userId: user.id,
          triggeredBy: 'admin_api',
          payload: { user: userOf(user), sessions: ended.map(sessionOf), termination_type: kind }
        })
      }
      admin(kind === 'all' ? 'REVOKE_ALL_SESSIONS' : 'REVOKE_SESSION', { user: userOf(user) }, undefined)
    },
    disabled (/** @type {User} */ user) {
      append({
        activityType: user.disabled ? 'USER_DISABLED' : 'USER_REENABLED',
        userId: user.id,
        triggeredBy: 'admin_api',
        payload: { user: userOf(user) }
      })
      admin('SET_DISABLED_STATUS', { user: userOf(user), is_disabled: user.disabled }, undefined)
    },
    /** Roles are named by their ids, and no user is in the payload but by id. */
    rolesChanged (/** @type {User} */ user, /** @type {readonly string[]} */ before) {
      const [taken, given] = [
        before.filter((role) => !user.roles.includes(role)),
        user.roles.filter((role) => !before.includes(role))
      ]
      if (taken.length > 0) admin('REMOVE_USER_FROM_ROLES', { user_id: user.id, role_ids: taken }, user.id)
      if (given.length > 0) admin('ADD_USER_TO_ROLES', { user_id: user.id, role_ids: given }, user.id)
    },
    groupsChanged (/** @type {User} */ user, /** @type {readonly string[]} */ before) {
      const taken = before.filter((group) => !user.groups.includes(group))
      const given = user.groups.filter((group) => !before.includes(group))
      if (taken.length > 0) admin('REMOVE_USER_FROM_GROUPS', { user_id: user.id, group_ids: taken }, user.id)
      if (given.length > 0) admin('ADD_USER_TO_GROUPS', { user_id: user.id, group_ids: given }, user.id)
    },
    ...clientChronicle(append)
  })
}

/** @typedef {ReturnType<typeof createChronicle>} Chronicle */

/** Of dynamic clients, which have no user. @param {Audit['log']['append']} append */
function clientChronicle (append) {
  const client = (/** @type {string} */ what) => (/** @type {OAuthClient} */ one) =>
    append({ activityType: `OAUTH_CLIENT_${what}`, payload: { client: clientOf(one) }, clientId: one.id })
  return Object.freeze({
    clientRegistered: client('REGISTERED'),
    clientResolved: client('RESOLVED'),
    clientFailed: (
      /** @type {'REGISTRATION' | 'RESOLUTION'} */ what, /** @type {string} */ reason, /** @type {string} */ message
    ) => append({ activityType: `OAUTH_CLIENT_${what}_FAILED`, payload: { reason, message } }),
    clientDeleted: (/** @type {OAuthClient} */ one) => append({
      activityType: 'ADMIN_API_MUTATION_DELETE_DYNAMIC_CLIENT_EXECUTED',
      payload: clientOf(one),
      clientId: one.id,
      triggeredBy: 'admin_api'
    })
  })
}
