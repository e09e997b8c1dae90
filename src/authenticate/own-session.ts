import { INVALID } from '../core/resolution.ts'
import { ofToken, type OwnSessions } from '../own-session/sessions.ts'
import type { OwnRecord } from '../own-session/record.ts'
import type { RevocationSnapshot } from '../revocation/types.ts'
import { isRefutation, type ResolveContext } from './context.ts'
import type { Authentication } from './types.ts'

/** So often a token that the resolver does not know is replaced by a newer one, before nobody can say. */
const MAX_RENEWALS = 2

/**
 * A session of our own is asked about by its access token. That the resolver knows none ends no session: the token
 * endpoint alone does, by its `invalid_grant` for the newest refresh token.
 * @param resolveToken as credentials of Authgear's are resolved
 * @throws {ResolverError} where nobody can say
 */
export async function resolveOwnSession (
  context: ResolveContext,
  own: OwnSessions,
  resolveToken: (context: ResolveContext) => Promise<Authentication>
): Promise<Authentication> {
  const { deps, subject, trace, digests } = context
  const { own: cookie = '' } = subject.credentials
  const target = { own: cookie, keys: subject.cacheKeys(), digests, trace }
  const snapshot = deps.log.snapshot()
  let opened = await own.open(target)
  for (let renewals = 0; opened.kind === 'session'; renewals++) {
    const { record } = opened
    if (!cookie.startsWith(`${record.host} `)) break
    const authentication = await resolveToken(withTokenOf(context, own, record))
    if (authentication.kind !== 'resolved' || !isRefutation(subject, authentication.resolution)) return authentication
    if (renewals === MAX_RENEWALS) throw own.disagreed(target)
    opened = await own.refuted(target, record)
  }
  if (opened.kind === 'unavailable') throw opened.error
  return nobody(context, snapshot)
}

function withTokenOf (context: ResolveContext, own: OwnSessions, record: OwnRecord): ResolveContext {
  const { digests: { whole, all } } = context
  return {
    ...context,
    sent: ofToken(record.accessToken),
    digests: { whole, all: [...all, ...own.digestsOf(record)] },
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
  return { kind: 'resolved', resolution: INVALID, source: 'authgear', ageMs: 0 }
}
