import t, { type Test } from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import {
  type BlockList, NO_BLOCKS, withBlock, withoutBlock
} from '../../../../src/parts/clients/block-list.ts'
import { openBlocks } from '../../../../src/parts/clients/blocks.ts'
import { type BlockStore, createBlockStore } from '../../../../src/parts/clients/store.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { TRIED } from '../../../helpers/redis-forms.ts'
import { redisTier, sealerOf, type TestTier } from '../../../helpers/redis-tier.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { skipOrFail } from '../../../helpers/servers.ts'

const [OLD, NEW, THIRD] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
const NAME = 'forward-auth:{log:test}:blocked-clients'
const [A, B] = ['dcrc_a', 'https://b.example'] as ClientName[] as [ClientName, ClientName]

type Secrets = Readonly<{ secret?: Uint8Array, previous?: Uint8Array, writesPrevious?: boolean }>

function storeOf ({ commands }: TestTier, { secret = OLD, previous, writesPrevious = true }: Secrets = {}): BlockStore {
  return createBlockStore({
    commands,
    sealer: sealerOf(secret),
    previous: previous && sealerOf(previous),
    writesPrevious: () => writesPrevious,
    name: NAME
  })
}

/** A replica that reads the list when it starts and when it is asked, and not by itself. */
async function replicaOf (t: Test, tier: TestTier) {
  const commands = { ...tier.commands }
  const blocks = openBlocks({
    store: storeOf({ ...tier, commands }),
    clock: manualClock(),
    isFollowing: () => true,
    staleMs: 5000,
    mayChange: true,
    foreign: () => {},
    failed: () => {},
    everyMs: 600_000
  })
  blocks.begins(0)
  t.teardown(blocks.close)
  await blocks.block(A)
  return { blocks, commands }
}

function blocking (name: ClientName, list: BlockList = NO_BLOCKS, at = 1000): BlockList {
  const result = withBlock(list, name, at)
  if (result === 'full') throw new Error('full')
  return result
}

async function namesIn (store: BlockStore, held = NO_BLOCKS): Promise<unknown> {
  const synced = await store.sync(held)
  if (synced === 'foreign') return synced
  return [...synced.list].flatMap(([name, { isBlocked }]) => isBlocked ? [name] : []).toSorted()
}

async function start (t: Test) {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 5000 })
  return { redis, tier, value: async () => (await tier.commands.getBuffer(NAME))?.toString('hex') }
}

for (const { name, server, start } of TRIED) {
  t.test(`replicas that block at once lose nothing through ${name}`, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const names = Array.from({ length: 4 }, (_, i) => `c${i}` as ClientName)
    await Promise.all(names.map((one) => storeOf(tier).sync(blocking(one))))
    t.strictSame(await namesIn(storeOf(tier)), names)
    const now = await storeOf(tier).now()
    t.ok(Math.abs(now - Date.now()) < 60_000, `Redis’ time is ${now}`)
  })
}

for (const { name, server, start } of TRIED) {
  t.test(`of two changes that name one word one is made through ${name}`, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const [{ blocks: p }, { blocks: q }] = [await replicaOf(t, tier), await replicaOf(t, tier)]
    for (let n = 0; n < 20; n++) {
      await p.block(A)
      await q.block(B) // it has read it now
      const expectedAt = q.list().get(A)?.at
      const outcomes = await Promise.all([p.lift(A, { expectedAt }), q.block(A, { expectedAt })])
      t.strictSame(outcomes.toSorted(), ['changed', 'kept'])
      const isLifted = outcomes[0] === 'kept'
      await Promise.all([p.block(B), q.block(B)])
      for (const { list } of [p, q]) t.equal(list().get(A)?.isBlocked, !isLifted)
    }
  })
}

