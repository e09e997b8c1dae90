import { type Identity, IDENTITY_HEADERS, isUserId, type UserId } from '../../base/core/resolution.ts'
import { CLOCK_TOLERANCE_MS, type ResourceToken } from '../../base/core/resource-token.ts'
import type { EpochMs } from '../../base/core/token-expiry.ts'

export type ResourceTokenReading =
  | Readonly<{ kind: 'token', token: ResourceToken }>
  /** `why` names a claim, and repeats nothing of it. */
  | Readonly<{ kind: 'refused', reason: 'expired_credentials' | 'invalid_session', why: string }>

export type Rules = Readonly<{
  /** AUTHGEAR_ENDPOINT's origin, compared character by character. */
  issuer: string
  /** RESOURCE_TOKEN_MAX_AGE */
  maxAgeMs: number
}>

type Claims = Readonly<Record<string, unknown>>

const MAX_CLIENT_ID_LENGTH = 256
const MAX_TOKEN_ID_LENGTH = 256
const MAX_ROLES_BYTES = 8 * 1024
const MACHINE = 'client_id_'
const USER_CLAIM = 'https://authgear.com/claims/user/'
/** RFC 6749, section 3.3 */
const SCOPES = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/
const VISIBLE = /^[\x21-\x7e]+$/
/** A role without a comma, by which Authgear's resolver joins them. */
const ROLE = /^[\x21-\x2b\x2d-\x7e]+$/

/** @param claims of a token whose signature, `alg` and `typ` are verified */
export function readResourceToken (claims: Claims, { issuer, maxAgeMs }: Rules, now: EpochMs): ResourceTokenReading {
  if (claims['iss'] !== issuer) return refused('iss is not AUTHGEAR_ENDPOINT')
  // RFC 7800: its sender would have to prove a key, by DPoP or a certificate, and no route asks for that
  if ('cnf' in claims) return refused('cnf: it is bound to a key, and no bearer token')
  const times = readTimes(claims, maxAgeMs, now)
  if ('reason' in times) return times
  const clientId = claims['client_id']
  if (!isVisible(clientId, MAX_CLIENT_ID_LENGTH)) return refused('client_id is missing or cannot be one')
  const id = claims['jti']
  if (!isVisible(id, MAX_TOKEN_ID_LENGTH)) return refused('jti is missing or cannot be one')
  const scopes = readScopes(claims['scope'])
  if (scopes === undefined) return refused('scope is not a list of scopes')
  const audience = readAudience(claims['aud'])
  if (audience === undefined) return refused('aud names nothing')
  const who = readSubject(claims, clientId)
  if (who === undefined) return refused('sub, auth_time or a claim about the user cannot be one')
  return { kind: 'token', token: Object.freeze({ ...who, ...times, clientId, audience, scopes, id }) }
}

const refused = (why: string): ResourceTokenReading & { kind: 'refused' } =>
  ({ kind: 'refused', reason: 'invalid_session', why })

function readTimes (
  { iat, exp, nbf }: Claims,
  maxAgeMs: number,
  now: EpochMs
): Pick<ResourceToken, 'issuedAt' | 'expiresAt'> | (ResourceTokenReading & { kind: 'refused' }) {
  if (!isTime(iat) || !isTime(exp)) return refused('iat or exp is missing or not a time')
  if (nbf !== undefined && (!isTime(nbf) || nbf * 1000 > now + CLOCK_TOLERANCE_MS)) return refused('nbf is not over')
  if (iat * 1000 > now + CLOCK_TOLERANCE_MS) return refused('iat is in the future: compare the clocks')
  const expiresAt = Math.min(exp * 1000, iat * 1000 + maxAgeMs) as EpochMs
  if (expiresAt <= now) {
    const why = exp * 1000 <= now ? 'exp is over' : 'it is older than RESOURCE_TOKEN_MAX_AGE'
    return { kind: 'refused', reason: 'expired_credentials', why }
  }
  return { issuedAt: iat * 1000 as EpochMs, expiresAt }
}

/** Seconds since 1970, up to the year 5138. */
function isTime (value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e11
}

function isVisible (value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && VISIBLE.test(value)
}

/** A client without any scope has an empty one (docs/resource-tokens.md). */
function readScopes (scope: unknown): readonly string[] | undefined {
  if (scope === undefined || scope === '') return []
  return typeof scope === 'string' && SCOPES.test(scope) ? scope.split(' ') : undefined
}

/** RFC 7519, section 4.1.3: one text, or a list of them. */
function readAudience (aud: unknown): readonly string[] | undefined {
  const names: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return names.length > 0 && names.every((name): name is string => typeof name === 'string') ? names : undefined
}

/** A machine's subject names its client, and a person's never does: no app may take a client for a user. */
function readSubject (claims: Claims, clientId: string): Pick<ResourceToken, 'identity' | 'userId'> | undefined {
  const { sub } = claims
  if (sub === `${MACHINE}${clientId}`) return { userId: undefined, identity: MACHINE_IDENTITY }
  if (!isUserId(sub) || !isVisible(sub, sub.length) || sub.startsWith(MACHINE)) return undefined
  const roles = readRoles(claims[`${USER_CLAIM}roles`])
  const flags = ['is_anonymous', 'is_verified', 'can_reauthenticate'].map((name) => claims[`${USER_CLAIM}${name}`])
  const authTime = claims['auth_time']
  if (roles === undefined || !flags.every((flag) => flag === undefined || typeof flag === 'boolean')) return undefined
  if (authTime !== undefined && !isTime(authTime)) return undefined
  const [anonymous, verified, canReauthenticate] = flags.map((flag) => flag === undefined ? undefined : String(flag))
  const authenticatedAt = authTime === undefined ? undefined : String(Math.floor(authTime))
  const identity = ['true', sub, anonymous, verified, roles, undefined, authenticatedAt, canReauthenticate]
  return { userId: sub as UserId, identity: Object.freeze(identity) }
}

const MACHINE_IDENTITY: Identity = Object.freeze(
  IDENTITY_HEADERS.map((name) =>
    name === 'x-authgear-session-valid' ? 'false' : name === 'x-authgear-user-id' ? '' : undefined
  )
)

/** @returns the roles as the resolver writes them; undefined for what is not a list of roles */
function readRoles (roles: unknown): string | undefined {
  if (roles === undefined) return ''
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string' && ROLE.test(role))) return undefined
  const text = roles.join(',')
  return text.length <= MAX_ROLES_BYTES ? text : undefined
}
