import { type KeySet, type KeySetObserver, openKeySet } from '../base/authgear/key-set.ts'
import { createResolver } from '../base/authgear/resolver/client.ts'
import { createClockWatch, type ClockObserver } from '../base/authgear/resolver/clock-watch.ts'
import { createFailedCredentials, type FailedCredentials } from '../base/authgear/resolver/failed-credentials.ts'
import type { OutageObserver, Resolver, ResolverObserver } from '../base/authgear/resolver/types.ts'
import type { Clock } from '../base/clock.ts'
import type { CookieNames } from '../base/core/credentials.ts'
import type { Log } from '../base/logging/log.ts'
import type { ServiceSettings } from './settings.ts'

/** So many may wait for their client's turn at least, however small AUTHGEAR_MAX_QUEUE is: a turn is no refusal. */
const MIN_TURNS = 64
/** One client may take up this part of them. */
const TURNS_OF_ONE_CLIENT = 1 / 4
/** Share of AUTHGEAR_TIMEOUT for a turn, beside that time: proxies wait a little longer than both. */
const TURN_SHARE = 0.25

/** The access to Authgear's resolver, and its bounds. */
export type AuthgearAccess = Readonly<{
  resolver: Resolver
  failedCredentials: FailedCredentials
  /** Resolutions under way and waiting. */
  queue: () => Readonly<{ inFlight: number, queued: number }>
  /** Of this machine's clock; undefined while it agrees with Authgear's. */
  clockAheadMs: () => number | undefined
}>

type AuthgearDeps = Readonly<{
  cookieNames: CookieNames
  observer: ResolverObserver
  clock: Clock
  log: Log
}>

/** Connects on the first request. */
export function createAuthgearAccess (
  settings: ServiceSettings['authgear'],
  { cookieNames, observer, clock, log }: AuthgearDeps
): AuthgearAccess {
  const clockWatch = createClockWatch(clock, clockLines(log))
  const told = { ...observer, ...outageLines(log), answered: clockWatch.answered }
  const resolver = createResolver({ ...settings, cookieNames }, told)
  const turns = Math.max(MIN_TURNS, settings.maxQueue)
  const failedCredentials = createFailedCredentials({
    failuresPerMinute: settings.failuresPerMinute,
    maxWaiting: { client: Math.ceil(turns * TURNS_OF_ONE_CLIENT), all: turns },
    timeoutMs: settings.timeoutMs * TURN_SHARE,
    now: clock.monotonic
  })
  const queue = (): ReturnType<AuthgearAccess['queue']> => {
    const { inFlight, queued } = resolver.state()
    return { inFlight, queued: queued + failedCredentials.waiting() }
  }
  return Object.freeze({ resolver, failedCredentials, queue, clockAheadMs: clockWatch.aheadMs })
}

const clockLines = (log: Log): ClockObserver => ({
  clockOff: (aheadMs) => log.warn(
    `this machine's clock is ${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ` +
      "Authgear's: valid tokens may count as expired, expired ones as valid, and max_age policies are wrong. " +
      'Synchronize both clocks with NTP'
  ),
  clockRight: () => log.info("this machine's clock agrees with Authgear's again")
})

const outageLines = (log: Log): OutageObserver => ({
  outageBegan: () => log.error(
    'Authgear keeps failing: it is now asked once a second, and sessions that are not ' +
      'remembered get 503 (the line of a 503 says why)'
  ),
  outageEnded: (outageMs, notAsked) =>
    log.info({ outageMs: Math.round(outageMs), notAsked }, 'Authgear answers again')
})

/** The keys by which Authgear signs, fetched for all that verify by them once one of those opens the set. */
export function createSharedKeySet (settings: ServiceSettings['authgear'], clock: Clock) {
  let keySet: KeySet | undefined
  return Object.freeze({
    /** @param fetched called after each fetch, if this call is the first */
    open (fetched: KeySetObserver['fetched']): KeySet {
      keySet ??= openKeySet(settings, { clock, observer: { fetched } })
      return keySet
    },
    close: async () => { await keySet?.close() }
  })
}