t.test('a change that stands still before it is written meets what came first', async (t) => {
  const { tier } = await start(t)
  const [{ blocks: p, commands }, { blocks: q }] = [await replicaOf(t, tier), await replicaOf(t, tier)]
  const expectedAt = q.list().get(A)?.at
  let first: unknown
  const isWaiting = async (): Promise<boolean> => {
    commands.getBuffer = async (key) => {
      commands.getBuffer = tier.commands.getBuffer
      const value = await tier.commands.getBuffer(key)
      first = await q.block(A, { expectedAt })
      return value
    }
    return true
  }
  await p.block(B)
  t.equal(await p.lift(A, { expectedAt, isWaiting }), 'changed')
  t.equal(first, 'kept')
  for (const { list } of [p, q]) t.equal(list().get(A)?.isBlocked, true)
})

t.test('nothing is written as long as nobody is blocked', async (t) => {
  const { tier, value } = await start(t)
  t.strictSame(await namesIn(storeOf(tier)), [])
  t.equal(await value(), undefined)
})

t.test('the list is sealed, does not end, and is written only when it changes', async (t) => {
  const { redis, tier, value } = await start(t)
  const list = blocking(A)
  await storeOf(tier).sync(list)
  const before = await value()
  t.notMatch(before, Buffer.from('dcrc_').toString('hex'))
  t.equal(await redis.cli('TTL', NAME), -1)
  for (const held of [NO_BLOCKS, list]) t.strictSame(await namesIn(storeOf(tier), held), [A])
  t.equal(await value(), before)
})

t.test('who holds it writes it back where Redis lost it, or went back to an older one', async (t) => {
  const { redis, tier } = await start(t)
  const [store, older] = [storeOf(tier), blocking(A)]
  await store.sync(older)
  const saved = await tier.commands.getBuffer(NAME)
  const newer = blocking(B, withoutBlock(older, A, 2000), 2000)
  await store.sync(newer)
  await redis.cli('FLUSHALL')
  t.strictSame(await namesIn(store, newer), [B])
  t.strictSame(await namesIn(storeOf(tier)), [B], 'a new replica reads it')
  await tier.commands.setPx(NAME, saved ?? Buffer.of(), 60_000)
  t.strictSame(await namesIn(store, newer), [B])
  t.strictSame(await namesIn(storeOf(tier)), [B], 'and neither the block nor the lift is undone')
})

t.test('what another CACHE_SECRET sealed, or nobody, is never overwritten', async (t) => {
  const { redis, tier, value } = await start(t)
  await storeOf(tier).sync(blocking(A))
  for (const bytes of [await tier.commands.getBuffer(NAME), Buffer.from('x'), Buffer.of(), Buffer.alloc(100, 1)]) {
    await redis.cli('DEL', NAME)
    await tier.commands.setPx(NAME, bytes ?? Buffer.of(), 600_000)
    const before = await value()
    for (const held of [NO_BLOCKS, blocking(B)]) {
      t.equal(await storeOf(tier, { secret: THIRD }).sync(held), 'foreign')
      t.equal(await storeOf(tier, { secret: THIRD, previous: NEW }).sync(held), 'foreign')
    }
    t.equal(await value(), before)
  }
  await redis.cli('DEL', NAME)
  await redis.cli('LPUSH', NAME, 'x')
  await t.rejects(storeOf(tier).sync(NO_BLOCKS), 'an error is never an empty list')
})

t.test('a rotation keeps it: under the old secret until all know the new one', async (t) => {
  const { tier } = await start(t)
  await storeOf(tier).sync(blocking(A))
  const during = storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: true })
  t.strictSame(await namesIn(during, blocking(B)), [A, B])
  t.strictSame(await namesIn(storeOf(tier)), [A, B], 'a replica with the old one alone reads it')
  const after = storeOf(tier, { secret: NEW, previous: OLD, writesPrevious: false })
  t.strictSame(await namesIn(after), [A, B])
  t.strictSame(await namesIn(storeOf(tier, { secret: NEW })), [A, B], 'sealed again')
  t.equal(await storeOf(tier).sync(NO_BLOCKS), 'foreign')
})
