import { randomBytes } from 'node:crypto'

/**
 * Refresh tokens of sessions that are signed out: revoked when the browser has come back from Authgear, or after a
 * minute. Before that Authgear would ask the person whether to sign out.
 */
export type RevokeLater = Readonly<{
  /** @returns its name, which is no secret */
  add: (refreshToken: string) => string
  /** Now, where this replica has it; else it is done in a minute by the one that has. */
  now: (name: string) => void
  /** All at once. */
  close: () => Promise<void>
}>

export type RevokeLaterDeps = Readonly<{
  /** Rejects where Authgear does not answer. */
  revoke: (refreshToken: string) => Promise<void>
  failed: (error: unknown) => void
  afterMs?: number
}>

const AFTER_MS = 60_000
const MAX_WAITING = 1000
const CLOSE_WITHIN_MS = 2000

export function createRevokeLater ({ revoke, failed, afterMs = AFTER_MS }: RevokeLaterDeps): RevokeLater {
  const waiting = new Map<string, Readonly<{ refreshToken: string, timer: NodeJS.Timeout }>>()
  async function run (name: string): Promise<void> {
    const one = waiting.get(name)
    if (one === undefined) return
    waiting.delete(name)
    clearTimeout(one.timer)
    await revoke(one.refreshToken).catch(failed)
  }
  const start = (name: string): void => { run(name).catch(() => {}) } // it never rejects
  return Object.freeze({
    add (refreshToken: string): string {
      const name = randomBytes(12).toString('base64url')
      const [oldest] = waiting.keys()
      if (waiting.size >= MAX_WAITING && oldest !== undefined) start(oldest)
      waiting.set(name, { refreshToken, timer: setTimeout(() => start(name), afterMs).unref() })
      return name
    },
    now: start,
    async close (): Promise<void> {
      const all = Promise.all([...waiting.keys()].map(run))
      await Promise.race([all, new Promise((resolve) => { setTimeout(resolve, CLOSE_WITHIN_MS).unref() })])
    }
  })
}
