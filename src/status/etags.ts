import type { Clock } from '../clock.ts'

/** The protocol of abstract-cache as `@fastify/caching` speaks it; its types know one of the two forms of `get`. */
export type AbstractCache = Readonly<{
  get: (key: Key, callback?: (error: unknown, found: Found | null) => void) => Promise<Found | null>
  set: (key: Key, value: unknown, lifeMs: number, callback?: (error: unknown, result: unknown) => void) => Promise<void>
}>
type Key = string | Readonly<{ id: string, segment: string }>
type Found = Readonly<{ item: unknown, stored: number, ttl: number }>

/** Where tags are; may be slow, and may fail. */
export type TagStore = Readonly<{
  get: (name: string) => Found | undefined | Promise<Found | undefined>
  set: (name: string, value: unknown, lifeMs: number) => void | Promise<void>
}>

/** Milliseconds after which the page is rendered rather than waited for a tag. */
const DEADLINE = 50

/** Callbacks for the plugin and promises for the protocol. Never rejects, never waits for long: what cannot be told is a miss. */
export function abstractCache (store: TagStore, deadlineMs = DEADLINE): AbstractCache {
  return Object.freeze({
    async get (key: Key, callback?: (error: unknown, found: Found | null) => void) {
      const found = await within(deadlineMs, () => store.get(nameOf(key))) ?? null
      callback?.(null, found)
      return found
    },
    async set (key: Key, value: unknown, lifeMs: number, callback?: (error: unknown, result: unknown) => void) {
      await within(deadlineMs, () => store.set(nameOf(key), value, lifeMs))
      callback?.(null, undefined)
    }
  })
}

const nameOf = (key: Key): string => typeof key === 'string' ? key : `${key.segment} ${key.id}`

/** @returns undefined where it fails, or takes longer */
async function within<T> (limitMs: number, ask: () => T | Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, limitMs, undefined) })
  try {
    return await Promise.race([ask(), late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** More than there are resources, each with the tags of a second. */
const MAX_TAGS = 16

/** In memory, the oldest first to go. */
export function createTagStore (clock: Pick<Clock, 'monotonic'>): TagStore {
  const tags = new Map<string, Found & Readonly<{ until: number }>>()
  return Object.freeze({
    get (name: string) {
      const found = tags.get(name)
      return found === undefined || found.until <= clock.monotonic() ? undefined : found
    },
    set (name: string, item: unknown, ttl: number) {
      const stored = clock.monotonic()
      tags.delete(name)
      tags.set(name, { item, stored, ttl, until: stored + ttl })
      const [oldest] = tags.keys()
      if (tags.size > MAX_TAGS && oldest !== undefined) tags.delete(oldest)
    }
  })
}
