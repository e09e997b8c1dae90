import t, { type Test } from 'tap'
import { createSharedCache, type SharedCache, type SharedLookup } from '../../src/base/cache/coalescing.ts'
import type { Timing } from '../../src/base/cache/lease.ts'
import { RedisTooSlow } from '../../src/base/errors.ts'
import type { RedisCommands } from '../../src/base/redis/commands.ts'
import { entryOf } from '../helpers/entry.ts'
import { keyOf, redisTier, type TestTier } from '../helpers/redis-tier.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { until } from '../helpers/until.ts'

const KEY = keyOf('a')
/** AUTHGEAR_TIMEOUT, and a life of the lease that no stall of this machine outlasts. */
const [WAIT_MS, LEASE_MS] = [2000, 60_000]

/** Sleeps that end when the test says so, while the tier's clock goes on; renewals when it says so. */
function manualTiming () {
  const sleepers: Array<Readonly<{ ms: number, wake: () => void }>> = []
  const renewals = new Set<() => void>()
  const timing: Timing = {
    sleep: (ms) => new Promise<void>((resolve) => { sleepers.push({ ms, wake: resolve }) }),
    repeat: (_ms, act) => {
      renewals.add(act)
      return () => { renewals.delete(act) }
    }
  }
  return { timing, sleepers, renewals, renew: () => { for (const act of renewals) act() } }
}

/** One replica's cache, whose commands are counted; after `failAfter` of them so many fail as `failing` says. */
function replicaOf (tier: TestTier, errors: string[] = []) {
  const manual = manualTiming()
  const state = { commands: 0, failing: 0, failAfter: 0, error: new RedisTooSlow(50) as Error }
  const commands = Object.fromEntries(
    Object.entries(tier.commands).map(([name, run]) => [name, async (...args: never[]) => {
      state.commands++
      if (state.failAfter-- <= 0 && state.failing-- > 0) throw state.error
      return await (run as (...args: never[]) => Promise<unknown>)(...args)
    }])
  ) as unknown as RedisCommands
  const cache = createSharedCache({
    tier: { ...tier, commands },
    leaseWaitMs: WAIT_MS,
    leaseMs: LEASE_MS,
    timing: manual.timing,
    observer: { sharedRead: () => {}, sharedError: (operation) => { errors.push(operation) } }
  })
  const asleep = (): Promise<void> => until('it waits', () => manual.sleepers.length > 0)
  /** Ends the next sleep, as if its time had passed. @returns milliseconds */
  const wake = async (): Promise<number> => {
    await asleep()
    const { ms = 0, wake } = manual.sleepers.shift() ?? {}
    tier.clock.advance(ms)
    wake?.()
    return ms
  }
  return { cache, state, errors, ...manual, asleep, wake }
}

async function start (t: Test) {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 5000 })
  return { redis, tier, lease: tier.nameOf(KEY).replace(/entry$/, 'lease'), holder: replicaOf(tier), loser: replicaOf(tier) }
}

const lookup = (cache: SharedCache): Promise<SharedLookup> =>
  cache.lookup({ current: KEY, previous: undefined }, () => true)

async function win ({ cache }: ReturnType<typeof replicaOf>) {
  const won = await lookup(cache)
  if (won.kind !== 'ask') throw new Error('somebody else holds the lease')
  return won
}

const pttl = async (redis: RedisServer, name: string): Promise<number> => Number(await redis.cli('PTTL', name))

t.test('a lease', async (t) => {
  t.test('lives 400 ms without renewal', async (t) => {
    const { tier } = await start(t)
    const lives: number[] = []
    const setIfAbsent: typeof tier.commands.setIfAbsent = async (name, value, lifeMs) => {
      lives.push(lifeMs)
      return await tier.commands.setIfAbsent(name, value, lifeMs)
    }
    const cache = createSharedCache({
      tier: { ...tier, commands: { ...tier.commands, setIfAbsent } },
      leaseWaitMs: WAIT_MS,
      observer: { sharedRead () {}, sharedError () {} }
    })
    const won = await lookup(cache)
    t.strictSame(lives, [400])
    if (won.kind === 'ask') await won.done()
  })

  t.test('is taken after a slow read too: each round trip has a time-out of its own', async (t) => {
    const { redis, tier, lease, holder } = await start(t)
    const { clock } = tier
    const slow = createSharedCache({
      tier: { ...tier, clock: { ...clock, monotonic: () => { clock.advance(10_000); return clock.monotonic() } } },
      leaseWaitMs: WAIT_MS,
      timing: holder.timing,
      observer: { sharedRead () {}, sharedError () {} }
    })
    const won = await lookup(slow)
    t.equal(await redis.cli('EXISTS', lease), 1)
    if (won.kind === 'ask') await won.done()
  })

  t.test('is renewed by its holder while Authgear is asked', async (t) => {
    const { redis, lease, holder } = await start(t)
    const won = await win(holder)
    for (const time of [1, 2, 3]) {
      await redis.cli('PEXPIRE', lease, String(10 * LEASE_MS))
      holder.renew()
      await until(`renewal ${time}`, async () => await pttl(redis, lease) <= LEASE_MS)
    }
    await won.done()
    t.strictSame([await redis.cli('EXISTS', lease), holder.renewals.size], [0, 0], 'and given back at the end')
  })

  t.test('is renewed only while it is the holder’s own', async (t) => {
    const { redis, lease, holder } = await start(t)
    const won = await win(holder)
    await redis.cli('SET', lease, 'another', 'PX', '100000')
    holder.renew()
    await until('it gives up', () => holder.renewals.size === 0)
    await won.done(entryOf(), 20_000)
    t.equal(await redis.cli('GET', lease), 'another')
    t.ok(await pttl(redis, lease) > LEASE_MS, 'its life is the other’s')
    t.equal(await redis.cli('EXISTS', lease.replace(/lease$/, 'entry')), 0, 'and nothing is written without it')
  })

  t.test('ends in the command that writes, or in one more where that was not answered', async (t) => {
    for (const { failing, commands, written } of [
      { failing: 0, commands: 1, written: 1 }, { failing: 1, commands: 2, written: 0 }
    ]) {
      const { redis, lease, holder } = await start(t)
      const won = await win(holder)
      Object.assign(holder.state, { commands: 0, failing })
      await won.done(entryOf(), 20_000)
      t.equal(holder.state.commands, commands)
      t.equal(await redis.cli('EXISTS', lease), 0)
      t.equal(await redis.cli('EXISTS', lease.replace(/lease$/, 'entry')), written)
      t.strictSame(holder.errors, failing === 0 ? [] : ['write'])
    }
  })

  t.test('ends without a value that has no life left', async (t) => {
    const { redis, lease, holder } = await start(t)
    await (await win(holder)).done(entryOf(), 0)
    t.equal(await redis.cli('EXISTS', lease), 0)
    t.equal(await redis.cli('EXISTS', lease.replace(/lease$/, 'entry')), 0)
  })

  t.test('survives a renewal that Redis did not answer', async (t) => {
    const { redis, lease, holder } = await start(t)
    await win(holder)
    await redis.cli('PEXPIRE', lease, String(10 * LEASE_MS))
    holder.state.failing = 1
    holder.renew()
    t.ok(await pttl(redis, lease) > LEASE_MS)
    holder.renew()
    await until('the next one', async () => await pttl(redis, lease) <= LEASE_MS)
  })

  t.test('is not renewed for ever', async (t) => {
    const { tier, holder } = await start(t)
    await win(holder)
    tier.clock.advance(2 * WAIT_MS + 501)
    holder.renew()
    t.equal(holder.renewals.size, 0)
  })
})

