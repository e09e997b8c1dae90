import type { Entry } from '../core/entry.ts'

/** `rejected`: the value is not this service's for this key, or it is too old: a miss, but counted. */
export type CacheRead =
  | Readonly<{ kind: 'hit', entry: Entry, remainingMs: number }>
  | Readonly<{ kind: 'miss' }>
  | Readonly<{ kind: 'rejected', why: 'unopenable' | 'malformed' | 'revived' | 'endless' }>
  /** Not a miss: the entry may be there. */
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** Whether an entry may be used; one that may not counts as a miss. */
export type Accept = (entry: Entry, remainingMs: number) => boolean

export type CacheWrite = Readonly<{ kind: 'stored' }> | Readonly<{ kind: 'unreachable', error: unknown }>

/** One tier of the cache. Never rejects, never throws: an error is an outcome. */
export interface Cache<Key extends string> {
  read (key: Key): CacheRead | Promise<CacheRead>
  /** @param lifeMs milliseconds from now, at most `entry.ttlMs`; 0 or less stores nothing */
  write (key: Key, entry: Entry, lifeMs: number): CacheWrite | Promise<CacheWrite>
}
