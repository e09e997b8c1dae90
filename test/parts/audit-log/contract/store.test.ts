import t from 'tap'
import { createMemoryStore, createRedisStore } from '../../../../src/parts/audit-log/store.ts'
import { beginAt } from '../../../../src/parts/audit-log/position.ts'
import { auditStoreContract } from './store-contract.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { partKey } from '../../../../src/base/redis/keys.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { redisTier } from '../../../helpers/redis-tier.ts'
import { FORMS } from '../../../helpers/redis-forms.ts'
import { skipOrFail } from '../../../helpers/servers.ts'

const keysOf = (log: string) => (purpose: string): string => partKey(log, purpose)

t.test('in Redis', async (t) => {
  const redis = await startRedis(t)
  const { commands } = await redisTier(t, redis.port)
  await auditStoreContract(t, commands, 'test:')
  const store = createRedisStore({ commands, keyOf: keysOf('test:{log:other}'), leaseMs: 60_000 })
  await redis.cli('SET', 'test:{log:other}:audit-position', 'somebody else’s', 'PX', '1000000')
  t.match(await store.load(), { position: undefined }, 'what is none of ours')
  await redis.cli('SET', 'test:{log:other}:audit-position', '{"v":1}')
  t.equal(await store.load(), undefined, 'one without a life has no age')
})

t.test('an answer that was lost does not lose the lease', async (t) => {
  const { commands } = await redisTier(t, (await startRedis(t)).port)
  let isLost = true
  const lossy = {
    ...commands,
    setIfAbsent: async (key: string, value: string, lifeMs: number) => {
      const isMade = await commands.setIfAbsent(key, value, lifeMs)
      if (isLost) throw new Error('too slow')
      return isMade
    }
  }
  const store = createRedisStore({ commands: lossy, keyOf: keysOf('test:{log:x}'), leaseMs: 60_000 })
  await t.rejects(store.hold())
  isLost = false
  t.equal(await store.hold(), true, 'it is found to be one’s own')
})

t.test('an answer that was lost does not lose the claim to a gap', async (t) => {
  const { commands } = await redisTier(t, (await startRedis(t)).port)
  let isLost = true
  const lossy = {
    ...commands,
    async setIfAbsent (key: string, value: string, lifeMs: number): Promise<boolean> {
      const isMade = await commands.setIfAbsent(key, value, lifeMs)
      if (isLost) throw new Error('too slow')
      return isMade
    }
  }
  const place = { keyOf: keysOf('test:{log:gap}'), leaseMs: 60_000 }
  const [store, other] = [createRedisStore({ ...place, commands: lossy }), createRedisStore({ ...place, commands })]
  await t.rejects(store.claimGap())
  isLost = false
  t.same([await other.claimGap(), await store.claimGap()], [false, true], 'it is found to be one’s own')
  t.equal(await other.claimGap(), false)
})

t.test('without Redis the only replica leads, and starts without a position', async (t) => {
  const clock = manualClock()
  const store = createMemoryStore(clock)
  t.same([await store.hold(), await store.save(beginAt(1), 0), await store.load()], [true, true, undefined])
  t.same([await store.claimGap(), await store.claimGap()], [true, false])
  clock.advance(600_000)
  t.equal(await store.claimGap(), true)
  await store.release()
})

for (const { name, server, start } of FORMS) {
  t.test(name, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    await auditStoreContract(t, (await redisTier(t, servers, settings)).commands, 'forward-auth:audit ')
  })
}
