import type { Clock } from '../../base/clock.ts'
import type { ResourceToken } from '../../base/core/resource-token.ts'

/** One client, as this replica saw it. Times in milliseconds since 1970. */
export type ClientSeen = Readonly<{
  id: string
  /** The first few resources that it asked for. */
  resources: readonly string[]
  /** Number of different users, counted up to MAX_USERS. */
  users: number
  first: number
  last: number
  requests: number
  refusals: number
}>

type Entry = {
  readonly resources: Set<string>
  readonly users: Set<string>
  readonly first: number
  last: number
  requests: number
  refusals: number
}

const KEPT_MS = 24 * 3_600_000
export const MAX_CLIENTS = 1000
const MAX_RESOURCES = 5
/** Users' ids are the most of what a client takes: 256 characters each at most, 5 KiB of heap. */
export const MAX_USERS = 20

/**
 * Remembers the clients of verified tokens: nobody is in it whom Authgear does not know. When it is full, the client
 * goes that asked longest ago.
 */
export function createClientsSeen (clock: Pick<Clock, 'wall'>) {
  const known = new Map<string, Entry>()
  function enter (id: string, now: number): Entry {
    if (known.size >= MAX_CLIENTS) makeRoom(known)
    const empty = { resources: new Set<string>(), users: new Set<string>() }
    const entry = { ...empty, first: now, last: now, requests: 0, refusals: 0 }
    known.set(id, entry)
    return entry
  }
  return Object.freeze({
    /** @param resource of the route, as it is configured */
    saw (
      { clientId, userId }: Pick<ResourceToken, 'clientId' | 'userId'>,
      resource: string | undefined,
      isAllowed: boolean
    ): void {
      const now = clock.wall()
      const entry = known.get(clientId) ?? enter(clientId, now)
      entry.last = now
      entry.requests++
      if (!isAllowed) entry.refusals++
      if (resource !== undefined && entry.resources.size < MAX_RESOURCES) entry.resources.add(resource)
      if (userId !== undefined && entry.users.size < MAX_USERS) entry.users.add(userId)
    },
    /** @returns those of the last 24 hours, the newest first */
    list (): readonly ClientSeen[] {
      const since = clock.wall() - KEPT_MS
      for (const [id, { last }] of known) if (last < since) known.delete(id)
      return [...known].map(rowOf).toSorted((one, other) => other.last - one.last)
    }
  })
}

/** Looks at each of a thousand, and only where a client is new. */
function makeRoom (known: Map<string, Entry>): void {
  let oldest: readonly [id: string, last: number] = ['', Infinity]
  for (const [id, { last }] of known) if (last < oldest[1]) oldest = [id, last]
  known.delete(oldest[0])
}

function rowOf ([id, { resources, users, first, last, requests, refusals }]: readonly [string, Entry]): ClientSeen {
  return { id, resources: [...resources], users: users.size, first, last, requests, refusals }
}
