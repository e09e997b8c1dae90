import type { Entry } from '../core/entry.ts'

/**
 * `rejected`: something was there that this service did not put there for this key, or that is too old: a miss, but
 * counted.
 */
export type CacheRead =
  | Readonly<{ kind: 'hit', entry: Entry, remainingMs: number }>
  | Readonly<{ kind: 'miss' }>
  | Readonly<{ kind: 'rejected', why: 'unopenable' | 'malformed' | 'revived' | 'endless' }>
  /** Not a miss: nobody knows whether the entry is there. */
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** Whether an entry may be used; another counts as none. */
export type Accept = (entry: Entry, remainingMs: number) => boolean

export type CacheWrite = Readonly<{ kind: 'stored' }> | Readonly<{ kind: 'unreachable', error: unknown }>

/** One tier of the cache. Never rejects, never throws: what went wrong is an outcome. */
export interface Cache<Key extends string> {
  read (key: Key): CacheRead | Promise<CacheRead>
  /** @param lifeMs milliseconds from now, at most `entry.ttlMs`; 0 or less stores nothing */
  write (key: Key, entry: Entry, lifeMs: number): CacheWrite | Promise<CacheWrite>
}
