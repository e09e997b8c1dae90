import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { EventsListenerDeps } from '../request/events/listener.ts'
import { createReaders, type Readers } from '../request/events/readers.ts'
import { createFeed, isSignIn } from '../shared/events/feed.ts'
import type { SessionNames } from '../shared/events/session-names.ts'
import { FIRST_ID, type Revocation, type RevocationLog } from '../shared/revocation/types.ts'
import type { ServiceSettings } from './settings.ts'

export type EventParts = Omit<EventsListenerDeps, 'tls' | 'unfinished'> & Readonly<{
  /** The same log; what Redis does not take yet is told at once. */
  telling: (log: RevocationLog) => RevocationLog
  close: () => void
}>

type EventsDeps = Readonly<{
  names: SessionNames
  /** Of the revocation log, which is opened later. */
  isFollowing: () => boolean
  metrics: Pick<Metrics, 'events'>
  clock: Clock
}>

const LOOK_MS = 500
/** A proxy on the way ends a connection that says nothing for a minute. */
const BEAT_MS = 10_000

/** Undefined without LISTEN_EVENTS. */
export function openEvents (
  { hasEvents, eventApps: apps, redis }: ServiceSettings,
  { names, isFollowing, metrics, clock }: EventsDeps
): EventParts | undefined {
  if (!hasEvents) return undefined
  const feed = createFeed()
  if (redis === undefined) feed.begins(randomBytes(16).toString('hex'), clock.wall(), FIRST_ID)
  const readers = createReaders({
    feed, names, apps: new Set(apps.map(({ name }) => name)).size, isFollowing, observer: metrics.events
  })
  const timers = [setInterval(readers.look, LOOK_MS).unref(), setInterval(readers.beat, BEAT_MS).unref()]
  return Object.freeze({
    apps,
    feed,
    names,
    readers,
    isFollowing,
    telling: (log) => telling(log, readers, clock),
    close: () => timers.forEach(clearInterval)
  } satisfies EventParts)
}

function telling (log: RevocationLog, readers: Readers, clock: Clock): RevocationLog {
  return Object.freeze({
    ...log,
    async revoke (revocation: Revocation) {
      const outcome = await log.revoke(revocation)
      const { target, origin } = revocation
      if (outcome === 'pending' && !isSignIn(revocation)) readers.tellPending({ target, origin, at: clock.wall() })
      return outcome
    }
  })
}
