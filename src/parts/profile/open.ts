import { createSecretCache } from '../../base/cache/contention.ts'
import { systemTiming } from '../../base/cache/lease.ts'
import type { Loans, Profiles } from '../../base/identity/profile.ts'
import type { Given } from '../../base/parts/given.ts'
import type { RevocationLog } from '../../base/revocation/types.ts'
import { openAdminSource } from './open-admin.ts'
import { openLentSource } from './open-lent.ts'
import { createProfiles } from './profiles.ts'
import { createReader } from './reader.ts'
import { createSharedProfiles, NO_SHARED_PROFILES, type SharedProfiles, STORED_PROFILE } from './shared.ts'
import type { Counts } from './source.ts'
import type { ProfileSettings } from './types.ts'
import { factsKnownBy } from './variables.ts'

/** Longest wait for another replica that reads a user; as long as a query has. */
const LEASE_WAIT_MS = 2000
/** Long enough for a busy event loop and two lost renewals. */
const LEASE_MS = 400

type ProfileGiven = Given & Readonly<{
  revocations: RevocationLog
  /** Of a part that has credentials of its own. */
  loans: Loans | undefined
}>

/** Opens no connection yet. */
export function openProfile (settings: ProfileSettings, given: ProfileGiven, count: Counts) {
  const { clock, maxBytes, authgear, ttlMs, lifetimeMs, revocations, loans } = given
  const { source: sourceOf, read, ...feature } = settings.isLent
    ? openLentSource(given, count)
    : openAdminSource(settings, given, count)
  const source = sourceOf(loans)
  const reader = createReader({
    source,
    shared: openSharedProfiles(settings, given, revocations),
    revocations,
    rules: settings,
    ttlMs: settings.ttlMs,
    clock,
    random: Math.random,
    read
  })
  const known = createProfiles({
    reader,
    source,
    revocations,
    timeoutMs: settings.timeoutMs,
    decideWithinMs: authgear.timeoutMs,
    staleIfErrorMs: lifetimeMs - ttlMs,
    maxBytes: Math.floor(maxBytes),
    clock,
    answered: count.answers.add
  })
  const knows = factsKnownBy(settings)
  const profiles: Profiles = Object.freeze({ ...known, knows, knowsOfTokens: settings.isLent ? [] : knows })
  return Object.freeze({ ...feature, profiles, gauges: {} })
}

function openSharedProfiles (
  { fields, sendsUnverifiedEmail, isLent }: ProfileSettings, { redis, keyer, clock }: Given, revocations: RevocationLog
): SharedProfiles {
  if (redis === undefined) return NO_SHARED_PROFILES
  const { commands, sealing: { sealer }, keyPrefix, cacheError } = redis
  const { leaseMs = LEASE_MS, leaseWaitMs = LEASE_WAIT_MS } = redis
  const form = `${fields.join()} ${sendsUnverifiedEmail ? 'unverified' : 'verified'} ${isLent ? 'userinfo' : 'admin'}`
  return createSharedProfiles({
    cache: createSecretCache(
      { commands, sealer, keyPrefix, clock, form: STORED_PROFILE },
      { leaseWaitMs, leaseMs, timing: systemTiming, sharedError: cacheError }
    ),
    keyOf: (userId) => keyer.userKey('profile', userId, form),
    revocations,
    clock,
    leaseWaitMs
  })
}
