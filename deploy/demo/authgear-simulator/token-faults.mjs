// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'
import { createGate } from './gates.mjs'

/** @import { TokenControls, TokenFailure } from './types.d.mts' */

/** Fixed in Authgear's code; then so many a second. */
const PER_ADDRESS = { most: 120, perSecond: 2 }
const PER_USER = { most: 60, perSecond: 1 }

/** What breaks the token endpoint, and what it counts. @param {() => number} now epoch milliseconds */
export function createTokenFaults (now) {
  /** @type {{ mode: TokenFailure, left: number } | undefined} */
  let failure
  /** @type {ReturnType<typeof createGate> | undefined} */
  let gate
  const counts = { calls: 0, refreshes: 0, refused: 0 }
  const [ofAddress, ofUser] = [createBuckets(PER_ADDRESS, now), createBuckets(PER_USER, now)]
  const settings = { latency: 0, isLimited: false }

  /** @type {TokenControls} */
  const controls = {
    fail: (mode, times = Infinity) => { failure = { mode, left: times } },
    recover: () => { failure = undefined },
    slow: ms => { settings.latency = ms },
    limit: () => { settings.isLimited = true },
    hold () {
      gate?.release()
      return (gate = createGate())
    },
    get calls () { return counts.calls },
    get refreshes () { return counts.refreshes },
    get refused () { return counts.refused }
  }

  return Object.freeze({
    controls: Object.freeze(controls),
    release: () => gate?.release(),
    /** @param {boolean} isRefresh @param {AbortSignal} signal @returns {Promise<TokenFailure | undefined>} */
    async arrived (isRefresh, signal) {
      counts.calls++
      if (isRefresh) counts.refreshes++
      await gate?.pass()
      if (settings.latency > 0) await sleep(settings.latency, undefined, { signal })
      if (failure === undefined || failure.left <= 0) return undefined
      failure.left--
      return failure.mode
    },
    /** @param {string} address @param {string | undefined} userId @returns {boolean} whether it is too many */
    isOverLimit: (address, userId) =>
      settings.isLimited && (!ofAddress.take(address) || (userId !== undefined && !ofUser.take(userId))),
    refused: () => { counts.refused++ }
  })
}

/** @param {{ most: number, perSecond: number }} limit @param {() => number} now */
function createBuckets ({ most, perSecond }, now) {
  /** @type {Map<string, { left: number, at: number }>} */
  const buckets = new Map()
  return {
    /** @param {string} name */
    take (name) {
      const { left, at } = buckets.get(name) ?? { left: most, at: now() }
      const filled = Math.min(most, left + (now() - at) / 1000 * perSecond)
      buckets.set(name, { left: Math.max(0, filled - 1), at: now() })
      return filled >= 1
    }
  }
}
