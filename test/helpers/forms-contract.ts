import type { Test } from 'tap'
import { cacheContract } from './cache-contract.ts'
import { logContract } from './log-contract.ts'
import type { RedisForm } from './redis-forms.ts'
import { keyOf, leasedCache, redisTier } from './redis-tier.ts'
import { skipOrFail } from './servers.ts'
import { openLogReplica, settled } from './stream-log.ts'
import { until } from './until.ts'

/** The cache and the revocation log keep to their contracts in each of these forms. */
export function formsContract (t: Test, forms: readonly RedisForm[]): void {
  for (const { name, server, start } of forms) {
    t.test(name, { skip: skipOrFail(server) }, async (t) => {
      const { servers, settings } = await start(t)
      t.test('cache', async (t) => {
        cacheContract(t, async (t) => {
          const tier = await redisTier(t, servers, settings)
          return {
            cache: leasedCache(tier),
            pass: () => until('the entry ended', async () => (await tier.commands.pttl(tier.nameOf(keyOf('a')))) === -2)
          }
        })
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
}
