import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Asks again until the answer is true; for other processes, which have no event to wait for. */
export async function until (what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 30_000): Promise<void> {
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
