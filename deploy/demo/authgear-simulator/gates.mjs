// @ts-check
/** @import { Gate } from './types.d.mts' */

/**
 * A gate holds everybody who passes until it is released; `arrived(n)` tells when n wait before it.
 * @returns {Gate & { pass (): Promise<void> }}
 */
export function createGate () {
  let open = false
  /** @type {(() => void)[]} */
  const waiting = []
  /** @type {{ count: number, tell: () => void }[]} */
  let watchers = []

  const pass = () => open
    ? Promise.resolve()
    : new Promise(resolve => {
      waiting.push(() => resolve(undefined))
      watchers = watchers.filter(({ count, tell }) => waiting.length < count || tell())
    })

  const arrived = (/** @type {number} */ count) => waiting.length >= count
    ? Promise.resolve()
    : new Promise(resolve => { watchers.push({ count, tell: () => resolve(undefined) }) })

  function release () {
    open = true
    for (const go of waiting.splice(0)) go()
  }

  return Object.freeze({ pass, arrived, release, get waiting () { return waiting.length } })
}
