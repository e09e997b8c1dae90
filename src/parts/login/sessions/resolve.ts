import { randomBytes } from 'node:crypto'
import type { Keyer } from '../../../base/core/cache-key.ts'
import { INVALID } from '../../../base/core/resolution.ts'
import { AnotherUser, RevokedMeanwhile } from '../../../base/errors.ts'
import type { Loans } from '../../../base/identity/profile.ts'
import { ofToken, type OwnSessions } from './sessions.ts'
import type { SessionRecord } from './record.ts'
import type { RevocationSnapshot } from '../../../base/revocation/types.ts'
import { isRefutation } from '../../../base/authenticate/resolve.ts'
import type {
  Authentication, CredentialContext, ResolveContext, ResolveOwn
} from '../../../base/authenticate/types.ts'

/** So often a token that the resolver does not know is replaced by a newer one, before nobody can say. */
const MAX_RENEWALS = 2

/**
 * A session of our own is asked about by its access token. That the resolver knows none ends no session: the token
 * endpoint alone does, by its `invalid_grant` for the newest refresh token. That the resolver names another user ends
 * it where a new access token is the same other user's, and one that nobody has is nobody's: a cache on the way that
 * looks at no token names one user for all.
 */
export const createResolveOwn = (sessions: OwnSessions): ResolveOwn => async (context, resolveToken) => {
  const { deps: { log, clock, timeoutMs }, subject, trace, digests } = context
  const { own: cookieRef = '' } = subject.credentials
  const target = { cookieRef, keys: subject.cacheKeys(), digests, trace }
  const deadline = clock.monotonic() + timeoutMs
  let since = log.snapshot()
  let opened = await sessions.open(target)
  let other: AnotherUser | undefined
  for (let renewals = 0; opened.kind === 'session';) {
    const { record } = opened
    if (!cookieRef.startsWith(`${record.host} `)) break
    const authentication = await askAbout(withTokenOf({ ...context, since }, sessions, record), resolveToken)
    if (authentication instanceof AnotherUser) {
      if (other !== undefined && other.userId !== authentication.userId) throw authentication
      if (other !== undefined && !await tellsTokensApart(context)) throw authentication
      since = log.snapshot()
      opened = await (other === undefined ? sessions.refuted(target, record) : sessions.endAsAnothers(target, record))
      other = authentication
      continue
    }
    if (authentication !== undefined && !isRefuted(subject, authentication)) return authentication
    since = log.snapshot()
    if (authentication === undefined) {
      // its grant may live on where the session was signed out, or has another cookie by now: only the record says
      if (clock.monotonic() >= deadline) throw new RevokedMeanwhile()
      opened = await sessions.open(target)
      continue
    }
    if (renewals++ === MAX_RENEWALS) throw sessions.pauseForDisagreement(target)
    opened = await sessions.refuted(target, record)
  }
  if (opened.kind === 'unavailable') throw opened.error
  return nobody(context, since)
}

/** @throws {ResolverError} where it does not answer */
async function tellsTokensApart ({ deps: { resolver }, trace }: ResolveContext): Promise<boolean> {
  const nobodys = ofToken(randomBytes(32).toString('base64url'))
  const { resolution, isConclusive } = await resolver.resolve(nobodys, trace, { whole: [], all: [] })
  return isConclusive && resolution.kind === 'invalid'
}

async function askAbout (
  context: ResolveContext,
  resolveToken: Parameters<ResolveOwn>[1]
): Promise<Authentication | AnotherUser | undefined> {
  try {
    return await resolveToken(context)
  } catch (error) {
    if (error instanceof AnotherUser) return error
    throw error
  }
}

const isRefuted = (subject: CredentialContext, authentication: Authentication): boolean =>
  authentication.kind === 'resolved' && isRefutation(subject, authentication.resolution)

function withTokenOf (context: ResolveContext, sessions: OwnSessions, record: SessionRecord): ResolveContext {
  const { digests: { whole, all } } = context
  return {
    ...context,
    sent: ofToken(record.accessToken),
    digests: { whole, all: [...all, ...sessions.digestsOf(record)] },
    tokenEnd: record.accessEndsAt,
    userId: record.userId
  }
}

/** A cookie without a session is remembered for a moment: junk costs one look each. */
function nobody (context: ResolveContext, snapshot: RevocationSnapshot): Authentication {
  const { deps: { memory, clock, lifetimes, failedCredentials }, subject, trace, digests } = context
  const { stamp, local, at } = snapshot
  const ttlMs = lifetimes.negativeTtlMs
  const entry = { resolution: INVALID, stamp, digests: digests.all, ttlMs, sealedAt: clock.wall() }
  memory.write(subject.key, entry, ttlMs, { local, at, isBounded: true })
  failedCredentials.judged(trace, digests.whole, 'invalid')
  return { kind: 'resolved', resolution: INVALID, source: 'authgear', ageMs: 0, digests: digests.all }
}

/** Lends the access token of that user's session, or the bearer token that came with the request. */
export function createLend (sessions: Pick<OwnSessions, 'open'>, keyer: Pick<Keyer, 'sentDigests'>): Loans['lend'] {
  return async (subject, userId) => {
    const { credentials } = subject
    const { own: cookieRef, bearer } = credentials
    if (cookieRef === undefined) return bearer
    const digests = keyer.sentDigests(credentials)
    const opened = await sessions.open({ cookieRef, keys: subject.cacheKeys(), digests, trace: subject.trace() })
    if (opened.kind !== 'session' || !cookieRef.startsWith(`${opened.record.host} `)) return undefined
    return opened.record.userId === userId ? opened.record.accessToken : undefined
  }
}
