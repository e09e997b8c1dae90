import type { JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'
import type { KeySet } from '../../base/authgear/key-set.ts'
import type { CredentialContext } from '../../base/authenticate/types.ts'
import { createWaitingBudget } from '../../base/authenticate/waiting-budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { MemoryKey } from '../../base/core/cache-key.ts'
import { valuesOf } from '../../base/core/resolution.ts'
import { CLOCK_TOLERANCE_MS, type ResourceToken } from '../../base/core/resource-token.ts'
import { ACCESS_TOKEN, claimsOf, isCanonical } from '../../base/core/token-expiry.ts'
import { Overloaded, ResolverError, UnexpectedError } from '../../base/errors.ts'
import { readResourceToken, type Rules } from './read-token.ts'

export type Verification =
  | Readonly<{ kind: 'token', token: ResourceToken, source: 'memory' | 'none' }>
  /** `why` is for the log: it names a claim or a rule, and repeats nothing of the token. */
  | Readonly<{ kind: 'refused', reason: 'expired_credentials' | 'invalid_session', why: string }>
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

/** The request that asks: its bytes are counted only while it waits for a key. */
type WaitingContext = Pick<CredentialContext, 'key' | 'headBytes'>

export type Verifier = Readonly<{
  /** Synchronous where the token was verified before. Never rejects. */
  verify: (bearer: string, context: WaitingContext) => Verification | Promise<Verification>
}>

export type VerifierDeps = Readonly<{
  rules: Rules
  keySet: Pick<KeySet, 'keyOf' | 'current'>
  clock: Clock
  /** Bytes that remembered tokens may take. */
  maxBytes: number
  /** Bytes that requests may take together while they wait for a key. */
  waitingBytes: number
}>

const MAX_KID_LENGTH = 256
/** A remembered token with its list of eight headers, its prepared answer and that one's head, without its texts. */
const ENTRY_BYTES = 2200

/**
 * Verifies each token once, and remembers it until its end: by both clocks, since either may be set or stand still; and
 * no longer than the keys are published that it was verified by.
 */
export function createVerifier (deps: VerifierDeps): Verifier {
  const { clock, keySet, maxBytes, waitingBytes } = deps
  const known = new LRUCache<MemoryKey, Remembered>({ maxSize: maxBytes, sizeCalculation: bytesOf })
  const budget = createWaitingBudget(waitingBytes)
  const jose = import('jose') // for those alone who have resource tokens: it is not small

  function remembered (key: MemoryKey): Remembered | undefined {
    const found = known.get(key)
    if (found === undefined) return undefined
    const isLive = clock.wall() < found.token.expiresAt && clock.monotonic() < found.endsMonotonic
    if (isLive && found.getKey === keySet.current()) return found
    known.delete(key)
    return undefined
  }

  async function verifyNow (bearer: string, key: MemoryKey): Promise<Verification> {
    const library = await jose
    const verification = await verifyToken(library, deps, bearer).catch((error: unknown) => failure(library, error))
    if (verification.kind === 'token') {
      const lifeMs = verification.token.expiresAt - clock.wall()
      const endsMonotonic = clock.monotonic() + lifeMs
      if (lifeMs > 0) known.set(key, { ...verification, source: 'memory', endsMonotonic })
    }
    return verification
  }

  return Object.freeze({
    verify (bearer: string, context: WaitingContext): Verification | Promise<Verification> {
      const found = remembered(context.key)
      if (found !== undefined) return found
      const bytes = budget.take(context.headBytes())
      if (bytes === undefined) return { kind: 'unavailable', error: new Overloaded() }
      return verifyNow(bearer, context.key).finally(() => budget.giveBack(bytes))
    }
  })
}

type Jose = typeof import('jose')

/** A verified token, with the keys that verified it. */
type Verified = Verification & { kind: 'token' } & Readonly<{ getKey: JWTVerifyGetKey }>
type Remembered = Verified & Readonly<{ endsMonotonic: number }>
type Refused = Exclude<Verification, { kind: 'token' }>

function bytesOf ({ token }: Remembered): number {
  const texts = [...valuesOf(token.identity), ...token.audience, ...token.scopes, token.clientId, token.id]
  return ENTRY_BYTES + 2 * texts.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

const refused = (why: string): Refused => ({ kind: 'refused', reason: 'invalid_session', why })

/** Reads the claims first: a token that could not pass anyway must not cause a fetch of keys. */
async function verifyToken (
  { decodeProtectedHeader, jwtVerify }: Jose,
  { rules, keySet, clock }: VerifierDeps,
  bearer: string
): Promise<Verified | Refused> {
  if (!isCanonical(bearer)) return refused('it is not written in base64url as an encoder writes it')
  const kid = kidOf(decodeProtectedHeader, bearer)
  if (kid === undefined) return refused('it is no RS256 access token (typ at+jwt) with a kid and without crit')
  const unverified = claimsOf(bearer)
  const reading =
    unverified === undefined ? refused('it has no claims') : readResourceToken(unverified, rules, clock.wall())
  if (reading.kind !== 'token') return reading
  const getKey = await keySet.keyOf(kid)
  if (getKey === undefined) return refused('its kid is none of Authgear\'s keys')
  const { payload } = await jwtVerify(bearer, getKey, {
    algorithms: ['RS256'],
    typ: 'at+jwt',
    issuer: rules.issuer,
    currentDate: new Date(clock.wall()),
    clockTolerance: CLOCK_TOLERANCE_MS / 1000
  })
  const verified = readResourceToken(payload, rules, clock.wall())
  return verified.kind === 'token' ? { ...verified, source: 'none', getKey } : verified
}

/** @returns undefined for what cannot be an access token of Authgear's (RFC 9068, section 2.1) */
function kidOf (decodeProtectedHeader: Jose['decodeProtectedHeader'], bearer: string): string | undefined {
  try {
    const { alg, typ, kid, crit } = decodeProtectedHeader(bearer)
    const isAccessToken = typeof typ === 'string' && ACCESS_TOKEN.test(typ)
    const isKid = typeof kid === 'string' && kid !== '' && kid.length <= MAX_KID_LENGTH
    return alg === 'RS256' && isAccessToken && isKid && crit === undefined ? kid : undefined
  } catch {
    return undefined
  }
}

function failure ({ errors }: Jose, error: unknown): Refused {
  if (error instanceof ResolverError) return { kind: 'unavailable', error }
  if (error instanceof errors.JWTExpired) return { kind: 'refused', reason: 'expired_credentials', why: 'exp is over' }
  if (error instanceof errors.JOSEError) return refused(WHY[error.code] ?? 'it cannot be verified')
  return { kind: 'unavailable', error: new UnexpectedError(error) }
}

/** Jose's own messages may repeat what a stranger wrote. */
const WHY: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is not Authgear\'s',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'a claim is not what it has to be',
  ERR_JWKS_NO_MATCHING_KEY: 'its kid is none of Authgear\'s keys'
}