t.test('a replica that lost the lease', async (t) => {
  t.test('waits while it lives, up to AUTHGEAR_TIMEOUT, at no more cost than before', async (t) => {
    const { tier, holder, loser } = await start(t)
    await win(holder)
    const ended: SharedLookup[] = []
    const waiting = lookup(loser.cache).then((result) => ended.push(result))
    const intervals: number[] = []
    const began = tier.clock.monotonic()
    while (ended.length === 0) {
      intervals.push(await loser.wake())
      await until('it looked', () => ended.length + loser.sleepers.length > 0)
    }
    await waiting
    t.ok(tier.clock.monotonic() - began >= WAIT_MS)
    t.equal(ended[0]?.kind, 'ask', 'then it asks, with a whole AUTHGEAR_TIMEOUT of its own')
    t.ok(Math.max(...intervals) < 50, 'it never looks away for longer than 50 ms')
    t.ok(loser.state.commands <= 80, `${loser.state.commands} commands; the 300 ms of version 0.1 took 80`)
  })

  t.test('takes the holder’s value', async (t) => {
    const { holder, loser } = await start(t)
    const won = await win(holder)
    const waiting = lookup(loser.cache)
    for (let look = 0; look < 30; look++) await loser.wake()
    await won.done(entryOf(), 20_000)
    await loser.wake()
    t.match(await waiting, { kind: 'found', coalesced: true })
  })

  t.test('takes over the lease of a holder that died or wrote no value', async (t) => {
    for (const end of ['died', 'no value'] as const) {
      const { redis, lease, holder, loser } = await start(t)
      const won = await win(holder)
      const waiting = lookup(loser.cache)
      await loser.asleep()
      if (end === 'died') await redis.cli('DEL', lease)
      else await won.done()
      await loser.wake()
      t.equal((await waiting).kind, 'ask', end)
      t.equal(loser.renewals.size, 1, 'it holds the lease now')
    }
  })

  t.test('bears late answers of Redis for one life of the lease', async (t) => {
    const { tier, holder, loser } = await start(t)
    const won = await win(holder)
    const waiting = lookup(loser.cache)
    await loser.asleep()
    loser.state.failing = 3
    for (let look = 0; look < 3; look++) await loser.wake()
    await loser.wake()
    await loser.asleep()
    tier.clock.advance(LEASE_MS)
    loser.state.failing = 1
    await loser.wake()
    t.equal((await waiting).kind, 'ask')
    t.equal(loser.renewals.size, 0, 'alone, without the lease')
    t.strictSame(loser.errors, Array(4).fill('lease'))
    await won.done()
  })

  t.test('leaves a Redis that is gone at once', async (t) => {
    const { holder, loser } = await start(t)
    await win(holder)
    const waiting = lookup(loser.cache)
    await loser.asleep()
    loser.state.failing = 1
    loser.state.error = new Error('Connection is closed.')
    await loser.wake()
    t.equal((await waiting).kind, 'ask')
    t.equal(loser.renewals.size, 0)
  })

  t.test('looks again where the value that it waited for came late', async (t) => {
    const { holder, loser } = await start(t)
    const won = await win(holder)
    const waiting = lookup(loser.cache)
    await loser.asleep()
    await won.done(entryOf(), 20_000)
    loser.state.failAfter = 1 // the look at the lease; then each command of the next tick
    loser.state.failing = 4
    await loser.wake()
    t.match(await waiting, { kind: 'found', coalesced: true })
    t.strictSame(loser.errors, ['lease'])
  })
})
