import type { AdminApi } from '../../base/authgear/admin-api/client.ts'
import type { AdminApiErrorKind } from '../../base/authgear/admin-api/errors.ts'
import { describe } from '../../base/logging/log.ts'
import type { Given } from '../../base/parts/given.ts'
import { onceAMinute, tellChanges } from '../../base/timing.ts'
import { type Batches, createBatches, createPause, MAX_QUERIES, type Pause } from './batches.ts'
import { adminSource, type Counts, type OpenedSource } from './source.ts'
import type { ProfileSettings, ReadOutcome } from './types.ts'
import { createUsers } from './users.ts'

/** Longer than PROFILE_TIMEOUT: a late answer serves the next request. */
const QUERY_DEADLINE_MS = 2000
const MAX_BODY_BYTES = 1024 * 1024
/** Groups cost Authgear one more query of its database for each user. */
const MAX_USERS = { withGroups: 20, withoutGroups: 100 } as const

export function openAdminSource (settings: ProfileSettings, given: Given, count: Counts): OpenedSource {
  const { clock, openAdminApi } = given
  if (openAdminApi === undefined) throw new Error('no Admin API') // the rules see to it that there is one
  const api = openAdminApi({
    connections: MAX_QUERIES, deadlineMs: QUERY_DEADLINE_MS, maxBodyBytes: MAX_BODY_BYTES
  })
  const pause = createPause(clock)
  const { batches, close } = openBatches(settings, api, pause, reporting(given, count))
  return { source: () => adminSource(batches, pause), read: reportingForeign(given, count), close }
}

/** Reads many users by one query. */
function openBatches (
  { fields }: ProfileSettings, api: AdminApi, pause: Pause, report: Queried
): Readonly<{ batches: Batches, close: () => Promise<void> }> {
  const [name, groups] = [fields.includes('name'), fields.includes('groups')]
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

const FAILING = 'profiles cannot be read from the Admin API: known ones are still sent, others are empty, and a rule ' +
  'by address or group is answered 503'
const FOREIGN = "the Admin API answered with another user's data, which was refused: a proxy between mixes answers"
const OF_SOME_USER = 'the Admin API has no answer about some user: that profile stays empty, others are asked for again'

type Queried = (outcome: 'ok' | AdminApiErrorKind, error?: unknown) => void

/** One line when queries begin to fail, one when they succeed again. */
function reporting ({ log, clock }: Given, count: Counts): Queried {
  const warnOfSome = onceAMinute(clock, () => log.warn(OF_SOME_USER))
  const tell = tellChanges<Readonly<{ kind: AdminApiErrorKind, error: unknown }>>(
    ({ kind, error }) => log.warn({ kind, error: describe(error) }, FAILING),
    () => log.info('profiles are read from the Admin API again')
  )
  return (outcome, error) => {
    count.requests.add(outcome)
    if (outcome === 'partial' || outcome === 'too_large') warnOfSome()
    else tell(outcome === 'ok' ? undefined : { kind: outcome, error })
  }
}

function reportingForeign ({ log, clock }: Given, count: Counts): (outcome: ReadOutcome) => void {
  const warn = onceAMinute(clock, () => log.error(FOREIGN))
  return (outcome) => {
    count.reads.add(outcome)
    if (outcome === 'foreign') warn()
  }
}
