import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type { Algorithm } from './key.ts'

export type StoredKey = Readonly<{
  /** The private key, base64url: what tells it from others. */
  pkcs8: string
  algorithm: Algorithm
  /** Not used before; in use until the next one's. */
  from: number
  /** The end of publication of a key that signs no more, or never. */
  until?: number
}>

/** The keys that replicas share, by the time of their use: nothing that is in it is ever another key elsewhere. */
export type KeySet = Readonly<{
  /** When its first replica made it: of two sets the older one counts. */
  since: number
  /** Keys what an assertion says of a session, and tells one set from another. */
  sid: string
  keys: readonly StoredKey[]
}>

export type Schedule = Readonly<{ algorithm: Algorithm, rotationMs: number }>

/** max-age of the key set: how long verifiers cache it. */
export const MAX_AGE_SECONDS = 300
/** The shortest ASSERTION_KEY_ROTATION: clocks, key sets and assertions are younger than one period by far. */
export const MIN_ROTATION = '1h'
export const MIN_ROTATION_MS = 3_600_000
/** One replica may learn of a key later than another by so much: a mounted secret takes a minute or two. */
const SPREAD_MS = 300_000
/** From when a key is published until it signs instead of another: no verifier holds a set without it any more. */
export const PUBLISH_AHEAD_MS = MAX_AGE_SECONDS * 1000 + SPREAD_MS
/** A key that signs no more is published for longer than what it signed lives, and others may still sign by it. */
export const PUBLISH_AFTER_MS = PUBLISH_AHEAD_MS + 60_000
/** How long a rotated key stays published; it is kept for as long again, since clocks differ. */
const AFTER_MS = MIN_ROTATION_MS
/** Periods for which keys are written ahead: a replica that is cut off from Redis has them too. */
const PERIODS_AHEAD = 24

/** @returns undefined before the first one's time */
export function signingAt (set: KeySet, algorithm: Algorithm, now: number): StoredKey | undefined {
  const begun = set.keys.filter((key) => key.until === undefined && key.from <= now && now < endOf(set, key))
  return begun.findLast((key) => key.algorithm === algorithm) ?? begun.at(-1)
}

/** A whole period before a key signs, and an hour after another one does. */
export function publishedAt (set: KeySet, { rotationMs }: Schedule, now: number): readonly StoredKey[] {
  return set.keys.filter((key) => (key.until !== undefined || key.from - rotationMs <= now) && now < endOf(set, key))
}

function endOf ({ keys }: KeySet, key: StoredKey): number {
  if (key.until !== undefined) return key.until
  const later = keys.slice(keys.indexOf(key) + 1).filter(({ until }) => until === undefined)
  // without one of its own algorithm nobody writes such keys any more
  const next = later.find(({ algorithm }) => algorithm === key.algorithm) ?? later[0]
  return (next?.from ?? Infinity) + AFTER_MS
}

/** @returns with keys for the periods to come, which sign when every verifier has them; `set` where none is missing */
export function extended (set: KeySet | undefined, schedule: Schedule, now: number): KeySet {
  const { algorithm, rotationMs } = schedule
  const periodOf = (time: number): number => Math.floor(time / rotationMs)
  const periods = Array.from({ length: PERIODS_AHEAD + 1 }, (_, index) => periodOf(now) + index)
  if (set === undefined) {
    const keys = [periodOf(now) - 1, ...periods].map((period) => newKey(algorithm, period * rotationMs))
    return { since: now, sid: randomBytes(32).toString('base64url'), keys }
  }
  const kept = set.keys.filter((key) => now < endOf(set, key) + AFTER_MS)
  const isThere = (period: number): boolean => kept.some(({ from, until, ...key }) =>
    until === undefined && key.algorithm === algorithm && periodOf(from) === period)
  const missing = periods.flatMap((period) => {
    const from = Math.max(period * rotationMs, now + PUBLISH_AHEAD_MS)
    return periodOf(from) === period && !isThere(period) ? [newKey(algorithm, from)] : []
  })
  return missing.length === 0 && kept.length === set.keys.length ? set : { ...set, keys: sorted([...kept, ...missing]) }
}

/** Joins two sets: all that both publish, with the keys of the older one to sign; the other one's sign no more. */
export function merged (one: KeySet, other: KeySet, schedule: Schedule, now: number): KeySet {
  const isSame = one.sid === other.sid
  const [first, second] = isSame || isOlder(one, other) ? [one, other] : [other, one]
  const until = now + Math.max(PUBLISH_AFTER_MS, schedule.rotationMs)
  const known = new Set(first.keys.map(({ pkcs8 }) => pkcs8))
  const more = publishedAt(second, schedule, now)
    .filter(({ pkcs8 }) => !known.has(pkcs8))
    .map((key) => isSame ? key : { ...key, until: key.until ?? until })
  return more.length === 0 ? first : { ...first, keys: sorted([...first.keys, ...more]) }
}

function isOlder (one: KeySet, other: KeySet): boolean {
  return one.since === other.since ? one.sid < other.sid : one.since < other.since
}

function sorted (keys: readonly StoredKey[]): readonly StoredKey[] {
  return keys.toSorted((one, other) => one.from - other.from || (one.pkcs8 < other.pkcs8 ? -1 : 1))
}

function newKey (algorithm: Algorithm, from: number): StoredKey {
  const { privateKey } =
    algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { pkcs8: pkcs8Of(privateKey), algorithm, from }
}

export const pkcs8Of = (key: KeyObject): string => key.export({ format: 'der', type: 'pkcs8' }).toString('base64url')
