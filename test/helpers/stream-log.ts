import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { momentOf, systemClock, type Clock } from '../../src/base/clock.ts'
import type { Affected, Entry } from '../../src/base/core/entry.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { openLogConnections } from '../../src/base/redis/log-connections.ts'
import type { RedisSettings } from '../../src/base/redis/options.ts'
import { follow } from '../../src/base/revocation/follow.ts'
import { createEntryCodec, type Fields } from '../../src/base/revocation/codec.ts'
import { CONFIRM_WITHIN_MS } from '../../src/base/revocation/publisher.ts'
import type { LogStore } from '../../src/base/revocation/store.ts'
import type { Origin } from '../../src/base/revocation/types.ts'
import { createRedisLogStore } from '../../src/base/revocation/redis-store.ts'
import { createStreamLog, type StreamLog } from '../../src/base/revocation/stream-log.ts'
import { entryOf } from './entry.ts'
import { validResolution } from './identity.ts'
import { settingsFor, type RedisPlace } from './redis-settings.ts'
import { until } from './until.ts'

const SCRIPT = readFileSync(new URL('../../src/base/revocation/log.lua', import.meta.url), 'utf8')

export interface JumpingClock extends Clock {
  /** Both clocks jump ahead, as those of a frozen process do when it wakes up. */
  jump (ms: number): void
  /** The wall clock alone, as that of a machine that slept. */
  jumpWall (ms: number): void
  /** Both stand still, but for a microsecond at each look, so that what comes later is later; they still jump. */
  stop (): void
  /** Both go on, from the time that it is. */
  go (): void
}

/** The system's clock, which goes on by itself, and jumps. */
export function jumpingClock (): JumpingClock {
  let [ahead, wallAhead] = [0, 0]
  let stopped: { monotonic: number, wall: number } | undefined
  return Object.freeze({
    monotonic () {
      if (stopped !== undefined) stopped.monotonic += 0.001
      return (stopped?.monotonic ?? systemClock.monotonic()) + ahead
    },
    wall: () => (stopped?.wall ?? systemClock.wall()) + ahead + wallAhead as EpochMs,
    jump (ms: number) { ahead += ms },
    jumpWall (ms: number) { wallAhead += ms },
    stop () { stopped = { ...momentOf(systemClock) } },
    go () { stopped = undefined }
  })
}

export interface LogReplica {
  readonly log: StreamLog
  readonly store: LogStore
  readonly clock: JumpingClock
  readonly troubles: readonly string[]
  readonly counts: Readonly<{
    adopted: number
    inauthentic: number
    disconnected: number
    revoked: number
    lags: number
    capped: number
    length: number
    foreign: number
    /** Whether the master came to be in doubt, or out of it, in order. */
    doubts: readonly boolean[]
  }>
  readonly generation: () => string
  /** As this replica would seal it for others, now. */
  readonly seal: (about: Affected) => Entry
  readonly close: () => Promise<void>
  /** After which a revocation counts as pending; a second in the service, a minute here. */
  readonly pendAfter: (ms: number) => void
}

export type LogReplicaOptions = Readonly<{
  keyPrefix: string
  retentionMs?: number
  page?: number
  limits?: Readonly<Record<Origin, number>>
  key?: Uint8Array
  settings?: Partial<RedisSettings>
  /** Between the log and its Redis. */
  wrap?: (store: LogStore) => LogStore
}>

/** A slow machine says of no revocation that works that it is pending. */
export const PATIENCE_MS = 60_000

/** The part of a replica that follows the log; closed when the test ends. */
export function openLogReplica (
  t: Pick<Test, 'teardown'>,
  place: RedisPlace,
  {
    keyPrefix, retentionMs = 600_000, page, limits, key = Buffer.alloc(32, 1), settings, wrap = (store) => store
  }: LogReplicaOptions
): LogReplica {
  const connections = openLogConnections(settingsFor(place, settings))
  const doubts: boolean[] = []
  const counts = {
    adopted: 0, inauthentic: 0, foreign: 0, disconnected: 0, revoked: 0, lags: 0, capped: 0, length: 0, doubts
  }
  connections.follower.redis.on('close', () => counts.disconnected++)
  const store = wrap(createRedisLogStore({ ...connections, keyPrefix }))
  const clock = jumpingClock()
  const troubles: string[] = []
  let confirmMs = PATIENCE_MS
  const trouble = (what: string): void => { troubles.push(what) }
  const observer = {
    trouble,
    revoked () { counts.revoked++ },
    lag () { counts.lags++ },
    adopted () { counts.adopted++ },
    inauthentic () { counts.inauthentic++ },
    foreign () { counts.foreign++ },
    doubted (isDoubted: boolean) { doubts.push(isDoubted) },
    capped () { counts.capped++ },
    length (entries: number) { counts.length = entries }
  }
  const log = createStreamLog({
    store,
    codec: createEntryCodec(key),
    clock,
    retentionMs,
    observer,
    after (ms, callBack) {
      const timer = setTimeout(callBack, ms === CONFIRM_WITHIN_MS ? confirmMs : ms)
      if (ms === CONFIRM_WITHIN_MS) timer.unref()
      return () => clearTimeout(timer)
    },
    ...(page === undefined ? {} : { page }),
    ...(limits === undefined ? {} : { limits })
  })
  const close = follow(log, store, () => trouble('cannot be followed'))
  t.teardown(close)
  const seal = ({ userId, digests }: Affected): Entry =>
    entryOf({ resolution: validResolution({ 'user-id': userId }), digests, stamp: log.snapshot().stamp })
  const pendAfter = (ms: number): void => { confirmMs = ms }
  const generation = (): string => log.snapshot().stamp.generation
  return { log, store, clock, troubles, counts, seal, close, pendAfter, generation }
}

/** All follow, and read the same generation to its end. */
export async function settled (...replicas: readonly LogReplica[]): Promise<void> {
  await until('all follow one log', () => {
    const [first, ...others] = replicas.map(({ log }) => JSON.stringify(log.snapshot().stamp))
    return replicas.every(({ log }) => log.trustsShared()) && others.every((one) => one === first)
  })
}

/** Appends as the service does, but without a deadline: a busy machine takes its time. */
export async function appendInBulk (
  port: number,
  keys: readonly [stream: string, head: string],
  encode: (index: number, previous: string) => Fields,
  count: number
): Promise<void> {
  const redis = new Redis(port)
  try {
    let previous = await redis.hget(keys[1], 'nonce') ?? ''
    for (let from = 0; from < count; from += 100) {
      const first = previous
      const entries = Array.from({ length: Math.min(100, count - from) }, (_, index) => {
        const fields = encode(from + index, previous)
        previous = fields.nonce
        return fields
      })
      const args = ['append', entries[0]?.gen ?? '', '600000', first]
      const texts = entries.map((fields) => Object.entries(fields).flat())
      await redis.eval(SCRIPT, 2, ...keys, ...args, ...texts.flatMap((one) => [one.length, ...one]))
    }
  } finally {
    redis.disconnect()
  }
}
