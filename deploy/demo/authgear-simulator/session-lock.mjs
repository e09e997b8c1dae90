// @ts-check
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const TRIES = 5

/** Authgear locks a session for each resolution; who does not get the lock in 5 tries is answered 500. */
export function createSessionLock () {
  /** @type {Set<string>} */
  const held = new Set()

  /**
   * @param {string} key
   * @param {AbortSignal} signal ends the waiting when the simulator closes
   * @returns {Promise<(() => void) | undefined>} releases the lock; undefined where it was not to be had
   */
  async function acquire (key, signal) {
    for (let tried = 1; held.has(key); tried++) {
      if (tried === TRIES) return undefined
      await sleep(randomInt(50, 251), undefined, { signal })
    }
    held.add(key)
    return () => { held.delete(key) }
  }

  return Object.freeze({ acquire })
}
