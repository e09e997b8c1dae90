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

/** `failed`: the query failed, which says nothing about the user. */
export type BatchReading = UserReading | Readonly<{ kind: 'failed' }>

export type Batches = Readonly<{ read: (userId: UserId) => Promise<BatchReading> }>

/** Authgear's main database answers the resolver too. */
export const MAX_QUERIES = 2
/** Queries that one batch may cost: a user about whom the Admin API fails is found by halves. */
const MAX_QUERIES_OF_BATCH = 16
/** While the Admin API fails, a query is a probe: a large one may hold a connection of Authgear's database for long. */
const MAX_USERS_OF_PROBE = 1

const FAILED = Object.freeze({ kind: 'failed' } as const)
const UNREADABLE = Object.freeze({ kind: 'unreadable' } as const)

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
      if (!isOfSomeUser(error) || pause.isFailing()) pause.failed()
      throw error
    }
  }

  /** All halves before their quarters: some users about whom it fails keep no answer from the others. */
  async function readByHalves (all: readonly UserId[]): Promise<ReadonlyMap<string, BatchReading>> {
    const readings = new Map<string, BatchReading>()
    const parts = [all]
    for (const [asked, ids] of parts.entries()) { // it grows
      if (!pause.isOver()) break
      if (asked >= MAX_QUERIES_OF_BATCH) {
        // not the fault of a few users: each of those would have been asked about alone
        if (readings.size === 0) pause.failed()
        break
      }
      try {
        for (const [id, reading] of await query(ids)) readings.set(id, reading)
      } catch (error) {
        if (!isOfSomeUser(error)) continue
        const middle = Math.ceil(ids.length / 2)
        if (ids.length > 1) parts.push(ids.slice(0, middle), ids.slice(middle))
        else for (const id of ids) readings.set(id, UNREADABLE)
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
      const batch = waiting.splice(0, pause.isFailing() ? MAX_USERS_OF_PROBE : maxUsers)
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

const PAUSE_MS = 1000

export type Pause = ReturnType<typeof createPause>

/** After a failure the Admin API is left alone for a second, then probed until a query succeeds. */
export function createPause (clock: Pick<Clock, 'monotonic'>) {
  let isFailing = false
  let until = -Infinity
  return Object.freeze({
    isOver: () => clock.monotonic() >= until,
    /** True from a failed query until one succeeds. */
    isFailing: () => isFailing,
    failed (): void {
      isFailing = true
      until = clock.monotonic() + PAUSE_MS
    },
    worked: () => { isFailing = false }
  })
}
