import { randomBytes } from 'node:crypto'
import type { CacheKeys } from '../../../base/core/cache-key.ts'
import type { Sealer, Sealing } from '../../../base/crypto/sealing.ts'
import type { Queue } from './queue.ts'
import { ownKey } from '../sessions/record.ts'

/** A grant of a session that is signed out, until Authgear has ended it. */
type EndedGrant = Readonly<{ name: string, refreshToken: string }>

/** Grants that every replica may end, whichever took the sign-out. Each call rejects where Redis does not answer. */
export type GrantQueue = Readonly<{
  add: (grant: EndedGrant) => Promise<void>
  /** Takes what its own replica has left undone; nobody else gets it for some seconds. */
  take: () => Promise<readonly EndedGrant[]>
  remove: (name: string) => Promise<void>
}>

export type GrantQueueDeps = Sealing & Readonly<{
  queue: Queue
  keyPrefix: string
  /**
   * The names of one client's queues, under each secret: a queue holds nothing that its readers cannot open, or end.
   */
  names: CacheKeys
  /** Milliseconds for which the replica that added one is left to finish it. */
  dueMs?: number
}>

/** One of them, under one secret. */
type SealedQueue = Readonly<{ key: string, sealer: Sealer }>

/** Two seconds at most: after the sign-out's own replica, and with POLL_MS and the call in mind. */
const DUE_MS = 1500
/** Longer than most calls; one that fails again and again is tried less and less often. */
const AGAIN_MS = 5000
/** Authgear may be away for as long. */
const LIFE_MS = 86_400_000
/** A sign-out takes a login, of which Authgear allows 60 a minute and user: 300 KB at most. */
const MAX_GRANTS = 1000
const MAX_TAKEN = 50

export function createGrantQueue (deps: GrantQueueDeps): GrantQueue {
  const { queue, dueMs = DUE_MS } = deps
  const [own, older] = queuesOf(deps)
  const queues = older === undefined ? [own] : [own, older]
  const sealName = (name: string): string => `ended grant ${name}`

  async function takeFrom ({ key, sealer }: SealedQueue): Promise<readonly EndedGrant[]> {
    const taken = await queue.take(key, MAX_TAKEN, AGAIN_MS, LIFE_MS)
    const opened = taken.map(({ name, payload }) =>
      ({ name, refreshToken: sealer.open(sealName(name), Buffer.from(payload, 'base64url'))?.toString() }))
    const junk = opened.filter(({ refreshToken }) => refreshToken === undefined).map(({ name }) => name)
    if (junk.length > 0) await queue.remove(key, LIFE_MS, junk)
    return opened.flatMap(({ name, refreshToken }) => refreshToken === undefined ? [] : [{ name, refreshToken }])
  }

  return Object.freeze({
    async add ({ name, refreshToken }: EndedGrant): Promise<void> {
      const { key, sealer } = older !== undefined && deps.writesPrevious() ? older : own
      const payload = sealer.seal(sealName(name), Buffer.from(refreshToken)).toString('base64url')
      await queue.add(key, { name, payload, dueMs, max: MAX_GRANTS, lifeMs: LIFE_MS })
    },
    async take (): Promise<readonly EndedGrant[]> {
      const ends = await Promise.allSettled(queues.map(takeFrom))
      const taken = ends.flatMap((end) => end.status === 'fulfilled' ? end.value : [])
      // one queue may be where Redis is away: what the other one gave is due now
      const failed = ends.find((end) => end.status === 'rejected')
      if (taken.length === 0 && failed !== undefined) throw failed.reason
      return taken
    },
    async remove (name: string): Promise<void> {
      await Promise.all(queues.map(({ key }) => queue.remove(key, LIFE_MS, [name])))
    }
  })
}

function queuesOf (
  { keyPrefix, names, sealer, previous }: GrantQueueDeps
): readonly [own: SealedQueue, older?: SealedQueue] {
  const own = { key: ownKey(keyPrefix, names.current, 'ended-grants'), sealer }
  return names.previous === undefined || previous === undefined
    ? [own]
    : [own, { key: ownKey(keyPrefix, names.previous, 'ended-grants'), sealer: previous }]
}

