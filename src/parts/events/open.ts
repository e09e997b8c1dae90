import { randomBytes } from 'node:crypto'
import type { CountsOf } from '../../base/metrics/table.ts'
import { anyListener } from '../../base/http/listener.ts'
import { FIRST_ID, type Revocation } from '../../base/revocation/types.ts'
import type { Serving } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import { createFeed, isSignIn } from './feed.ts'
import { createHeaders } from './headers.ts'
import { buildEventsListener } from './listener.ts'
import type { eventMetrics } from './metrics.ts'
import { createReaders } from './readers.ts'
import { createSessionNames } from './session-names.ts'
import { numbersOf } from './status.ts'
import type { EventsSettings } from './variables.ts'

const LOOK_MS = 500
/** A proxy on the way ends a connection that says nothing for a minute. */
const BEAT_MS = 10_000

export function openEvents (
  { apps }: EventsSettings, given: Given, count: CountsOf<ReturnType<typeof eventMetrics>>
) {
  const { redis, clock, isFollowing, tls, unfinished } = given
  const names = namesOf(given)
  const feed = createFeed()
  if (redis === undefined) feed.begins(randomBytes(16).toString('hex'), clock.wall(), FIRST_ID)
  const appNames = new Set(apps.map(({ name }) => name))
  const readers = createReaders({
    feed,
    names,
    apps: appNames.size,
    isFollowing,
    observer: { opened: count.opened.add, told: count.told.add, cut: count.cut.add }
  })
  const streams = (): ReadonlyMap<string, number> => {
    const open = readers.counts()
    return new Map([...appNames].map((name) => [name, open.get(name) ?? 0]))
  }
  const timers = [setInterval(readers.look, LOOK_MS).unref(), setInterval(readers.beat, BEAT_MS).unref()]
  return Object.freeze({
    listener: ({ listenerDeps: { unexpectedError } }: Pick<Serving, 'listenerDeps'>) =>
      anyListener(buildEventsListener({ apps, feed, names, readers, isFollowing, tls, unfinished, unexpectedError })),
    headers: createHeaders(names),
    reads: feed,
    pending (revocation: Revocation) {
      const { target, origin } = revocation
      if (!isSignIn(revocation)) readers.tellPending({ target, origin, at: clock.wall() })
    },
    gauges: { streams },
    numbers: () => numbersOf(sumOf(count.told.counts()), streams()),
    leave: readers.move,
    close: () => timers.forEach(clearInterval)
  })
}

function namesOf ({ keyer, secretId: secret, keysFor }: Given) {
  const { current: key, previous: previousKey } = keysFor('events')
  return createSessionNames({ keyer, secret, key, previousKey })
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, one) => sum + one, 0)
