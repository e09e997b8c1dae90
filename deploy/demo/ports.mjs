// @ts-check
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMAND, variableOf } from './settings.mjs'

/** @import { Place, Settings } from './settings.mjs' */

const START_DEADLINE_MS = 60_000

/**
 * All taken ports at once, each with the variable to change.
 * @param {Settings['ports']} ports
 * @returns {Promise<string[]>}
 */
export async function takenPorts (ports) {
  const places = /** @type {[Place, number][]} */ (Object.entries(ports))
  const taken = await Promise.all(places.map(async ([place, port]) => ({ place, port, taken: await isTaken(port) })))
  return taken
    .filter((one) => one.taken)
    .map(
      ({ place, port }) =>
        `port ${port} is taken: end what listens there or choose another, e.g. ${variableOf(place)}=${port + 1000} ` +
          COMMAND
    )
}

/**
 * Somebody on another address of this machine counts too: the browser might reach them instead.
 * @param {number} port
 */
async function isTaken (port) {
  return await answers(port, '::1') || !await canListen(port)
}

/** @param {number} port @returns {Promise<boolean>} */
function canListen (port) {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** @param {number} port @param {string} [host] @returns {Promise<boolean>} */
export function answers (port, host = '127.0.0.1') {
  return new Promise(resolve => {
    const socket = connect(port, host)
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => resolve(false))
  })
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} holds
 * @param {AbortSignal} signal ends the waiting
 */
export async function waitFor (what, holds, signal) {
  for (const deadline = Date.now() + START_DEADLINE_MS; !await holds();) {
    signal.throwIfAborted()
    if (Date.now() > deadline) throw new Error(`${what} did not start within ${START_DEADLINE_MS / 1000} s`)
    await sleep(25, undefined, { signal })
  }
}
