import { openAdminApi } from '../authgear/admin-api/client.ts'
import type { AdminApiErrorKind } from '../authgear/admin-api/errors.ts'
import { createTokens } from '../authgear/admin-api/token.ts'
import { createUsers } from '../authgear/admin-api/users.ts'
import { createSecretCache } from '../shared/cache/contention.ts'
import { systemTiming } from '../shared/cache/lease.ts'
import type { Clock } from '../clock.ts'
import type { Sealing } from '../crypto/sealing.ts'
import type { Keyer } from '../core/cache-key.ts'
import { describe, type Log } from '../operate/logging/log.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import { type Batches, createBatches, createPause, MAX_QUERIES, type Pause } from '../shared/profile/batches.ts'
import { createProfiles } from '../shared/profile/profiles.ts'
import { createReader, type ReadOutcome } from '../shared/profile/reader.ts'
import {
  createSharedProfiles, NO_SHARED_PROFILES, type SharedProfiles, STORED_PROFILE
} from '../shared/profile/shared.ts'
import type { Profiles, ProfileSettings } from '../shared/profile/types.ts'
import type { RevocationLog } from '../shared/revocation/types.ts'
import { PROFILE_SHARE, type ServiceSettings } from './settings.ts'
import { countingErrors, type Shared } from './shared.ts'
import { onceAMinute, tellChanges, type Waits } from '../timing.ts'

/** Longer than PROFILE_TIMEOUT: a late answer is good for the next request. */
const QUERY_DEADLINE_MS = 2000
const MAX_BODY_BYTES = 1024 * 1024
/** Groups cost Authgear one more query of its database for each user. */
const MAX_USERS = { withGroups: 20, withoutGroups: 100 } as const
/** Long enough for a busy event loop and two lost renewals. */
const LEASE_MS = 400

export type OpenProfiles = Profiles & Readonly<{ close: () => Promise<void> }>

type ProfilesDeps = Pick<Waits, 'leaseMs' | 'leaseWaitMs'> & Readonly<{
  shared: Pick<Shared, 'redis' | 'reportOnce'>
  sealing: Pick<Sealing, 'sealer'>
  keyer: Pick<Keyer, 'profileKey'>
  revocations: RevocationLog
  clock: Clock
  metrics: Metrics
  log: Log
}>

/** Who users are, beside what the resolver says; undefined without IDENTITY_PROFILE. Opens no connection by itself. */
export function openProfiles (settings: ServiceSettings, deps: ProfilesDeps): OpenProfiles | undefined {
  const { profile, cache } = settings
  if (profile === undefined) return undefined
  const { revocations, clock, metrics } = deps
  const pause = createPause(clock)
  const { batches, close } = openBatches(settings, profile, pause, deps)
  const reader = createReader({
    batches,
    shared: openSharedProfiles(profile, deps),
    revocations,
    rules: profile,
    ttlMs: profile.ttlMs,
    clock,
    random: Math.random,
    read: reportingForeign(deps)
  })
  const maxBytes = Math.floor(cache.maxBytes * PROFILE_SHARE)
  const { answered } = metrics.profile
  const { timeoutMs } = profile
  return Object.freeze({
    ...createProfiles({ reader, pause, revocations, timeoutMs, maxBytes, clock, answered }), close
  })
}

/** Asks the Admin API, for many users at once. */
function openBatches (
  { authgear: { endpoint, ca } }: ServiceSettings,
  { api: { url, key, appId }, fields }: ProfileSettings,
  pause: Pause,
  deps: ProfilesDeps
): Readonly<{ batches: Batches, close: () => Promise<void> }> {
  const api = openAdminApi(
    { url, endpoint, ca, token: createTokens(key, appId, deps.clock) },
    { connections: MAX_QUERIES, deadlineMs: QUERY_DEADLINE_MS, maxBodyBytes: MAX_BODY_BYTES }
  )
  const [name, groups] = [fields.includes('name'), fields.includes('groups')]
  const report = reporting(deps)
  let isClosed = false
  const batches = createBatches({
    users: createUsers(api, { name, groups }),
    pause,
    maxUsers: groups ? MAX_USERS.withGroups : MAX_USERS.withoutGroups,
    queried: (outcome, error) => { if (!isClosed) report(outcome, error) }
  })
  const close = async (): Promise<void> => {
    isClosed = true // the queries that this ends are no failure
    await api.close()
  }
  return { batches, close }
}

function openSharedProfiles (
  { fields, sendsUnverifiedEmail }: ProfileSettings,
  { shared: { redis, reportOnce }, sealing: { sealer }, keyer, revocations, clock, metrics, ...waits }: ProfilesDeps
): SharedProfiles {
  const { leaseMs = LEASE_MS, leaseWaitMs = QUERY_DEADLINE_MS } = waits
  if (redis === undefined) return NO_SHARED_PROFILES
  const { keyPrefix, connection: { commands } } = redis
  const times = { leaseWaitMs, leaseMs, timing: systemTiming }
  const sharedError = countingErrors(metrics, reportOnce)
  const form = `${fields.join()} ${sendsUnverifiedEmail ? 'unverified' : 'verified'}`
  return createSharedProfiles({
    cache: createSecretCache(
      { commands, sealer, keyPrefix, clock, form: STORED_PROFILE },
      { ...times, sharedError }
    ),
    keyOf: (userId) => keyer.profileKey(userId, form),
    revocations,
    clock,
    leaseWaitMs
  })
}

const FAILING = 'profiles cannot be read from the Admin API: known ones are still sent, others are empty'
const FOREIGN = "the Admin API answered with another user's data, which was refused: a proxy between mixes answers"

const OF_SOME_USER = 'the Admin API has no answer about some user: that profile stays empty, others are asked for again'

type Queried = (outcome: 'ok' | AdminApiErrorKind, error?: unknown) => void

/** One line when it begins to fail, one when it works again. */
function reporting ({ log, metrics, clock }: ProfilesDeps): Queried {
  const warnOfSome = onceAMinute(clock, () => log.warn(OF_SOME_USER))
  const tell = tellChanges<Readonly<{ kind: AdminApiErrorKind, error: unknown }>>(
    ({ kind, error }) => log.warn({ kind, error: describe(error) }, FAILING),
    () => log.info('profiles are read from the Admin API again')
  )
  return (outcome, error) => {
    metrics.profile.queried(outcome)
    if (outcome === 'partial' || outcome === 'too_large') warnOfSome()
    else tell(outcome === 'ok' ? undefined : { kind: outcome, error })
  }
}

function reportingForeign ({ log, metrics, clock }: ProfilesDeps): (outcome: ReadOutcome) => void {
  const warn = onceAMinute(clock, () => log.error(FOREIGN))
  return (outcome) => {
    metrics.profile.read(outcome)
    if (outcome === 'foreign') warn()
  }
}
