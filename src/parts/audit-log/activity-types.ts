import type { Clock } from '../../base/clock.ts'
import type { AuditClient } from './client.ts'
import { AuditError } from './errors.ts'

/** The meaning of one type of activity for what is remembered. */
export type Effect =
  /** Everybody it names. */
  | 'users'
  /** The same, and what began before the entry was read may be remembered: nothing of Authgear's is stale. */
  | 'users at once'
  /** Everybody and every session that it names. */
  | 'sessions'
  /** Everybody it names, and everybody at all where it also names groups, whose members it does not name. */
  | 'members'
  /** It names nobody, and may concern anybody. */
  | 'everything'
  /** The rights of a client for a user: it names the client, and no user yet. */
  | 'authorization'
  /** Every token of the client that it names. */
  | 'client'
  /** An event without consequence for a session that exists. */
  | 'nothing'

/**
 * The types of `authgear-server` fa7a7d5, its whole enum, and those of the release of September 2026 about dynamic
 * clients; mutations without their prefix and suffix.
 */
const USERS = [
  'USER_DISABLED',
  'USER_REENABLED',
  'USER_DELETION_SCHEDULED',
  'USER_DELETION_UNSCHEDULED',
  'USER_DELETED',
  'USER_ANONYMIZATION_SCHEDULED',
  'USER_ANONYMIZATION_UNSCHEDULED',
  'USER_ANONYMIZED',
  'USER_ANONYMOUS_PROMOTED',
  'USER_PROFILE_UPDATED',
  'USER_REAUTHENTICATED',
  'IDENTITY_BIOMETRIC_DISABLED',
  'IDENTITY_BIOMETRIC_ENABLED',
  'IDENTITY_OAUTH_CONNECTED',
  'IDENTITY_OAUTH_DISCONNECTED',
  ...['EMAIL', 'PHONE'].flatMap((kind) =>
    ['ADDED', 'REMOVED', 'UNVERIFIED', 'UPDATED', 'VERIFIED'].map((what) => `IDENTITY_${kind}_${what}`)
  ),
  'IDENTITY_USERNAME_ADDED',
  'IDENTITY_USERNAME_REMOVED',
  'IDENTITY_USERNAME_UPDATED',
  ...mutations(
    'SET_DISABLED_STATUS',
    'SET_ACCOUNT_VALID_FROM',
    'SET_ACCOUNT_VALID_PERIOD',
    'SET_ACCOUNT_VALID_UNTIL',
    'ANONYMIZE_USER',
    'DELETE_USER',
    'SCHEDULE_ACCOUNT_ANONYMIZATION',
    'SCHEDULE_ACCOUNT_DELETION',
    'UNSCHEDULE_ACCOUNT_ANONYMIZATION',
    'UNSCHEDULE_ACCOUNT_DELETION',
    'RESET_PASSWORD',
    'SET_PASSWORD_EXPIRED',
    'UPDATE_USER',
    'CREATE_IDENTITY',
    'DELETE_IDENTITY',
    'UPDATE_IDENTITY',
    'ADD_ROLE_TO_USERS',
    'REMOVE_ROLE_FROM_USERS',
    'ADD_USER_TO_ROLES',
    'REMOVE_USER_FROM_ROLES',
    'ADD_GROUP_TO_USERS',
    'REMOVE_GROUP_FROM_USERS',
    'ADD_USER_TO_GROUPS',
    'REMOVE_USER_FROM_GROUPS',
    'DELETE_GROUP'
  )
]

const NOTHING = [
  'USER_CREATED',
  'RATE_LIMIT_BLOCKED',
  'USAGE_ALERT_TRIGGERED',
  'M2M_TOKEN_CREATED',
  'BOT_PROTECTION_VERIFICATION_FAILED',
  'FRAUD_PROTECTION_DECISION_RECORDED',
  'AUTHENTICATION_BLOCKED',
  'WHATSAPP_OTP_VERIFIED',
  // a stranger can cause these four
  ...['REGISTERED', 'RESOLVED', 'REGISTRATION_FAILED', 'RESOLUTION_FAILED'].map((what) => `OAUTH_CLIENT_${what}`),
  ...['EMAIL', 'SMS', 'WHATSAPP'].flatMap((kind) => ['ERROR', 'SENT', 'SUPPRESSED'].map((what) => `${kind}_${what}`)),
  ...[
    'IDENTITY_ANONYMOUS',
    'IDENTITY_BIOMETRIC',
    'IDENTITY_LOGIN_ID',
    'PRIMARY_OOB_OTP_EMAIL',
    'PRIMARY_OOB_OTP_SMS',
    'PRIMARY_PASSWORD',
    'SECONDARY_OOB_OTP_EMAIL',
    'SECONDARY_OOB_OTP_SMS',
    'SECONDARY_PASSWORD',
    'SECONDARY_RECOVERY_CODE',
    'SECONDARY_TOTP'
  ].map((what) => `AUTHENTICATION_${what}_FAILED`),
  ...[
    'APP_CREATED',
    'APP_SECRET_VIEWED',
    'APP_UPDATED',
    'BILLING_CHECKOUT_CREATED',
    'BILLING_SUBSCRIPTION_CANCELLED',
    'BILLING_SUBSCRIPTION_STATUS_UPDATED',
    'BILLING_SUBSCRIPTION_UPDATED',
    'COLLABORATOR_DELETED',
    'COLLABORATOR_INVITATION_ACCEPTED',
    'COLLABORATOR_INVITATION_CREATED',
    'COLLABORATOR_INVITATION_DELETED',
    'DOMAIN_CREATED',
    'DOMAIN_DELETED',
    'DOMAIN_VERIFIED'
  ].map((what) => `PROJECT_${what}`),
  // a new role or group has nobody in it; a new session ends no other; SET_VERIFIED_STATUS names nobody and comes with
  // an IDENTITY_* that does
  ...mutations(
    'CREATE_ROLE',
    'CREATE_GROUP',
    'CREATE_USER',
    'CREATE_SESSION',
    'SET_VERIFIED_STATUS',
    'CREATE_AUTHENTICATOR',
    'DELETE_AUTHENTICATOR',
    'GENERATE_OOB_OTP_CODE',
    'RESET_ACCOUNT_LOCKOUT',
    'SEND_RESET_PASSWORD_MESSAGE',
    'CREATE_INITIAL_ACCESS_TOKEN',
    'REVOKE_INITIAL_ACCESS_TOKEN',
    'CREATE_RESOURCE',
    'DELETE_RESOURCE',
    'UPDATE_RESOURCE',
    'CREATE_SCOPE',
    'DELETE_SCOPE',
    'UPDATE_SCOPE',
    'ADD_RESOURCE_TO_CLIENTID',
    'REMOVE_RESOURCE_FROM_CLIENTID',
    'ADD_SCOPES_TO_CLIENTID',
    'REMOVE_SCOPES_FROM_CLIENTID',
    'REPLACE_SCOPES_OF_CLIENTID'
  )
]

