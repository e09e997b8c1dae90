import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createSharedCache, type SharedCache } from '../../src/base/cache/coalescing.ts'
import type { Accept, CacheRead } from '../../src/base/cache/types.ts'
import type { CredentialDigest } from '../../src/base/core/cache-key.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import { markPrevious } from '../../src/base/core/rotation.ts'
import type { RedisCommands } from '../../src/base/redis/commands.ts'
import { entryOf } from '../helpers/entry.ts'
import { validResolution } from '../helpers/identity.ts'
import { TRIED } from '../helpers/redis-forms.ts'
import { keyOf, redisTier, sealerOf, type TestTier } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { runs } from '../helpers/runs.ts'
import { skipOrFail } from '../helpers/servers.ts'

const [OLD, NEW, THIRD] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)]
/** One credential's names under the two secrets. */
const [OLD_KEY, NEW_KEY] = [keyOf('o'), keyOf('n')]
const DIGESTS = ['d1' as CredentialDigest, markPrevious('p1')]
const TTL_MS = 30_000

/** `old`, `new`: it has that secret alone; the others have both, and write under the one that is named. */
type Kind = 'old' | 'both, old is written' | 'both, new is written' | 'new'

type Replica = Readonly<{
  lookup: (accept?: Accept) => ReturnType<SharedCache['lookup']>
  read: () => ReturnType<SharedCache['read']>
  reads: CacheRead['kind'][]
}>

function replicaOf (tier: TestTier, kind: Kind, commands: RedisCommands = tier.commands): Replica {
  const [older, newer] = [OLD, NEW].map((secret) => ({ ...tier, commands, sealer: sealerOf(secret) }))
  const reads: CacheRead['kind'][] = []
  const isRotating = kind.startsWith('both')
  const cache = createSharedCache({
    tier: (kind === 'old' ? older : newer) ?? tier,
    previous: isRotating ? { tier: older ?? tier, isWritten: () => kind === 'both, old is written' } : undefined,
    leaseWaitMs: 10_000, // long, so that a slow machine changes nothing
    leaseMs: 10_000,
    observer: { sharedRead: (outcome) => { reads.push(outcome) }, sharedError: (_, error) => { throw error } }
  })
  const keys = { current: kind === 'old' ? OLD_KEY : NEW_KEY, previous: isRotating ? OLD_KEY : undefined }
  return {
    lookup: (accept = () => true) => cache.lookup(keys, accept), read: () => cache.read(keys, () => true), reads
  }
}

async function start (t: Test): Promise<TestTier> {
  const redis = await startRedis(t)
  return await redisTier(t, redis.port, { timeoutMs: 5000 })
}

const userOf = (user: string, some: Partial<Entry> = {}): Entry =>
  entryOf({ resolution: validResolution({ 'user-id': user }), digests: DIGESTS, ttlMs: TTL_MS, ...some })

async function write (replica: Replica, entry: Entry, lifeMs = TTL_MS): Promise<void> {
  const won = await replica.lookup(() => false)
  if (won.kind !== 'ask') throw new Error('it was told to ask')
  await won.done(entry, lifeMs)
}

const readUser = async (replica: Replica): Promise<unknown> => {
  const read = await replica.read()
  return read?.entry.resolution.kind === 'valid' ? read.entry.resolution.userId : read
}

