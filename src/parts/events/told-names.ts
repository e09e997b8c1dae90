import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Event, eventsOf } from './event.ts'
import type { Feed } from './feed.ts'
import type { SessionNames } from './session-names.ts'

/** Time of the last event about a name; undefined if that event can no longer be sent. */
type ToldAt = (name: string) => number | undefined

/** The news that each app got, by `s:…`, `u:…`, `c:…`, or `*` for everyone. */
export type ToldNames = Readonly<{
  /** Up to date when it resolves. */
  of: (app: string) => Promise<ToldAt>
}>

/** `at`: milliseconds since 1970; `number`: the newest of the feed. */
type Last = Readonly<{ at: number, number: number }>
type Index = { next: number, readonly names: Map<string, Last>, reading: Promise<void> | undefined }

/** Each is a name under each of two secrets at most: a millisecond of HMAC in a turn of the event loop. */
const AT_ONCE = 200
/** Apps whose names are kept, 1.5 MB each at most; another one's are computed again. */
const MAX_APPS = 4

/**
 * A name costs an HMAC, and there may be 10,000: each is computed once for an app that checks, however often, and a few
 * in each turn of the event loop, so that a check holds up no request.
 */
export function createToldNames (feed: Feed, names: SessionNames): ToldNames {
  const indexes = new Map<string, Index>()
  function indexOf (app: string): Index {
    const index = indexes.get(app) ?? { next: 0, names: new Map<string, Last>(), reading: undefined }
    indexes.delete(app)
    indexes.set(app, index) // the newest
    const [oldest = ''] = indexes.size > MAX_APPS ? indexes.keys() : []
    indexes.delete(oldest)
    return index
  }
  async function read (app: string, index: Index): Promise<void> {
    for (let count = 1; index.next < feed.end(); count++) {
      if (index.next < feed.start()) index.next = forget(index.names, feed.start())
      note(index, app)
      if (count % AT_ONCE === 0) await nextTurn()
    }
    if (index.names.size > 2 * (feed.end() - feed.start())) forget(index.names, feed.start())
  }
  function note (index: Index, app: string): void {
    const number = index.next++
    const told = feed.at(number)
    for (const event of told === undefined ? [] : eventsOf(names, app, told)) {
      const name = nameOf(event)
      const at = Math.max(told?.at ?? 0, index.names.get(name)?.at ?? 0)
      index.names.set(name, { at, number })
    }
  }
  return Object.freeze({
    async of (app: string): Promise<ToldAt> {
      const index = indexOf(app)
      while (index.next < feed.end()) {
        index.reading ??= read(app, index).finally(() => { index.reading = undefined })
        await index.reading
      }
      return (name) => {
        const last = index.names.get(name)
        return last === undefined || last.number < feed.start() ? undefined : last.at
      }
    }
  })
}

/** Forgets events that can no longer be sent. @returns the oldest that can */
function forget (names: Map<string, Last>, start: number): number {
  for (const [name, { number }] of names) if (number < start) names.delete(name)
  return start
}

function nameOf ({ session, user, client }: Event): string {
  if (session !== undefined) return `s:${session}`
  if (user !== undefined) return `u:${user}`
  return client === undefined ? '*' : `c:${client}`
}
