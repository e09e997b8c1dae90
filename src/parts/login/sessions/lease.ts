import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLeases, LEASE_MS, type Leases, type LeasesDeps, systemTiming } from '../../../base/cache/lease.ts'
import type { Clock } from '../../../base/clock.ts'
import type { CacheKey, CacheKeys } from '../../../base/core/cache-key.ts'
import { ownPrefix } from './record.ts'

/** `busy`: another one has it, here or at another replica, and the caller does not wait, or waited for too long. */
type Leased<T> =
  | Readonly<{ kind: 'ran', value: T }>
  | Readonly<{ kind: 'busy' }>
  | Readonly<{ kind: 'unreachable', error: unknown }>

/** Runs one task at a time for a session, in this process and in the fleet. */
export type SessionLease = <T>(keys: CacheKeys, waitMs: number, task: () => Promise<T>) => Promise<Leased<T>>

export type SharedLeases = Pick<LeasesDeps, 'commands' | 'keyPrefix' | 'maxHoldMs'> & Readonly<{
  leaseMs?: number | undefined
}>

const LOOK_MS = 20
const BUSY = Object.freeze({ kind: 'busy' })

/** @param shared undefined without Redis */
export function createSessionLease (clock: Clock, shared: SharedLeases | undefined): SessionLease {
  const inProcess = createTurns()
  if (shared === undefined) {
    return (keys, waitMs, task) =>
      inTime(keys, { inProcess, clock, waitMs }, async () => ({ kind: 'ran', value: await task() }))
  }
  const { leaseMs = LEASE_MS } = shared
  const keyPrefix = ownPrefix(shared.keyPrefix)
  const leases = createLeases({ ...shared, keyPrefix, leaseMs, clock, repeat: systemTiming.repeat })
  return (keys, waitMs, task) => inTime(keys, { inProcess, clock, waitMs }, async (leftMs) => {
    const held: Array<() => void> = []
    try {
      // the previous secret's first, as every replica takes them that knows both
      for (const key of [keys.previous, keys.current]) {
        if (key === undefined) continue
        const release = await take(leases, clock, key, { waitMs: leftMs, leaseMs })
        if (typeof release !== 'function') return release
        held.push(release)
      }
      return { kind: 'ran', value: await task() }
    } finally {
      for (const release of held) release()
    }
  })
}

type Waits = Readonly<{ inProcess: Turns, clock: Clock, waitMs: number }>

/** @param task gets what is left of the wait; it is not begun where its turn does not come in time */
async function inTime<T> (
  { current }: CacheKeys,
  { inProcess, clock, waitMs }: Waits,
  task: (leftMs: number) => Promise<Leased<T>>
): Promise<Leased<T>> {
  const since = clock.monotonic()
  let hasLeft = false
  let leave = (): void => {}
  const left = new Promise<Leased<T>>((resolve) => { leave = () => { hasLeft = true; resolve(BUSY) } })
  const timer = setTimeout(() => leave(), waitMs)
  const turn = inProcess(current, async () => {
    clearTimeout(timer)
    return hasLeft ? BUSY : await task(waitMs - (clock.monotonic() - since))
  })
  return await Promise.race([turn, left])
}

/** @returns a function that gives it back */
async function take (
  leases: Leases,
  clock: Clock,
  key: CacheKey,
  { waitMs, leaseMs }: Readonly<{ waitMs: number, leaseMs: number }>
): Promise<(() => void) | Exclude<Leased<never>, { kind: 'ran' }>> {
  const token = randomBytes(12).toString('base64url')
  const since = clock.monotonic()
  try {
    for (;;) {
      const asked = clock.monotonic()
      const lease = await leases.take(key, token)
      if (lease === 'ignored') return () => {}
      // an answer that came late may be about a lease that has ended
      if (lease === 'ours' && clock.monotonic() - asked < leaseMs / 2) break
      if (clock.monotonic() - since >= waitMs) return BUSY
      await sleep(LOOK_MS)
    }
  } catch (error) {
    return { kind: 'unreachable', error }
  }
  const stop = leases.hold(key, token)
  return () => {
    stop()
    leases.release(key, token).catch(() => {}) // it expires
  }
}

export type Turns = <T>(name: string, task: () => Promise<T>) => Promise<T>

/** One after another for each name. */
export function createTurns (): Turns {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(name: string, task: () => Promise<T>): Promise<T> => {
    const before = last.get(name)
    const turn = (before ?? Promise.resolve()).then(task, task)
    const settled = turn.then(() => {}, () => {})
    last.set(name, settled)
    try {
      return await turn
    } finally {
      if (last.get(name) === settled) last.delete(name)
    }
  }
}
