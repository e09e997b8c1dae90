import { AdminApiError, type AdminApiErrorKind } from '../../base/authgear/admin-api/errors.ts'
import type { Clock } from '../../base/clock.ts'
import type { UserId } from '../../base/core/resolution.ts'
import type { UserReading, Users } from './users.ts'

export type BatchesOptions = Readonly<{
  users: Users
  pause: Pause
  maxUsers: number
  /** Called at the end of each query. */
  queried: (outcome: 'ok' | AdminApiErrorKind, error?: unknown) => void
}>

/** `failed`: the query failed, or has no answer about this user. */
export type BatchReading = UserReading | Readonly<{ kind: 'failed' }>

export type Batches = Readonly<{ read: (userId: UserId) => Promise<BatchReading> }>

/** Authgear's main database answers the resolver too. */
export const MAX_QUERIES = 2
/** Queries that one batch may cost: a user about whom the Admin API fails is found by halves. */
const MAX_QUERIES_OF_BATCH = 16

const FAILED = Object.freeze({ kind: 'failed' } as const)

type Waiting = Readonly<{ userId: UserId, settle: (reading: BatchReading) => void }>

/** Asks about all users of one turn of the event loop at once; later ones are the next batch. */
export function createBatches ({ users, pause, maxUsers, queried }: BatchesOptions): Batches {
  let waiting: Waiting[] = []
  let running = 0
  let isScheduled = false

  async function query (ids: readonly UserId[]): Promise<ReadonlyMap<string, BatchReading>> {
    try {
      const readings = await users.read(ids)
      queried('ok')
      pause.worked()
      return readings
    } catch (cause) {
      const error = cause instanceof AdminApiError ? cause : new AdminApiError('garbage', cause)
      queried(error.kind, error)
      if (!isOfSomeUser(error)) pause.failed(error.kind)
      throw error
    }
  }

  /** All halves before their quarters: some users about whom it fails keep no answer from the others. */
  async function readByHalves (all: readonly UserId[]): Promise<ReadonlyMap<string, BatchReading>> {
    const readings = new Map<string, BatchReading>()
    const parts = [all]
    for (const [asked, ids] of parts.entries()) { // it grows
      if (asked >= MAX_QUERIES_OF_BATCH) {
        // not the fault of a few users: each of those would have been asked about alone
        if (readings.size === 0 && pause.isOver()) pause.failed('partial')
        break
      }
      try {
        for (const [id, reading] of await query(ids)) readings.set(id, reading)
      } catch (error) {
        const middle = Math.ceil(ids.length / 2)
        if (isOfSomeUser(error) && ids.length > 1) parts.push(ids.slice(0, middle), ids.slice(middle))
      }
    }
    return readings
  }

  async function run (batch: readonly Waiting[]): Promise<void> {
    running++
    const readings = await readByHalves([...new Set(batch.map(({ userId }) => userId))])
    running--
    for (const { userId, settle } of batch) settle(readings.get(userId) ?? FAILED)
    start()
  }

  function start (): void {
    isScheduled = false
    while (waiting.length > 0) {
      if (!pause.isOver()) return failAll()
      if (running >= (pause.isFailing() ? 1 : MAX_QUERIES)) return
      const batch = waiting.slice(0, maxUsers)
      waiting = waiting.slice(maxUsers)
      run(batch).catch(() => {}) // it never rejects
    }
  }

  function failAll (): void {
    const all = waiting
    waiting = []
    for (const { settle } of all) settle(FAILED)
  }

  return Object.freeze({
    read: (userId: UserId) => new Promise<BatchReading>((resolve) => {
      waiting.push({ userId, settle: resolve })
      if (isScheduled) return
      isScheduled = true
      setImmediate(start)
    })
  })
}

/** One user's long texts can make an answer too long, and one unreadable row makes errors. */
function isOfSomeUser (error: unknown): boolean {
  return error instanceof AdminApiError && (error.kind === 'partial' || error.kind === 'too_large')
}

const FIRST_PAUSE_MS = 1000
/** A query that timed out here still holds one of the three connections that Authgear has to its main database. */
const PAUSE_AFTER_TIMEOUT_MS = 10_000
const MAX_PAUSE_MS = 30_000

export type Pause = ReturnType<typeof createPause>

/** Backoff: after a failure the Admin API is not asked for a while, then tried with one query. */
export function createPause (clock: Pick<Clock, 'monotonic'>) {
  let failures = 0
  let until = -Infinity
  return Object.freeze({
    isOver: () => clock.monotonic() >= until,
    /** True after a failed query: one at a time until one succeeds. */
    isFailing: () => failures > 0,
    failed (kind: AdminApiErrorKind): void {
      const first = kind === 'timeout' ? PAUSE_AFTER_TIMEOUT_MS : FIRST_PAUSE_MS
      until = clock.monotonic() + Math.min(MAX_PAUSE_MS, first * 2 ** Math.min(failures, 5))
      failures++
    },
    worked: () => { failures = 0 }
  })
}
