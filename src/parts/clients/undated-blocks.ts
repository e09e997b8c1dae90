import type { Clock, Moment } from '../../base/clock.ts'
import type { ClientName } from '../../base/core/client-name.ts'
import { type BlockList, withBlock } from './block-list.ts'

/** The wall clock may be slewed by so much between two readings. */
const CLOCKS_DIFFER_MS = 1000

/**
 * Blocks that Redis did not date: each counts over every lift that was written before it, which this replica may read
 * later. Where nothing is known of Redis' time they count over whatever was written until it is known. A
 * lift without a date counts over nothing: it would undo a block that was acknowledged elsewhere.
 */
export function createUndatedBlocks (clock: Clock) {
  const saidAt = new Map<ClientName, number>()
  let redis: Readonly<{ now: number, askedAt: Moment }> | undefined
  /** Redis' time as far as it is known without Redis: never too early. Of a machine that slept nobody knows it. */
  function supposedNow (): number {
    if (redis === undefined) return Infinity
    const elapsedMs = clock.monotonic() - redis.askedAt.monotonic
    const hasSlept = clock.wall() - redis.askedAt.wall > elapsedMs + CLOCKS_DIFFER_MS
    return hasSlept ? Infinity : Math.ceil(redis.now + elapsedMs)
  }
  return Object.freeze({
    /** @param now Redis' time, at `askedAt` or later */
    dated (now: number, askedAt: Moment): void {
      redis = { now, askedAt }
      for (const [name, at] of saidAt) if (at === Infinity) saidAt.set(name, supposedNow())
    },
    /** The list with this block, which is remembered if Redis does not date it. */
    block (list: BlockList, name: ClientName, now: number | undefined): BlockList | 'full' {
      const next = withBlock(list, name, now)
      if (now === undefined && next !== 'full') saidAt.set(name, supposedNow())
      return next
    },
    drop: (name: ClientName): void => { saidAt.delete(name) },
    forget: (): void => saidAt.clear(),
    /** The list, in which these blocks count. */
    over (list: BlockList): BlockList {
      let result = list
      for (const [name, at] of saidAt) {
        const mark = result.get(name)
        const counts = mark?.isBlocked === true && (at === Infinity || mark.at >= at)
        if (counts || (mark !== undefined && mark.at > at)) continue
        const next = withBlock(result, name, at === Infinity ? undefined : at)
        if (next !== 'full') result = next
      }
      return result
    }
  })
}
