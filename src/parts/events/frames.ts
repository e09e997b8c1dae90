import { type Event, eventsOf } from './event.ts'
import { type Feed, type News, writePlace } from './feed.ts'
import type { SessionNames } from './session-names.ts'

export type Frames = Readonly<{
  /** @param place where the reader goes on; undefined: where it begins */
  connected: (isFollowing: boolean, place: string | undefined) => string
  reset: (isFollowing: boolean) => string
  state: (isFollowing: boolean) => string
  /** The frame of news without a place yet. */
  pending: (app: string, news: News) => string
  /** The news for the app from that number on, as much as goes out at once, and the number that comes then. */
  batch: (app: string, from: number) => Batch
}>

type Batch = Readonly<{ from: number, next: number, bytes: Buffer }>

/** Bytes of one write. */
const BATCH_BYTES = 16 * 1024

/** As `text/event-stream` (WHATWG HTML, section 9.2) has them. */
export function createFrames (feed: Feed, names: SessionNames): Frames {
  /** The newest batch of each app: readers that are at the same place get the same bytes. */
  const newest = new Map<string, Batch>()
  const place = (): string => writePlace(names.secret, feed.place())
  const frame = (event: string, data: object, id?: string): string =>
    `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  const revoked = (events: readonly Event[], id?: string): string =>
    events.map((event, n) => frame('revoked', event, n === events.length - 1 ? id : undefined)).join('')
  function make (app: string, from: number): Batch {
    let [next, text] = [from, '']
    for (let told = feed.at(next); told !== undefined && text.length < BATCH_BYTES; told = feed.at(++next)) {
      const id = told.hasPlace ? writePlace(names.secret, { ...feed.place(), id: told.id }) : undefined
      text += revoked(eventsOf(names, app, told), id)
    }
    return { from, next, bytes: Buffer.from(text) }
  }
  return {
    connected: (following, from) => frame('connected', { following }, from ?? place()),
    reset: (following) => frame('reset', { following }, place()),
    state: (following) => frame('state', { following }),
    pending: (app, news) => revoked(eventsOf(names, app, news)),
    batch (app, from) {
      const known = newest.get(app)
      if (known?.from === from && (known.next === feed.end() || known.bytes.length >= BATCH_BYTES)) return known
      const batch = make(app, from)
      newest.set(app, batch)
      return batch
    }
  }
}
