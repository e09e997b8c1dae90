import { claimsOf } from '../../../base/core/token-expiry.ts'
import { parseObject } from '../../../base/core/json.ts'
import { isUserId } from '../../../base/core/resolution.ts'
import { sessionIdOf } from '../../../base/core/session-id.ts'
import type { Clock } from '../../../base/clock.ts'
import type { KeySet } from '../../../base/authgear/key-set.ts'

/** The facts of a login in a verified ID token. */
export type SignedIn = Readonly<{
  userId: string
  /** Authgear's form: base64url of `offline_grant:UUID`. */
  sid: string
  /** Epoch seconds at which the person proved who they are. */
  authTime: number
  amr: readonly string[]
}>

export type IdTokenReading =
  | Readonly<{ kind: 'signed-in', signedIn: SignedIn }>
  /** `why`: the claim, or the rule; for the log. */
  | Readonly<{ kind: 'refused', why: string }>

export type IdTokenRules = Readonly<{
  issuer: string
  clientId: string
  nonce: string
}>

/** Authgear's clock and this one may differ by so much. */
const TOLERANCE_SECONDS = 60
const MAX_SID = 256

/**
 * Signature, issuer, audience, nonce and life, as OpenID Connect Core 3.1.3.7 asks; RS256 alone, as Authgear signs.
 * @throws {KeysUnavailable} where nobody can say
 */
export async function readIdToken (
  idToken: string,
  { issuer, clientId, nonce }: IdTokenRules,
  keySet: Pick<KeySet, 'keyOf'>,
  clock: Pick<Clock, 'wall'>
): Promise<IdTokenReading> {
  const header = parseObject(Buffer.from(idToken.split('.', 1)[0] ?? '', 'base64url').toString())
  const kid = header?.['kid']
  if (header?.['alg'] !== 'RS256') return refused('alg')
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_SID) return refused('kid')
  const getKey = await keySet.keyOf(kid, 'token endpoint')
  if (getKey === undefined) return refused('kid')
  const { jwtVerify, errors } = await import('jose')
  try {
    const { payload } = await jwtVerify(idToken, getKey, {
      algorithms: ['RS256'],
      issuer,
      audience: clientId,
      requiredClaims: ['exp', 'iat', 'sub', 'nonce', 'sid', 'auth_time'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(clock.wall())
    })
    return readClaims(payload, { clientId, nonce }, clock.wall() / 1000 + TOLERANCE_SECONDS)
  } catch (error) {
    if (error instanceof errors.JOSEError) return refused('claim' in error ? String(error.claim) : error.code)
    throw error
  }
}

function readClaims (
  payload: Readonly<Record<string, unknown>>,
  { clientId, nonce }: Pick<IdTokenRules, 'clientId' | 'nonce'>,
  latest: number
): IdTokenReading {
  const { sub, sid, iat, auth_time: authTime } = payload
  const audiences = [payload['aud']].flat()
  if (audiences.length !== 1 || audiences[0] !== clientId) return refused('aud')
  if (payload['azp'] !== undefined && payload['azp'] !== clientId) return refused('azp')
  if (payload['nonce'] !== nonce) return refused('nonce')
  if (!isUntil(iat, latest)) return refused('iat')
  if (!isUserId(sub)) return refused('sub')
  if (typeof sid !== 'string' || sid.length > MAX_SID || sessionIdOf(sid) === undefined) return refused('sid')
  if (!isUntil(authTime, latest)) return refused('auth_time')
  const amr = [payload['amr']].flat().filter((one): one is string => typeof one === 'string').slice(0, 10)
  return { kind: 'signed-in', signedIn: { userId: sub, sid, authTime, amr } }
}

/** Epoch seconds, not later than that. */
const isUntil = (value: unknown, latest: number): value is number => typeof value === 'number' && value <= latest

const refused = (why: string): IdTokenReading => ({ kind: 'refused', why })

/** True if an ID token that came straight from Authgear belongs to the same session. */
export function isOfSameSession (idToken: string, { userId, sid }: Pick<SignedIn, 'userId' | 'sid'>): boolean {
  const claims = claimsOf(idToken)
  return claims?.['sub'] === userId && claims['sid'] === sid
}
