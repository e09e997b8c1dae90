import t from 'tap'
import { createRedisCache } from '../../src/cache/redis.ts'
import { auditStoreContract } from '../helpers/audit-store-contract.ts'
import { cacheContract } from '../helpers/cache-contract.ts'
import { logContract } from '../helpers/log-contract.ts'
import { FORMS } from '../helpers/redis-forms.ts'
import { keyOf, redisTier } from '../helpers/redis-tier.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

for (const { name, server, start } of FORMS) {
  t.test(name, { skip: skipOrFail(server) }, async (t) => {
    const { servers, settings } = await start(t)
    t.test('cache', async (t) => {
      cacheContract(t, async (t) => {
        const tier = await redisTier(t, servers, settings)
        return {
          cache: createRedisCache(tier),
          pass: () => until('the entry ended', async () => (await tier.commands.pttl(tier.nameOf(keyOf('a')))) === -2)
        }
      })
    })
    t.test('audit store', async (t) => {
      await auditStoreContract(t, (await redisTier(t, servers, settings)).commands, 'forward-auth:audit ')
    })
    t.test('revocation log', async (t) => {
      let opened = 0
      logContract(t, async (t) => {
        const replica = openLogReplica(t, servers, { keyPrefix: `forward-auth:contract ${++opened}:{log}`, settings })
        await settled(replica)
        return replica
      })
    })
  })
}
