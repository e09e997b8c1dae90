import t, { type Test } from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import {
  type BlockList, merged, NO_BLOCKS, readBlockList, withBlock, withDeletion, writeBlockList
} from '../../../../src/parts/clients/block-list.ts'
import { openBlocks } from '../../../../src/parts/clients/blocks.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { until } from '../../../helpers/until.ts'

const NAME = 'dcrc_a' as ClientName

function blocking (at: number, list: BlockList = NO_BLOCKS): BlockList {
  const next = withBlock(list, NAME, at)
  if (next === 'full') throw new Error('full')
  return next
}

/** A replica that can be cut off, by a clock of its own. */
function replica (t: Test, redis: { list: BlockList, now: number }) {
  const clock = manualClock()
  const link = { isUp: true }
  const ask = <T>(answer: () => T): Promise<T> =>
    link.isUp ? Promise.resolve(answer()) : Promise.reject(new Error('away'))
  const blocks = openBlocks({
    store: {
      sync: (held) => ask(() => ({ list: (redis.list = merged(redis.list, held)) })),
      now: () => Number.isNaN(redis.now) ? Promise.reject(new Error('late')) : ask(() => redis.now)
    },
    clock,
    isFollowing: () => link.isUp,
    staleMs: 5000,
    mayChange: true,
    foreign: () => {},
    failed: () => {},
    everyMs: 5
  })
  blocks.begins(-10_000)
  t.teardown(blocks.close)
  return { blocks, clock, link }
}

t.test('a lift that nobody acknowledged undoes no block that was acknowledged later', async (t) => {
  const redis = { list: blocking(1000), now: 2000 }
  const [apart, near] = [replica(t, redis), replica(t, redis)]
  await until('both read it', () => apart.blocks.isRead() && near.blocks.isRead())
  apart.link.isUp = false
  apart.clock.advance(3_600_000) // its clock is ahead of Redis'
  t.equal(await apart.blocks.lift(NAME), 'pending')
  t.equal(await near.blocks.lift(NAME), 'kept')
  redis.now = 3000
  t.equal(await near.blocks.block(NAME), 'kept')
  apart.link.isUp = true
  await until('it is heard again', () => {
    apart.clock.advance(500)
    return apart.blocks.standingOf(NAME) !== 'unread'
  })
  await until('both agree', () => apart.blocks.standingOf(NAME) === near.blocks.standingOf(NAME))
  t.equal(near.blocks.standingOf(NAME), 'blocked')
})

t.test('a lift that was given up undoes no block that is said again', async (t) => {
  const redis = { list: blocking(1000), now: 2000 }
  const [apart, near] = [replica(t, redis), replica(t, redis)]
  await until('both read it', () => apart.blocks.isRead() && near.blocks.isRead())
  apart.link.isUp = false
  t.equal(await apart.blocks.lift(NAME), 'pending')
  t.equal(await near.blocks.block(NAME), 'kept', 'it is blocked there, and was acknowledged')
  apart.link.isUp = true
  await until('both agree', () => apart.blocks.standingOf(NAME) === near.blocks.standingOf(NAME))
  t.equal(near.blocks.standingOf(NAME), 'blocked')
})

t.test('no clock but Redis’ decides between replicas that were apart', async (t) => {
  const redis = { list: NO_BLOCKS, now: 2000 }
  const [apart, near] = [replica(t, redis), replica(t, redis)]
  await until('both read it', () => apart.blocks.isRead() && near.blocks.isRead())
  apart.link.isUp = false
  apart.clock.advance(3_600_000)
  for (const act of [apart.blocks.block, apart.blocks.lift]) t.equal(await act(NAME), 'pending')
  t.equal(await near.blocks.block(NAME), 'kept')
  apart.link.isUp = true
  await until('both agree', () => apart.blocks.standingOf(NAME) === near.blocks.standingOf(NAME))
  t.equal(near.blocks.standingOf(NAME), 'blocked')
})

t.test('a word that Redis did not date is not acknowledged', async (t) => {
  const redis = { list: NO_BLOCKS, now: 2000 }
  const one = replica(t, redis)
  await until('it is read', one.blocks.isRead)
  redis.now = NaN
  t.equal(await one.blocks.block(NAME), 'pending')
  t.equal(one.blocks.standingOf(NAME), 'blocked')
  redis.now = 2000
  t.equal(await one.blocks.block(NAME), 'kept')
})

t.test('a deletion without a time leaves a list that all can read', async (t) => {
  for (const at of [0, Date.parse('0001-01-01T00:00:00Z')]) {
    const list = withDeletion(NO_BLOCKS, NAME, at)
    if (list === 'full') throw new Error('full')
    t.equal(readBlockList(writeBlockList(list))?.get(NAME)?.isBlocked, true, String(at))
  }
})
