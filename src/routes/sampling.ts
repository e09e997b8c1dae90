/** How many lines were left out since the last one that was written; undefined: leave this one out too. */
export type Sampling = () => number | undefined

/**
 * The first lines of each second, so that a quiet service is seen whole and a busy one does not drown.
 * @param perSecond lines
 * @param now monotonic milliseconds
 */
export function createSampling (perSecond: number, now: () => number): Sampling {
  let second = -Infinity
  let written = 0
  let leftOut = 0
  return () => {
    const current = Math.floor(now() / 1000)
    if (current !== second) [second, written] = [current, 0]
    if (++written > perSecond) { leftOut++; return undefined }
    const missing = leftOut
    leftOut = 0
    return missing
  }
}
