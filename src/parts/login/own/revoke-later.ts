import { randomBytes } from 'node:crypto'
import type { EndedGrant, EndedGrants } from '../sessions/ended-grants.ts'

/**
 * Ends the grants of sessions that are signed out, at Authgear, whether or not the browser goes there: within two
 * seconds, by the replica that took the sign-out, or by any other. Not at once: a browser that comes to Authgear's
 * `end_session` after its grant is gone may be asked whether to sign out.
 */
export type RevokeLater = Readonly<{
  /** Comes when every replica knows of it, as far as Redis can be reached. Never rejects. */
  add: (refreshToken: string) => Promise<void>
  /** All that this replica has, at once. */
  close: () => Promise<void>
}>

export type RevokeLaterDeps = Readonly<{
  /** Rejects where Authgear does not answer. */
  revoke: (refreshToken: string) => Promise<void>
  failed: (error: unknown) => void
  /** The queue of all replicas; undefined without Redis. */
  grants: EndedGrants | undefined
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

export function createRevokeLater (deps: RevokeLaterDeps): RevokeLater {
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
  grants: EndedGrants | undefined,
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
