import t, { type Test } from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import { type BlockList, merged, NO_BLOCKS, withBlock } from '../../../../src/parts/clients/block-list.ts'
import { openBlocks } from '../../../../src/parts/clients/blocks.ts'
import { type ManualClock, manualClock } from '../../../helpers/manual-clock.ts'
import { until } from '../../../helpers/until.ts'

const STALE_MS = 5000
/** Within it all that run have written back what Redis lost. */
const RESTORED_MS = 2500
const [A, B] = ['dcrc_a', 'dcrc_b'] as ClientName[] as [ClientName, ClientName]

function blocking (name: ClientName): BlockList {
  const list = withBlock(NO_BLOCKS, name, 1000)
  if (list === 'full') throw new Error('full')
  return list
}

/** A replica's blocks before a Redis of the test's. */
function start (t: Test, inRedis: BlockList | 'foreign' | 'away' = NO_BLOCKS, mayChange = true, logSince = -10_000) {
  const clock = manualClock()
  const world = { inRedis, isFollowing: true, isFull: false, now: 2000, syncs: 0, foreign: 0, failures: 0 }
  const blocks = openBlocks({
    store: {
      async sync (held, change = (last) => last) {
        world.syncs++
        if (world.inRedis === 'away') throw new Error('away')
        if (world.inRedis === 'foreign') return 'foreign'
        const last = merged(world.inRedis, held)
        if (world.isFull) return { list: last, failure: new Error('full') }
        return { list: (world.inRedis = change(last)) }
      },
      now: async () => world.now
    },
    clock,
    isFollowing: () => world.isFollowing,
    staleMs: STALE_MS,
    mayChange,
    foreign: () => { world.foreign++ },
    failed: () => { world.failures++ },
    everyMs: 5
  })
  blocks.begins(logSince)
  t.teardown(blocks.close)
  const synced = async (): Promise<void> => {
    const before = world.syncs
    await until('it looked twice', () => world.syncs >= before + 2)
  }
  return { world, clock, blocks, synced }
}

t.test('before it was read nobody is free, and with its first reading everybody else is', async (t) => {
  const { blocks } = start(t, blocking(A))
  t.equal(blocks.standingOf(A), 'unread')
  await until('it is read', blocks.isRead)
  t.strictSame([A, B].map(blocks.standingOf), ['blocked', 'free'])
})

t.test('a block that came before the first reading holds after it, over an older lift', async (t) => {
  const { world, blocks, synced } = start(t, 'away')
  t.equal(await blocks.block(A), 'pending')
  t.equal(blocks.standingOf(A), 'blocked')
  world.inRedis = new Map([[A, { isBlocked: false, at: 1500, origin: 'management' }]])
  await until('it is read', blocks.isRead)
  t.equal(blocks.standingOf(A), 'blocked', 'the lift is older than the block')
  await synced()
  t.match((world.inRedis as BlockList).get(A), { isBlocked: true, at: 2000 }, 'and Redis has it')
})

t.test('a block that is lifted before the first reading does not come back', async (t) => {
  const { world, blocks, synced } = start(t, 'away')
  t.equal(await blocks.block(A), 'pending')
  t.equal(await blocks.lift(A), 'pending')
  world.inRedis = NO_BLOCKS
  await until('it is read', blocks.isRead)
  await synced()
  t.equal(blocks.standingOf(A), 'free')
  t.match((world.inRedis as BlockList).get(A), { isBlocked: false })
})

t.test('a lift that came before the first reading undoes no block that was acknowledged', async (t) => {
  const { world, blocks, synced } = start(t, 'away')
  t.equal(await blocks.lift(A), 'pending')
  world.inRedis = blocking(A)
  await until('it is read', blocks.isRead)
  await synced()
  t.equal(blocks.standingOf(A), 'blocked')
})

/** It was dated at 5000 by Redis, which is away since; then time passed, and it was told to block again. */
async function blockedWithoutRedis (t: Test, pass: (clock: ManualClock) => void) {
  const started = start(t, blocking(A))
  started.world.now = 5000
  await started.synced()
  pass(started.clock)
  started.world.inRedis = 'away'
  t.equal(await started.blocks.block(A), 'pending')
  return started
}

