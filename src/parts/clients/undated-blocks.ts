import type { Clock, Moment } from '../../clock.ts'
import type { ClientName } from '../../core/client-name.ts'
import { type BlockList, withBlock } from './block-list.ts'

/**
 * Blocks that Redis did not date: each counts over every lift that was written before it, which this replica may read
 * later. Before the first reading nothing is known of Redis' time, and so they count over whatever is read first. A
 * lift without a date counts over nothing: it would undo a block that was acknowledged elsewhere.
 */
export function createUndatedBlocks (clock: Pick<Clock, 'monotonic'>) {
  const saidAt = new Map<ClientName, number>()
  let redis: Readonly<{ now: number, askedAt: Moment }> | undefined
  /** Redis' time as far as it is known without Redis: never too early. */
  const supposedNow = (): number =>
    redis === undefined ? Infinity : Math.ceil(redis.now + clock.monotonic() - redis.askedAt.monotonic)
  return Object.freeze({
    /** @param now Redis' time, at `askedAt` or later */
    dated (now: number, askedAt: Moment): void { redis = { now, askedAt } },
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
        if (mark !== undefined && (mark.at > at || (mark.isBlocked && at === Infinity))) continue
        const next = withBlock(result, name, at === Infinity ? undefined : at)
        if (next !== 'full') result = next
      }
      return result
    }
  })
}