/**
 * Ends the grants of sessions that are signed out, at Authgear, whether or not the browser goes there: within two
 * seconds, by the replica that took the sign-out, or by any other. Not at once: a browser that comes to Authgear's
 * `end_session` after its grant is gone may be asked whether to sign out.
 */
export type EndedGrants = Readonly<{
  /** Comes when every replica knows of it, as far as Redis can be reached. Never rejects. */
  add: (refreshToken: string) => Promise<void>
  /** All that this replica has, at once. */
  close: () => Promise<void>
}>

export type EndedGrantsDeps = Readonly<{
  /** Rejects where Authgear does not answer. */
  revoke: (refreshToken: string) => Promise<void>
  failed: (error: unknown) => void
  /** The queue of all replicas; undefined without Redis. */
  grants: GrantQueue | undefined
  afterMs?: number
  pollMs?: number
}>

const AFTER_MS = 1000
const POLL_MS = 250
/** Between two tries of one that fails, which wait longer each time. */
const LONGEST_WAIT_MS = 600_000
const MAX_WAITING = 1000
const CLOSE_WITHIN_MS = 2000

type Waiting = Readonly<{ refreshToken: string, waitMs: number, timer: NodeJS.Timeout }>

export function createEndedGrants (deps: EndedGrantsDeps): EndedGrants {
  const { revoke, failed, grants, afterMs = AFTER_MS, pollMs = POLL_MS } = deps
  const waiting = new Map<string, Waiting>()

  function wait (name: string, refreshToken: string, waitMs: number): void {
    const [oldest] = waiting.keys()
    if (waiting.size >= MAX_WAITING && oldest !== undefined) start(oldest)
    const timer = setTimeout(() => start(name), waitMs).unref()
    waiting.set(name, { refreshToken, waitMs, timer })
  }
  const start = (name: string): void => { run(name).catch(() => {}) } // it never rejects

  async function run (name: string): Promise<void> {
    const one = take(name)
    if (one === undefined || await end(name, one.refreshToken)) return
    // what Redis has lost meanwhile only this replica knows
    if (waiting.size < MAX_WAITING) wait(name, one.refreshToken, Math.min(2 * one.waitMs, LONGEST_WAIT_MS))
  }

  function take (name: string): Waiting | undefined {
    const one = waiting.get(name)
    waiting.delete(name)
    clearTimeout(one?.timer)
    return one
  }

  async function end (name: string, refreshToken: string): Promise<boolean> {
    try {
      await revoke(refreshToken)
    } catch (error) {
      failed(error)
      return false
    }
    take(name)
    await grants?.remove(name).catch(() => {}) // it is revoked once more, which says nothing new to Authgear
    return true
  }

  const stopPolling = poll(grants, pollMs, async (due) => {
    await Promise.all(due.map(({ name, refreshToken }) => end(name, refreshToken)))
  })

  return Object.freeze({
    async add (refreshToken: string): Promise<void> {
      const name = randomBytes(12).toString('base64url')
      wait(name, refreshToken, afterMs)
      await grants?.add({ name, refreshToken }).catch(() => {}) // then this replica alone does it
    },
    async close (): Promise<void> {
      stopPolling()
      const all = Promise.all([...waiting.keys()].map(run))
      await Promise.race([all, new Promise((resolve) => { setTimeout(resolve, CLOSE_WITHIN_MS).unref() })])
      for (const name of waiting.keys()) take(name)
    }
  })
}

/** Runs one round at a time. @returns a function that ends it */
function poll (
  grants: GrantQueue | undefined,
  everyMs: number,
  round: (due: readonly EndedGrant[]) => Promise<void>
): () => void {
  if (grants === undefined) return () => {}
  let isRunning = false
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    grants.take().then(round).catch(() => {}).finally(() => { isRunning = false }) // Redis is away
  }, everyMs).unref()
  return () => clearInterval(timer)
}
