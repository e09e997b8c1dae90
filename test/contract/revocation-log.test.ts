import t from 'tap'
import { createMemoryLog } from '../../src/base/revocation/memory-log.ts'
import { logContract } from '../helpers/log-contract.ts'
import { NO_OBSERVER } from '../helpers/log-observer.ts'
import { startRedis } from '../helpers/redis.ts'
import { jumpingClock, openLogReplica, settled } from '../helpers/stream-log.ts'

t.test('in memory', async (t) => {
  logContract(t, async () => {
    const clock = jumpingClock()
    return { clock, log: createMemoryLog({ clock, retentionMs: 600_000, observer: NO_OBSERVER }) }
  })

  t.test('a service of one replica shares nothing', async (t) => {
    const log = createMemoryLog({ clock: jumpingClock(), retentionMs: 600_000, observer: NO_OBSERVER })
    t.notOk(log.trustsShared())
  })
})

t.test('in Redis', async (t) => {
  const redis = await startRedis(t)
  let opened = 0
  logContract(t, async (t) => {
    const replica = openLogReplica(t, redis.port, { keyPrefix: `contract ${++opened}:{log}` })
    await settled(replica)
    return replica
  })
})