for (const [lifted, at, standing] of [['before', 5050, 'blocked'], ['after', 5150, 'free']] as const) {
  t.test(`a block without Redis counts over a lift that was written ${lifted} it: ${standing}`, async (t) => {
    const { world, blocks, synced } = await blockedWithoutRedis(t, (clock) => clock.advance(100))
    const lift = { isBlocked: false, at, origin: 'management' } as const
    blocks.take(A, lift)
    t.equal(blocks.standingOf(A), standing, 'by the log')
    world.inRedis = new Map([[A, lift]])
    await synced()
    t.equal(blocks.standingOf(A), standing, 'by the list')
    blocks.take(A, lift)
    t.equal(blocks.standingOf(A), standing, 'by the log, later')
  })
}

t.test('a lift that is not made leaves a block without Redis as it is', async (t) => {
  const { world, blocks, synced } = await blockedWithoutRedis(t, (clock) => clock.advance(100))
  t.equal(await blocks.lift(A, { expectedAt: 1 }), 'changed')
  t.equal(await blocks.lift(A, { isWaiting: async () => false }), 'given_up')
  world.inRedis = new Map([[A, { isBlocked: false, at: 5050, origin: 'management' }]])
  await synced()
  t.equal(blocks.standingOf(A), 'blocked')
})

t.test('a block of a machine that slept counts over what is read', async (t) => {
  const sleep = (clock: ManualClock): void => clock.setWall(clock.wall() + 60_000)
  const { world, blocks, synced } = await blockedWithoutRedis(t, sleep)
  world.now = 66_000
  world.inRedis = new Map([[A, { isBlocked: false, at: 40_000, origin: 'management' }]])
  await synced()
  t.equal(blocks.standingOf(A), 'blocked')
})

t.test('a lift that is acknowledged after Redis is back counts over a block before it', async (t) => {
  const { world, blocks, synced } = start(t, 'away')
  world.isFollowing = false
  t.equal(await blocks.block(A), 'pending')
  world.inRedis = NO_BLOCKS
  await synced()
  blocks.take(A, { isBlocked: false, at: 2001, origin: 'management' })
  world.isFollowing = true
  await synced()
  t.equal(blocks.standingOf(A), 'free')
})

t.test('an error, and what does not open, is never an empty list', async (t) => {
  for (const state of ['away', 'foreign'] as const) {
    const { world, blocks, synced } = start(t, state)
    await synced()
    t.equal(blocks.standingOf(A), 'unread')
    t.equal(world.foreign, state === 'foreign' ? 1 : 0, 'said once')
    t.equal(world.failures > 0, state === 'away')
  }
})

t.test('what Redis lost while this replica was away counts before a client is free again', async (t) => {
  for (const lose of ['away', 'unfollowed'] as const) {
    const { world, clock, blocks, synced } = start(t)
    await until('it is read', blocks.isRead)
    if (lose === 'unfollowed') world.isFollowing = false
    else world.inRedis = lose
    clock.advance(STALE_MS + 1)
    await synced()
    Object.assign(world, { isFollowing: true, inRedis: NO_BLOCKS }) // A was blocked, and is not yet written back
    await synced()
    t.equal(blocks.standingOf(A), 'unread', lose)
    clock.advance(RESTORED_MS - 1)
    await synced()
    t.equal(blocks.standingOf(A), 'unread', lose)
    world.inRedis = blocking(A)
    world.now -= 3_600_000 // its clock is set back, which says nothing
    clock.advance(1)
    await synced()
    t.strictSame([A, B].map(blocks.standingOf), ['blocked', 'free'], lose)
  }
})

