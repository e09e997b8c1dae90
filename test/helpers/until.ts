import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** With a load of 20 a machine needs a minute for what takes three seconds elsewhere; green runs never wait for it. */
const PATIENCE_MS = 120_000

/** Asks again until the answer is true; for other processes, which have no event to wait for. */
export async function until (
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = PATIENCE_MS
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!await holds()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await delay(10)
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
