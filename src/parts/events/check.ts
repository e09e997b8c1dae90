import { setImmediate as nextTurn } from 'node:timers/promises'
import { namesOfClient } from '../../base/core/client-name.ts'
import { objectOf, parseJson } from '../../base/core/json.ts'
import { CLOCK_TOLERANCE_MS } from '../../base/core/resource-token.ts'
import type { Feed } from './feed.ts'
import { namesIn } from './session-names.ts'
import type { ToldNames } from './told-names.ts'

/** One connection that an app holds; `since`: seconds since 1970 by the app's clock, when it was accepted. */
export type Held = Readonly<{
  session: string
  user?: string | undefined
  client?: string | undefined
  since?: number | undefined
}>

/** `unknown`: it may have been revoked before what this replica can tell. Never that one is valid: ask the proxy. */
export type Checked = Readonly<{ revoked: readonly string[], unknown: readonly string[] }>

const MAX_ASKED = 1000
/** The longest `session`, `user` or `client`. */
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

/** In one turn of the event loop. */
const HELD_AT_ONCE = 50

/**
 * Looks up the sessions that an app holds among the events kept: those from before a reset, or before it could listen.
 * An app gets its own names.
 */
export async function checkHeld (
  feed: Feed,
  told: ToldNames,
  app: string,
  held: readonly Held[]
): Promise<Checked> {
  const toldAt = await told.of(app)
  const [revoked, unknown]: [string[], string[]] = [[], []]
  for (const [index, one] of held.entries()) {
    if (index % HELD_AT_ONCE === HELD_AT_ONCE - 1) await nextTurn()
    const since = sinceOf(one)
    const isTold = (name: string): boolean => {
      const at = toldAt(name)
      return at !== undefined && at >= since
    }
    if (namesOf(one).some(isTold)) revoked.push(one.session)
    else if (since < feed.coversSince()) unknown.push(one.session)
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