t.test('when Redis is lost again during the wait, the wait starts over', async (t) => {
  for (const lose of ['away', 'foreign', 'unfollowed', 'a new log'] as const) {
    const { world, clock, blocks, synced } = start(t)
    await until('it is read', blocks.isRead)
    world.inRedis = 'away'
    clock.advance(STALE_MS + 1)
    await synced()
    world.inRedis = NO_BLOCKS
    await synced()
    if (lose === 'a new log') blocks.begins(world.now)
    else if (lose === 'unfollowed') world.isFollowing = false
    else world.inRedis = lose
    await synced()
    clock.advance(RESTORED_MS - 1)
    Object.assign(world, { inRedis: NO_BLOCKS, isFollowing: true })
    await synced()
    t.equal(blocks.standingOf(A), 'unread', lose)
    clock.advance(RESTORED_MS)
    await synced()
    t.equal(blocks.standingOf(A), 'free', lose)
  }
})

t.test('a start beside a new log waits as long, beside an older one not', async (t) => {
  const { world, blocks, synced } = start(t, NO_BLOCKS, true, 2000 - RESTORED_MS + 1)
  await synced()
  t.equal(blocks.standingOf(A), 'unread')
  world.now++
  await synced()
  t.equal(blocks.standingOf(A), 'free')
  const nobodyBlocks = start(t, NO_BLOCKS, false, 2000)
  await until('it is read', nobodyBlocks.blocks.isRead)
  t.equal(nobodyBlocks.blocks.standingOf(A), 'free', 'where blocking is impossible nothing was lost')
})

t.test('a list counts for its deadline, and only while the log was followed', async (t) => {
  for (const lose of ['away', 'foreign', 'unfollowed'] as const) {
    const { world, clock, blocks, synced } = start(t)
    await until('it is read', blocks.isRead)
    if (lose === 'unfollowed') world.isFollowing = false
    else world.inRedis = lose
    await synced()
    clock.advance(STALE_MS)
    t.equal(blocks.standingOf(A), 'free', lose)
    clock.advance(1)
    await synced()
    t.equal(blocks.standingOf(A), 'unread', lose)
    world.isFollowing = true
    world.inRedis = NO_BLOCKS
    await synced()
    clock.advance(RESTORED_MS)
    await synced()
    t.equal(blocks.standingOf(A), 'free', `${lose}: again`)
  }
})

t.test('if blocking is impossible one reading is enough until a client is blocked', async (t) => {
  const { world, clock, blocks } = start(t, NO_BLOCKS, false)
  await until('it is read', blocks.isRead)
  world.inRedis = 'away'
  clock.advance(10 * STALE_MS)
  t.equal(blocks.standingOf(A), 'free')
  blocks.take(B, { isBlocked: true, at: 1000, origin: 'management' })
  t.strictSame([A, B].map(blocks.standingOf), ['unread', 'blocked'], 'others can block, and it may have missed them')
})

t.test('what the log says holds at once, though this one’s Redis lacks it', async (t) => {
  const { world, blocks, synced } = start(t)
  await until('it is read', blocks.isRead)
  blocks.take(A, { isBlocked: true, at: 3000, origin: 'management' })
  t.equal(blocks.standingOf(A), 'blocked')
  await synced()
  t.ok(world.inRedis instanceof Map && world.inRedis.has(A), 'and is written there')
  blocks.take(A, { isBlocked: false, at: 2999, origin: 'management' })
  t.equal(blocks.standingOf(A), 'blocked', 'an older word')
  blocks.take(A, { isBlocked: false, at: 3001, origin: 'management' })
  t.equal(blocks.standingOf(A), 'free')
})

t.test('a change whose client gave up is not made', async (t) => {
  const { world, blocks } = start(t, blocking(A))
  await until('it is read', blocks.isRead)
  t.equal(await blocks.lift(A, { isWaiting: async () => false }), 'given_up')
  t.equal(await blocks.block(B, { isWaiting: async () => false }), 'given_up')
  t.strictSame([A, B].map(blocks.standingOf), ['blocked', 'free'])
  t.ok(world.inRedis instanceof Map && !world.inRedis.has(B))
})

