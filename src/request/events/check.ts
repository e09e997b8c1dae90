import { CLOCK_TOLERANCE_MS } from '../../core/resource-token.ts'
import { eventOf } from '../../shared/events/event.ts'
import type { Feed } from '../../shared/events/feed.ts'
import { namesIn, type SessionNames } from '../../shared/events/session-names.ts'
import { objectOf, parseJson } from '../../core/json.ts'

/** One connection that an app holds; `since`: seconds since 1970 by the app's clock, when it was let in. */
export type Held = Readonly<{
  session: string
  user?: string | undefined
  client?: string | undefined
  since?: number | undefined
}>

/** `unknown`: it may have been revoked before what this replica can tell. Never that one is valid: ask the proxy. */
export type Checked = Readonly<{ revoked: readonly string[], unknown: readonly string[] }>

export const MAX_ASKED = 1000
/** Of `session`, `user` and `client`. */
const MAX_TEXT = 256

/** @returns undefined for a body that does not say what is held */
export function readHeld (body: string): readonly Held[] | undefined {
  const list = objectOf(parseJson(body))?.['sessions']
  if (!Array.isArray(list) || list.length > MAX_ASKED) return undefined
  const held = list.map((one: unknown) => heldOf(typeof one === 'string' ? { session: one } : objectOf(one)))
  return held.every((one) => one !== undefined) ? held : undefined
}

function heldOf (one: Readonly<Record<string, unknown>> | undefined): Held | undefined {
  const { session, user, client, since } = one ?? {}
  if (!isText(session) || !isOptional(user, isText) || !isOptional(client, isText)) return undefined
  return isOptional(since, isTime) ? { session, user, client, since } : undefined
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TEXT
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

function isOptional<T> (value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value)
}

/** Looks names up among what can be told again: what an app held when it was reset, or before it could listen. */
export function createCheck (feed: Feed, names: SessionNames): (app: string, held: readonly Held[]) => Checked {
  const indexes = new Map<string, Index>()
  return (app, held) => {
    const index = indexes.get(app) ?? new Index(feed, names, app)
    indexes.set(app, index)
    index.update()
    const revoked = held.filter((one) => index.isRevoked(one))
    const isCovered = ({ since }: Held): boolean => since !== undefined && since * 1000 >= feed.coversSince()
    const unknown = held.filter((one) => !isCovered(one) && !index.isRevoked(one))
    return { revoked: revoked.map(({ session }) => session), unknown: unknown.map(({ session }) => session) }
  }
}

/** What one app can be told again, by what it is about: `s:…`, `u:…`, `c:…`, or `*` for everyone. */
class Index {
  readonly #feed: Feed
  readonly #names: SessionNames
  readonly #app: string
  /** Name → the number and the time of the newest, in milliseconds since 1970. */
  #newest = new Map<string, Readonly<{ number: number, at: number }>>()
  #next = 0

  constructor (feed: Feed, names: SessionNames, app: string) {
    this.#feed = feed
    this.#names = names
    this.#app = app
  }

  update (): void {
    for (this.#next = Math.max(this.#next, this.#feed.start()); this.#next < this.#feed.end(); this.#next++) {
      const told = this.#feed.at(this.#next)
      const event = told === undefined ? undefined : eventOf(this.#names, this.#app, told)
      if (told === undefined || event === undefined || event === 'reset') continue
      const { session, user, client } = event
      const name = session !== undefined ? `s:${session}` : user !== undefined ? `u:${user}` : client && `c:${client}`
      this.#newest.set(name ?? '*', { number: this.#next, at: told.at })
    }
    if (this.#newest.size > 2 * (this.#feed.end() - this.#feed.start()) + 1000) this.#forget()
  }

  isRevoked ({ session, user, client, since = -Infinity }: Held): boolean {
    const sessions = namesIn(session).map((name) => `s:${name}`)
    return ['*', ...sessions, ...user === undefined ? [] : [`u:${user}`], ...client === undefined ? [] : [`c:${client}`]]
      .some((name) => {
        const told = this.#newest.get(name)
        return told !== undefined && told.number >= this.#feed.start() && told.at >= since * 1000 - CLOCK_TOLERANCE_MS
      })
  }

  #forget (): void {
    const start = this.#feed.start()
    this.#newest = new Map([...this.#newest].filter(([, { number }]) => number >= start))
  }
}
