import type { Entry } from '../core/entry.ts'
import type { EpochMs } from '../core/token-expiry.ts'

/** The life that a value in Redis states of itself; `ttlMs` is the whole of it. */
export type Dated = Readonly<{ ttlMs: number, sealedAt: EpochMs }>

/** `rejected`: the value is not this service's for this key, or it is too old: a miss, but counted. */
export type CacheRead<V = Entry> =
  | Readonly<{ kind: 'hit', entry: V, remainingMs: number }>
  | Readonly<{ kind: 'miss' }>
  | Readonly<{ kind: 'rejected', why: 'unopenable' | 'malformed' | 'revived' | 'endless' }>
  /** Not a miss: the entry may be there. */
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** True if an entry may be used; one that may not counts as a miss. */
export type Accept<V = Entry> = (entry: V, remainingMs: number) => boolean

/** `nothing`: there is no value, or it has no life left. */
export type CacheWrite = Readonly<{ kind: 'stored' | 'nothing' }> | Readonly<{ kind: 'unreachable', error: unknown }>

/** One tier of the cache. Never rejects, never throws: an error is an outcome. */
export interface Cache<Key extends string, V = Entry> {
  read (key: Key): CacheRead<V> | Promise<CacheRead<V>>
  /** @param lifeMs milliseconds from now, at most `entry.ttlMs`; 0 or less stores nothing */
  write (key: Key, entry: V, lifeMs: number): CacheWrite | Promise<CacheWrite>
}