t.test('entries while CACHE_SECRET is rotated', async (t) => {
  const ROWS: ReadonlyArray<readonly [writer: Kind, readers: readonly Kind[], not: readonly Kind[]]> = [
    ['old', ['old', 'both, old is written', 'both, new is written'], ['new']],
    ['both, old is written', ['old', 'both, old is written', 'both, new is written'], ['new']],
    ['both, new is written', ['both, old is written', 'both, new is written', 'new'], ['old']],
    ['new', ['both, old is written', 'both, new is written', 'new'], ['old']]
  ]
  for (const [writer, readers, not] of ROWS) {
    t.test(`of a replica with ${writer} are read by those that have its secret`, async (t) => {
      const tier = await start(t)
      await write(replicaOf(tier, writer), userOf('u1'))
      for (const reader of readers) t.equal(await readUser(replicaOf(tier, reader)), 'u1', reader)
      for (const reader of not) {
        const replica = replicaOf(tier, reader)
        t.equal(await replica.read(), undefined, reader)
        t.strictSame(replica.reads, ['miss'], 'another name: not even found')
      }
    })
  }

  t.test('hold the digests of their own secret alone', async (t) => {
    const tier = await start(t)
    for (const [writer, reader, digest] of [
      ['both, old is written', 'old', 'p1'], ['both, new is written', 'new', 'd1']
    ] as const) {
      await write(replicaOf(tier, writer), userOf('u1'))
      t.strictSame((await replicaOf(tier, reader).read())?.entry.digests, [digest])
    }
  })

  t.test('under both names are read in one round trip', async (t) => {
    const tier = await start(t)
    for (const [kind, commands] of [['new', 1], ['both, old is written', 2], ['both, new is written', 2]] as const) {
      const asked: string[] = []
      let answer = (): void => {}
      const answered = new Promise<void>((resolve) => { answer = resolve })
      const held = Object.fromEntries(Object.entries(tier.commands).map(([name, run]) => [name, async (
        ...args: never[]
      ) => {
        asked.push(name)
        await answered
        return await (run as (...args: never[]) => Promise<unknown>)(...args)
      }])) as unknown as RedisCommands
      const reading = replicaOf(tier, kind, held).read()
      await sleep(0)
      t.equal(asked.length, commands, `${kind}: all are asked before one is answered`)
      answer()
      await reading
      t.equal(asked.length, commands)
    }
  })

  t.test('that were overtaken under the other secret do not come back', async (t) => {
    const tier = await start(t)
    const [toOld, toNew] = [replicaOf(tier, 'both, old is written'), replicaOf(tier, 'both, new is written')]
    await write(replicaOf(tier, 'old'), userOf('before'))
    await write(toNew, userOf('after'))
    t.equal(await replicaOf(tier, 'old').read(), undefined)
    await write(toOld, userOf('later'))
    t.equal(await replicaOf(tier, 'new').read(), undefined)
    t.strictSame([await readUser(toOld), await readUser(toNew)], ['later', 'later'])
    const won = await toNew.lookup(() => false)
    if (won.kind === 'ask') await won.done()
    t.equal(await readUser(toOld), 'later', 'and stay where Authgear said nothing')
  })

  t.test('under both names: the younger one counts', async (t) => {
    for (const [younger, older] of [['old', 'new'], ['new', 'old']] as const) {
      const tier = await start(t)
      await write(replicaOf(tier, younger), userOf('younger'))
      await write(replicaOf(tier, older), userOf('older'), TTL_MS - 5000)
      t.equal(await readUser(replicaOf(tier, 'both, new is written')), 'younger', younger)
    }
  })

  t.test('of neither secret, or of the other one under this name, are refused', async (t) => {
    const tier = await start(t)
    const both = replicaOf(tier, 'both, new is written')
    const plant = async (from: string, to: string): Promise<void> => {
      const sealed = await tier.commands.getBuffer(from)
      await tier.commands.setPx(to, sealed ?? Buffer.of(), TTL_MS)
    }
    await write(replicaOf(tier, 'old'), userOf('u1'))
    await plant(tier.nameOf(OLD_KEY), tier.nameOf(NEW_KEY))
    t.equal(await replicaOf(tier, 'new').read(), undefined, 'without the previous secret what it sealed is foreign')
    const alone = replicaOf(tier, 'new')
    await alone.read()
    t.strictSame(alone.reads, ['rejected'])
    const stranger = createSharedCache({
      tier: { ...tier, sealer: sealerOf(THIRD) },
      leaseWaitMs: 10_000,
      observer: { sharedRead: () => {}, sharedError: () => {} }
    })
    for (const key of [OLD_KEY, NEW_KEY]) {
      const won = await stranger.lookup({ current: key, previous: undefined }, () => false)
      if (won.kind === 'ask') await won.done(userOf('forged'), TTL_MS)
    }
    t.equal(await both.read(), undefined)
    t.strictSame(both.reads, ['rejected'])
  })
})

for (const { name, server, start } of TRIED) {
  t.test(`a rotation through ${name}`, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const [toOld, toNew] = [replicaOf(tier, 'both, old is written'), replicaOf(tier, 'both, new is written')]
    await write(replicaOf(tier, 'old'), userOf('of the old one'))
    t.equal(await readUser(toNew), 'of the old one')
    await write(toNew, userOf('of both'))
    t.strictSame([await readUser(toOld), await readUser(replicaOf(tier, 'new'))], ['of both', 'of both'])
    t.equal(await replicaOf(tier, 'old').read(), undefined, 'the older one is dropped')
  })
}

t.test('leases while CACHE_SECRET is rotated', async (t) => {
  const FLEETS: ReadonlyArray<readonly Kind[]> = [
    ['old', 'old', 'both, old is written'],
    ['old', 'both, old is written', 'both, old is written'],
    ['both, old is written', 'both, new is written', 'both, new is written'],
    ['both, new is written', 'both, new is written', 'new'],
    ['both, new is written', 'new', 'new']
  ]
  for (const kinds of FLEETS) {
    t.test(`one call a credential: ${kinds.join('; ')}`, async (t) => {
      const tier = await start(t)
      const fleet = kinds.map((kind) => replicaOf(tier, kind))
      let calls = 0
      const contender = async (replica: Replica | undefined, place: number): Promise<void> => {
        await sleep(place * 20 / 30)
        const turn = await replica?.lookup()
        if (turn?.kind !== 'ask') return
        calls++
        await sleep(20)
        await turn.done(userOf('u1'), TTL_MS)
      }
      for (let run = 1; run <= runs(10, 20); run++) {
        await Promise.all(Array.from({ length: 30 }, (_, index) => contender(fleet[index % fleet.length], index)))
        t.equal(calls, run, 'one asks')
        for (const key of [OLD_KEY, NEW_KEY]) await tier.commands.setPx(tier.nameOf(key), Buffer.of(), 1)
        await sleep(2)
      }
    })
  }

  t.test('are released under both names, whatever came of it', async (t) => {
    const tier = await start(t)
    const leases = [OLD_KEY, NEW_KEY].map((key) => tier.nameOf(key).replace(/entry$/, 'lease'))
    const held = async () => await Promise.all(leases.map((name) => tier.commands.getBuffer(name)))
    const both = replicaOf(tier, 'both, new is written')
    for (const entry of [undefined, userOf('u1')]) {
      const won = await both.lookup(() => false)
      t.ok((await held()).every((lease) => lease !== null))
      if (won.kind === 'ask') await won.done(entry, TTL_MS)
      t.strictSame(await held(), [null, null])
    }
  })
})
