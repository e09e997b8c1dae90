import type { Test } from 'tap'
import { startBadNetwork } from './bad-network.ts'
import { EVERYTHING } from './log-entry.ts'
import { startRedis, type RedisServer } from './redis.ts'
import { openLogReplica, settled, type LogReplica } from './stream-log.ts'
import { until } from './until.ts'

export const KEY = 'test:{log:project}'
/** What a clock jumps so that nothing learned before it counts. */
export const STALE_MS = 3000

/** Empty where it is just becoming something else, and closes all connections. */
export const roleOf = async (redis: RedisServer): Promise<string> =>
  JSON.stringify(await redis.cli('ROLE').catch(() => ''))

/** A master, and a replica whose replication link the test may silence. */
export async function startPair (t: Test) {
  const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
  const link = await startBadNetwork(t, master.port)
  const copy = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(link.port)] })
  await until('it has a replica', async () => (await roleOf(copy)).includes('"connected"'), 30_000)
  return { master, link, copy }
}

/** A replica of ours that follows, and has seen which Redis replicas there are. */
export async function follows (t: Test, place: Parameters<typeof openLogReplica>[1]): Promise<LogReplica> {
  const replica = openLogReplica(t, place, { keyPrefix: KEY })
  await settled(replica)
  await replica.log.revoke(EVERYTHING)
  await replica.log.revoke(EVERYTHING)
  return replica
}
