// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'
import { createGate } from './gates.mjs'

/** @import { Gate } from './types.d.mts' */

/**
 * How one of Authgear's endpoints breaks, as a test wants it.
 * @template Mode
 */
export function createTrouble () {
  /** @type {{ mode: Mode, left: number } | undefined} */
  let failure
  /** @type {ReturnType<typeof createGate> | undefined} */
  let gate
  let latency = 0
  return Object.freeze({
    /** What the test turns. */
    controls: {
      /** @param {Mode} mode @param {number} [times] */
      fail: (mode, times = Infinity) => { failure = { mode, left: times } },
      recover: () => { failure = undefined },
      /** @param {number} ms */
      slow: ms => { latency = ms },
      /** @returns {Gate} */
      hold () {
        gate?.release()
        return (gate = createGate())
      }
    },
    release: () => gate?.release(),
    pass: async () => { await gate?.pass() },
    /** @param {AbortSignal} signal */
    pause: async signal => { if (latency > 0) await sleep(latency, undefined, { signal }) },
    mode: () => failure?.mode,
    /** Takes one of the failures asked for. */
    next () {
      if (failure === undefined || failure.left <= 0) return undefined
      failure.left--
      return failure.mode
    }
  })
}