const EFFECTS: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['USER_AUTHENTICATED', 'users at once'],
  ...rows('sessions', [
    'USER_SIGNED_OUT',
    'USER_SESSION_TERMINATED',
    ...mutations('REVOKE_SESSION', 'REVOKE_ALL_SESSIONS')
  ]),
  ...rows('members', mutations('DELETE_ROLE')),
  ...rows(
    'everything',
    mutations(
      'ADD_ROLE_TO_GROUPS',
      'REMOVE_ROLE_FROM_GROUPS',
      'ADD_GROUP_TO_ROLES',
      'REMOVE_GROUP_FROM_ROLES',
      'UPDATE_ROLE',
      'UPDATE_GROUP'
    )
  ),
  ...rows('authorization', mutations('DELETE_AUTHORIZATION')),
  ...rows('client', mutations('DELETE_DYNAMIC_CLIENT')),
  ...rows('users', USERS),
  ...rows('nothing', NOTHING)
])

/** After these nothing that the user was given holds: signed out, disabled, on the way to be deleted. */
const ENDING: ReadonlySet<string> = new Set([
  'USER_DISABLED',
  'USER_DELETION_SCHEDULED',
  'USER_DELETED',
  'USER_ANONYMIZATION_SCHEDULED',
  'USER_ANONYMIZED',
  'USER_SIGNED_OUT',
  'USER_SESSION_TERMINATED',
  ...mutations(
    'REVOKE_SESSION',
    'REVOKE_ALL_SESSIONS',
    'ANONYMIZE_USER',
    'DELETE_USER',
    'SCHEDULE_ACCOUNT_ANONYMIZATION',
    'SCHEDULE_ACCOUNT_DELETION',
    'RESET_PASSWORD',
    'DELETE_AUTHORIZATION'
  )
])

/** @returns whether resource tokens of the users that it names end; those of a type that nobody knows yet do */
export function endsTokens (type: string): boolean {
  return ENDING.has(type) || !EFFECTS.has(type)
}

function mutations (...names: readonly string[]): string[] {
  return names.map((name) => `ADMIN_API_MUTATION_${name}_EXECUTED`)
}

function rows (effect: Effect, types: readonly string[]): Array<readonly [string, Effect]> {
  return types.map((type) => [type, effect])
}

/** Undefined for a type of a newer Authgear: nobody knows what it means. */
export function effectOf (type: string): Effect | undefined {
  return EFFECTS.get(type)
}

/**
 * The types to ask for, of those that this Authgear knows: it refuses a query that names another. What we do not know
 * is looked at too.
 */
export function typesToRead (known: readonly string[]): readonly string[] {
  return known.filter((type) => EFFECTS.get(type) !== 'nothing')
}

/** A metric's label: a type of the table, or `unknown`. */
export function labelOf (type: string): string {
  return EFFECTS.has(type) ? type.toLowerCase() : 'unknown'
}

export type KnownTypes = Readonly<{
  /** The types to ask for. @throws {AuditError} */
  get: () => Promise<readonly string[]>
  /** A query failed, perhaps for that reason. */
  forget: () => void
}>

/** How long Authgear's list of types is cached: it may be updated. */
const LIFE_MS = 10 * 60_000

/** Asked by introspection first, since Authgear refuses a whole query that names a type it does not know. */
export function createKnownTypes (client: Pick<AuditClient, 'types'>, clock: Pick<Clock, 'monotonic'>): KnownTypes {
  let known: Readonly<{ names: readonly string[], at: number }> | undefined
  return Object.freeze({
    async get () {
      if (known !== undefined && clock.monotonic() - known.at < LIFE_MS) return known.names
      const names = typesToRead(await client.types())
      if (names.length === 0) throw new AuditError('query')
      known = { names, at: clock.monotonic() }
      return names
    },
    forget: () => { known = undefined }
  })
}
