import { namesOfClient } from '../../core/client-name.ts'
import { objectOf, parseJson } from '../../core/json.ts'
import { CLOCK_TOLERANCE_MS } from '../../core/resource-token.ts'
import { eventsOf } from '../../shared/events/event.ts'
import type { Feed } from '../../shared/events/feed.ts'
import { namesIn, type SessionNames } from '../../shared/events/session-names.ts'

/** One connection that an app holds; `since`: seconds since 1970 by the app's clock, when it was let in. */
export type Held = Readonly<{
  session: string
  user?: string | undefined
  client?: string | undefined
  since?: number | undefined
}>

/** `unknown`: it may have been revoked before what this replica can tell. Never that one is valid: ask the proxy. */
export type Checked = Readonly<{ revoked: readonly string[], unknown: readonly string[] }>

const MAX_ASKED = 1000
/** Of `session`, `user` and `client`. */
const MAX_TEXT = 300

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

/**
 * Looks what an app holds up among what can be told again: what it held when it was reset, or before it could listen.
 * Nothing of it is kept: an app is told its own names, and there may be a hundred apps.
 */
export function checkHeld (feed: Feed, names: SessionNames, app: string, held: readonly Held[]): Checked {
  const since = held.reduce((least, one) => Math.min(least, sinceOf(one)), Infinity)
  const newest = newestSince(feed, names, app, since)
  const isRevoked = (one: Held): boolean => namesOf(one).some((name) => {
    const at = newest.get(name)
    return at !== undefined && at >= sinceOf(one)
  })
  const [revoked, unknown]: [string[], string[]] = [[], []]
  for (const one of held) {
    if (isRevoked(one)) revoked.push(one.session)
    else if (sinceOf(one) < feed.coversSince()) unknown.push(one.session)
  }
  return { revoked, unknown }
}

/** Milliseconds since 1970, as early as it may have been by Redis' clock. */
const sinceOf = ({ since = -Infinity }: Held): number => since * 1000 - CLOCK_TOLERANCE_MS

function namesOf ({ session, user, client }: Held): readonly string[] {
  return [
    '*',
    ...namesIn(session).map((name) => `s:${name}`),
    ...user === undefined ? [] : [`u:${user}`],
    ...client === undefined ? [] : [client, ...namesOfClient(client)].map((name) => `c:${name}`)
  ]
}

/** What the app was told since then, by what it is about: `s:…`, `u:…`, `c:…`, or `*` for everyone. */
function newestSince (feed: Feed, names: SessionNames, app: string, since: number): ReadonlyMap<string, number> {
  const newest = new Map<string, number>()
  if (since === Infinity) return newest // nothing is asked
  for (let n = feed.end() - 1; n >= feed.start(); n--) {
    const told = feed.at(n)
    if (told === undefined || told.at < since) continue
    for (const { session, user, client } of eventsOf(names, app, told)) {
      const name = session !== undefined ? `s:${session}` : user !== undefined ? `u:${user}` : client && `c:${client}`
      if (!newest.has(name ?? '*')) newest.set(name ?? '*', told.at)
    }
  }
  return newest
}
