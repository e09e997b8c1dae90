// @ts-check
import { createTrouble } from './trouble.mjs'

/** @import { TokenControls, TokenFailure } from './types.d.mts' */

/** Fixed in Authgear's code; then so many a second. */
const PER_ADDRESS = { most: 120, perSecond: 2 }
const PER_USER = { most: 60, perSecond: 1 }
/** Tokens for machines are counted on top. */
const PER_MACHINE = { most: 5, perSecond: 5 / 60 }
const PER_PROJECT = { most: 20, perSecond: 20 / 60 }

/** What breaks the token endpoint, and what it counts. @param {() => number} now epoch milliseconds */
export function createTokenFaults (now) {
  const trouble = /** @type {typeof createTrouble<TokenFailure>} */ (createTrouble)()
  const counts = { calls: 0, refreshes: 0, refused: 0 }
  /** @type {string[]} */
  const lost = []
  const [ofAddress, ofUser] = [createBuckets(PER_ADDRESS, now), createBuckets(PER_USER, now)]
  const [ofMachine, ofProject] = [createBuckets(PER_MACHINE, now), createBuckets(PER_PROJECT, now)]
  let isLimited = false

  /** @type {TokenControls} */
  const controls = {
    ...trouble.controls,
    limit: () => { isLimited = true },
    get calls () { return counts.calls },
    get refreshes () { return counts.refreshes },
    get refused () { return counts.refused },
    lost
  }

  return Object.freeze({
    controls: Object.freeze(controls),
    release: trouble.release,
    /** @param {boolean} isRefresh @param {AbortSignal} signal @returns {Promise<TokenFailure | undefined>} */
    async arrived (isRefresh, signal) {
      counts.calls++
      if (isRefresh) counts.refreshes++
      await trouble.pass()
      await trouble.pause(signal)
      return trouble.next()
    },
    /** @param {string} address @param {string | undefined} userId @returns {boolean} whether it is too many */
    isOverLimit: (address, userId) =>
      isLimited && (!ofAddress.take(address) || (userId !== undefined && !ofUser.take(userId))),
    /** @param {string} clientId */
    isMachineOverLimit: clientId => isLimited && (!ofMachine.take(clientId) || !ofProject.take('')),
    refused: () => { counts.refused++ },
    /** @param {string} refreshToken */
    lost: refreshToken => { lost.push(refreshToken) }
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
      const isThere = filled >= 1 // a refused call uses up nothing
      buckets.set(name, { left: isThere ? filled - 1 : filled, at: now() })
      return isThere
    }
  }
}
