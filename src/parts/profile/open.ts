import { createSecretCache } from '../../base/cache/contention.ts'
import { systemTiming } from '../../base/cache/lease.ts'
import type { Loans } from '../../base/identity/profile.ts'
import type { Base, Opened } from '../../base/parts/places.ts'
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

/** Opens no connection yet. */
export function openProfile (settings: ProfileSettings, base: Base, count: Counts) {
  const { clock, maxBytes, authgear, ttlMs, lifetimeMs } = base
  const { source: sourceOf, read, ...places } = settings.isLent
    ? openLentSource(base, count)
    : openAdminSource(settings, base, count)
  const profiles = (revocations: RevocationLog, loans: Loans | undefined) => {
    const source = sourceOf(loans)
    const reader = createReader({
      source,
      shared: openSharedProfiles(settings, base, revocations),
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
    return Object.freeze({ ...known, knows, knowsOfTokens: settings.isLent ? [] : knows })
  }
  return Object.freeze({ profiles, ...places, gauges: {} } satisfies Opened & Record<'gauges', object>)
}

function openSharedProfiles (
  { fields, sendsUnverifiedEmail, isLent }: ProfileSettings, { redis, keyer, clock }: Base, revocations: RevocationLog
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
