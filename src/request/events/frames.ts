import { type Event, eventOf } from '../../shared/events/event.ts'
import { type Feed, writePlace } from '../../shared/events/feed.ts'
import type { SessionNames } from '../../shared/events/session-names.ts'

export type Frames = Readonly<{
  /** @param place where the reader goes on; undefined: where it begins */
  connected: (isFollowing: boolean, place: string | undefined) => string
  reset: () => string
  state: (isFollowing: boolean) => string
  pending: (event: Event) => string
  /** @returns undefined for what ends nothing */
  of: (app: string, number: number) => Buffer | string | undefined
}>

/** As `text/event-stream` (WHATWG HTML, section 9.2) has them. */
export function createFrames (feed: Feed, names: SessionNames): Frames {
  /** Of each app the newest: all its readers get the same bytes. */
  const newest = new Map<string, Readonly<{ number: number, frame: Buffer | string | undefined }>>()
  const place = (): string => writePlace(names.secret, feed.place())
  const pending = (event: Event): string => `event: revoked\ndata: ${JSON.stringify(event)}\n\n`
  const reset = (): string => `id: ${place()}\nevent: reset\ndata: {}\n\n`
  function make (app: string, number: number): Buffer | string | undefined {
    const told = feed.at(number)
    if (told === undefined) return undefined
    const event = eventOf(names, app, told)
    if (event === undefined) return undefined
    if (event === 'reset') return reset()
    const id = writePlace(names.secret, { ...feed.place(), id: told.id })
    return Buffer.from(`id: ${id}\n${pending(event)}`)
  }
  return {
    connected: (isFollowing, from) =>
      `id: ${from ?? place()}\nevent: connected\ndata: ${JSON.stringify({ following: isFollowing })}\n\n`,
    reset,
    state: (isFollowing) => `event: state\ndata: ${JSON.stringify({ following: isFollowing })}\n\n`,
    pending,
    of (app, number) {
      const known = newest.get(app)
      if (known?.number === number) return known.frame
      const frame = make(app, number)
      newest.set(app, { number, frame })
      return frame
    }
  }
}
