import type { Test } from 'tap'
import { about, user } from './log-entry.ts'
import { startRedis, type RedisOptions, type RedisServer } from './redis.ts'
import { openLogReplica, settled, type LogReplica, type LogReplicaOptions } from './stream-log.ts'
import { until } from './until.ts'

export const PREFIX = 'test:{log:project}'
export const [STREAM, HEAD] = [`${PREFIX}:stream`, `${PREFIX}:head`]
export const ALICE = about('alice', 'token')
export const BOB = about('bob', 'bobs token')
/** What a clock jumps so that no poll before it counts. */
export const STALE = 3000

export type Open = (some?: Partial<LogReplicaOptions>) => LogReplica

/** A server, and replicas that follow the log in it. */
export async function start (t: Test, options: RedisOptions = {}): Promise<{ redis: RedisServer, open: Open }> {
  const redis = await startRedis(t, options)
  return { redis, open: (some = {}) => openLogReplica(t, redis.port, { keyPrefix: PREFIX, ...some }) }
}

export async function startTwo (t: Test, options: RedisOptions = {}) {
  const { redis, open } = await start(t, options)
  const [a, b] = [open(), open()]
  await settled(a, b)
  return { redis, open, a, b, logName: a.logName() }
}

/** Commands on a connection of its own, as a stranger sends them. */
export const script = (redis: RedisServer, lua: string, ...args: string[]): Promise<unknown> =>
  redis.cli('EVAL', lua, '2', STREAM, HEAD, ...args)
export const lengthOf = async (redis: RedisServer): Promise<number> => Number(await redis.cli('XLEN', STREAM))
/** How often the stream holds a revocation of this user. */
export const count = async (redis: RedisServer, name: string): Promise<number> =>
  JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')).split(`"${name}"`).length - 1
export const changed = (logName: string, ...replicas: LogReplica[]): Promise<void> =>
  until('a new log', () => replicas.every((one) => one.logName() !== logName))

/** What is revoked on one holds on the other, which trusts what was made after it. */
export async function checkWorks (t: Test, a: LogReplica, b: LogReplica): Promise<void> {
  await settled(a, b)
  const before = b.log.snapshot()
  const old = a.seal(BOB)
  t.equal(await a.log.revoke(user('bob')), 'logged')
  await until('the other has read it', () => b.log.isVoid(BOB, before))
  await settled(a, b)
  t.same(
    [b.log.isVoid(ALICE, before), b.log.trusts(old), b.log.trusts(a.seal(BOB))], [false, false, true], 'it works on'
  )
}