t.test('a lift that stands still before it is made is older than a block of that time', async (t) => {
  const { world, blocks, synced } = start(t, blocking(A))
  await until('it is read', blocks.isRead)
  const isWaiting = async (): Promise<boolean> => {
    world.now = 5000 // others go on
    return true
  }
  t.equal(await blocks.lift(A, { isWaiting }), 'kept')
  t.equal(blocks.list().get(A)?.at, 2000)
  const again = withBlock(NO_BLOCKS, A, 2001)
  world.inRedis = again === 'full' ? 'away' : again
  await synced()
  t.equal(blocks.standingOf(A), 'blocked')
})

t.test('a change names the word that it follows', async (t) => {
  const { blocks } = start(t, blocking(A))
  await until('it is read', blocks.isRead)
  for (const name of [A, B]) t.equal(await blocks.lift(name, { expectedAt: 999 }), 'changed', name)
  t.equal(blocks.standingOf(A), 'blocked')
  t.equal(await blocks.lift(A, { expectedAt: 1000 }), 'kept')
  t.equal(await blocks.block(A, { expectedAt: 1000 }), 'changed')
  t.equal(await blocks.block(A, { expectedAt: 2000 }), 'kept')
})

t.test('while Redis takes nothing a change that names its word is older than any there', async (t) => {
  const { world, blocks } = start(t, blocking(A))
  await until('it is read', blocks.isRead)
  world.isFull = true
  t.equal(await blocks.lift(A, { expectedAt: 1000 }), 'pending')
  t.match(blocks.list().get(A), { isBlocked: false, at: 1001 })
  t.equal(await blocks.block(A, { expectedAt: 1000 }), 'changed')
  world.inRedis = 'away'
  t.equal(await blocks.block(A, { expectedAt: 1001 }), 'pending')
  t.match(blocks.list().get(A), { isBlocked: true, at: 1002 })
})

t.test('a hundred changes at once that name the word they follow are all made', async (t) => {
  const { blocks } = start(t)
  await until('it is read', blocks.isRead)
  const names = Array.from({ length: 100 }, (_, n) => `dcrc_${n}` as ClientName)
  await Promise.all(names.map((name) => blocks.block(name)))
  const outcomes = await Promise.all(names.map((name) => blocks.lift(name, { expectedAt: 2000 })))
  t.strictSame([...new Set(outcomes)], ['kept'])
})

t.test('a block without Redis holds here, is pending, and is written later', async (t) => {
  const { world, blocks, synced } = start(t)
  await until('it is read', blocks.isRead)
  for (const state of ['away', 'foreign'] as const) {
    world.inRedis = state
    t.equal(await blocks.block(A), 'pending')
    t.equal(blocks.standingOf(A), 'blocked')
  }
  world.inRedis = blocking(B)
  await synced()
  t.strictSame([A, B].map(blocks.standingOf), ['blocked', 'blocked'])
  t.strictSame([...world.inRedis.keys()].toSorted(), [A, B])
  t.equal(await blocks.block(A), 'kept', 'asked again')
  t.equal(await blocks.lift(A), 'kept')
  t.equal(await blocks.lift(A), 'not_blocked')
})

t.test('its time is that of Redis, and of a deletion that of the entry', async (t) => {
  const { blocks } = start(t)
  await until('it is read', blocks.isRead)
  await blocks.block(A)
  await blocks.blockDeleted(B, 1500)
  t.match(Object.fromEntries(blocks.list()), {
    [A]: { at: 2000, origin: 'management' }, [B]: { at: 1500, origin: 'deletion' }
  })
})

t.test('a thousand changes at once are a few looks, and each is kept', async (t) => {
  const { world, blocks } = start(t)
  await until('it is read', blocks.isRead)
  const before = world.syncs
  const names = Array.from({ length: 1000 }, (_, n) => `dcrc_${n}` as ClientName)
  const outcomes = await Promise.all(names.map((name) => blocks.block(name)))
  t.strictSame([...new Set(outcomes)], ['kept'])
  t.ok(world.syncs <= before + 100, `${world.syncs - before} looks`)
  t.ok(world.inRedis instanceof Map && names.every((name) => (world.inRedis as BlockList).get(name)?.isBlocked))
  t.equal(await blocks.block('dcrc_x' as ClientName), 'full')
})
