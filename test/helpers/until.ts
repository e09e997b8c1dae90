import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** So long that no machine is too slow for it; who waits for what comes pays nothing for it. */
const PATIENCE_MS = 120_000

/**
 * Asks again until the answer is true; for other processes, which have no event to wait for. At first each 10 ms, and
 * ever less often: what takes seconds is not missed by 100 ms.
 */
export async function until (
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = PATIENCE_MS
): Promise<void> {
  const began = Date.now()
  while (!await holds()) {
    const waited = Date.now() - began
    if (waited > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await delay(Math.min(100, 10 + waited / 20))
  }
}

/** Does somebody listen there? */
export function answers (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => resolve(false))
  })
}
