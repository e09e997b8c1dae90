// @ts-check
/** @import { IncomingMessage } from 'node:http' */
/** @import { Counters, SentCredentials } from './types.d.mts' */

const zero = () => ({
  resolutions: 0,
  parallel: 0,
  maxParallel: 0,
  maxParallelPerSession: 0,
  connections: 0,
  lastUrl: '',
  lastRawHeaders: /** @type {string[]} */ ([])
})

/** Counts what arrived, before anything is done with it. */
export function createCounters () {
  const now = zero()
  /** @type {Map<string, number>} */
  const byCredential = new Map()
  /** @type {Map<string, number>} */
  const parallel = new Map()

  /**
   * @param {IncomingMessage} request
   * @param {SentCredentials} sent
   * @param {string} key names the session, or what stands for one
   * @returns {() => void} to be called when the resolution is over
   */
  function begin (request, sent, key) {
    now.resolutions++
    now.lastUrl = request.url ?? ''
    now.lastRawHeaders = request.rawHeaders
    for (const credential of new Set(Object.values(sent))) {
      if (credential !== undefined) add(byCredential, credential, 1)
    }
    now.maxParallel = Math.max(now.maxParallel, ++now.parallel)
    now.maxParallelPerSession = Math.max(now.maxParallelPerSession, add(parallel, key, 1))
    return () => {
      now.parallel--
      if (add(parallel, key, -1) === 0) parallel.delete(key)
    }
  }

  function reset () {
    byCredential.clear()
    // what is under way stays counted
    Object.assign(now, zero(), { parallel: now.parallel, maxParallel: now.parallel })
  }

  const of = (/** @type {string} */ credential) => byCredential.get(credential) ?? 0
  return { counters: view(now, of, reset), begin, connected: () => { now.connections++ } }
}

/**
 * @param {ReturnType<typeof zero>} now
 * @param {(credential: string) => number} of
 * @param {() => void} reset
 * @returns {Counters}
 */
function view (now, of, reset) {
  return Object.freeze({
    of,
    reset,
    get resolutions () { return now.resolutions },
    get parallel () { return now.parallel },
    get maxParallel () { return now.maxParallel },
    get maxParallelPerSession () { return now.maxParallelPerSession },
    get connections () { return now.connections },
    get lastUrl () { return now.lastUrl },
    get lastRawHeaders () { return now.lastRawHeaders }
  })
}

/** @param {Map<string, number>} map @param {string} key @param {number} amount */
function add (map, key, amount) {
  const sum = (map.get(key) ?? 0) + amount
  map.set(key, sum)
  return sum
}
