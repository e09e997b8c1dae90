import { createRedisLogStore } from '../../../revocation/redis-log-store.ts'
import { whereItBelongs } from '../../../redis/log-connections.ts'
import { logKey } from '../../../redis/names.ts'
import type { Refusal, RedisLook } from '../../../redis/inspect.ts'
import { found, type Finding } from '../finding.ts'
import { looked, type Context, type Probe } from '../probe.ts'

/** What a poll of the log takes. */
const READING = 'EVAL of XRANGE, HMGET, XLEN and TIME; ROLE'

export const redisRights: Probe = {
  title: 'Redis does what the cache and the revocation log need',
  needs: 'redis',
  run: async (context) => looked(...judgeRefusals(context.redis === undefined ? [] : await observeRights(context.redis, context)))
}

async function observeRights (redis: RedisLook, { config }: Context): Promise<readonly Refusal[]> {
  const written = await redis.trial().catch((error: unknown) => [{ command: 'EVAL', refusal: refusalOf(error) }])
  const connections = await redis.log()
  const store = createRedisLogStore({ ...connections, keyPrefix: logKey(config.redis?.keyPrefix ?? '', config.authgear.endpoint.origin) })
  const read = (): Promise<unknown> => store.snapshot('0-0', 1)
  const readingRefused = (error: unknown): readonly Refusal[] => [{ command: READING, refusal: refusalOf(error) }]
  const refused = await whereItBelongs(connections.follower, read).then(() => [], readingRefused)
  return [...written, ...refused]
}

/** The word that a refusal begins with; anything else is a connection that was lost. */
function refusalOf (error: unknown): string {
  return error instanceof Error && error.name === 'ReplyError' ? /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR' : 'no answer'
}

/** One finding for each kind of refusal. */
export function judgeRefusals (refusals: readonly Refusal[]): readonly Finding[] {
  const kinds = [...new Set(refusals.map(({ refusal }) => refusal))]
  return kinds.map((kind) => {
    const commands = [...new Set(refusals.filter(({ refusal }) => refusal === kind).map(({ command }) => command))].join(', ')
    switch (kind) {
      case 'READONLY': return found('redis-read-only', `${commands}: READONLY`)
      case 'OOM': return found('redis-full', `${commands}: OOM`)
      case 'MOVED': case 'ASK': return found('redis-form', `${commands}: ${kind}: this server is a node of a Cluster`)
      case 'CLUSTERDOWN': return found('redis-cluster', `${commands}: CLUSTERDOWN: nobody serves the slot of the revocation log`)
      case 'NOPERM': return found('redis-rights', `${commands}: NOPERM`)
      default: return found('redis-unreachable', `${commands}: ${kind}`)
    }
  })
}
