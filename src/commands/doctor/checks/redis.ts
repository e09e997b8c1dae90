import { codeOf } from '../../../base/authgear/resolver/answer.ts'
import type { Configured } from '../../../base/parts/part.ts'
import { withRedirects } from '../../../base/redis/log-connections.ts'
import { describeServers, type RedisServers } from '../../../base/redis/options.ts'
import type { Named, Refusal } from '../../../base/redis/probe.ts'
import { createRedisLogStore } from '../../../base/revocation/redis-store.ts'
import { type Finding, found } from '../catalogue.ts'
import { type DoctorRedis, isNameError, isTlsError, looked, type Probe, skipped } from '../check.ts'

/** Commands, one after the other. */
const ROUNDS = 20

export const redisLatency: Probe = {
  title: 'Redis answers in time',
  needs: 'redis',
  async run ({ redis, config, clock }) {
    if (redis === undefined || config.redis === undefined) return looked()
    const took: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const began = clock.monotonic()
      // a refusal is an answer; a connection that was given up since it was late fails the next ones at once
      const isLate = await redis.connection.commands.pttl(redis.keys.trial).then(
        () => false,
        (error: unknown) => !(error instanceof Error && error.name === 'ReplyError')
      )
      // a timer may be early by a fraction of a millisecond
      took.push(Math.max(clock.monotonic() - began, isLate ? config.redis.timeoutMs : 0))
    }
    return looked(judgeLatency(took, config.redis.timeoutMs))
  }
}

/** @param took milliseconds each */
export function judgeLatency (took: readonly number[], limitMs: number): Finding | undefined {
  const median = [...took].sort((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0
  if (median < limitMs / 2) return undefined
  const what = `${median.toFixed(1)} ms at the median of ${took.length}, and REDIS_TIMEOUT is ${limitMs} ms`
  return found(median < limitMs ? 'redis-slow' : 'redis-too-slow', what)
}

/** The commands of a poll of the revocations. */
const READING = 'EVAL of XRANGE, HMGET, XLEN and TIME; ROLE'

export const redisRights: Probe = {
  title: 'Redis does what the cache and the revocation log need',
  needs: 'redis',
  run: async (context) =>
    looked(...judgeRefusals(context.redis === undefined ? [] : await observeRights(context.redis)))
}

async function observeRights (redis: DoctorRedis): Promise<readonly Refusal[]> {
  const written = await redis.trial().catch((error: unknown) => [{ command: 'EVAL', refusal: refusalOf(error) }])
  const connections = await redis.log()
  const store = createRedisLogStore({ ...connections, keyPrefix: redis.keys.log })
  const read = (): Promise<unknown> => store.snapshot('0-0', 1)
  const readingRefused = (error: unknown): readonly Refusal[] => [{ command: READING, refusal: refusalOf(error) }]
  const refused = await withRedirects(connections.follower, read).then(() => [], readingRefused)
  return [...written, ...refused]
}

/** The word that a refusal begins with; anything else is a connection that was lost. */
function refusalOf (error: unknown): string {
  return error instanceof Error && error.name === 'ReplyError'
    ? (/^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR')
    : 'no answer'
}

/** One finding for each kind of refusal. */
export function judgeRefusals (refusals: readonly Refusal[]): readonly Finding[] {
  const kinds = [...new Set(refusals.map(({ refusal }) => refusal))]
  return kinds.map((kind) => {
    const commands = [
      ...new Set(refusals.filter(({ refusal }) => refusal === kind).map(({ command }) => command))
    ].join(', ')
    switch (kind) {
      case 'READONLY':
        return found('redis-read-only', `${commands}: READONLY`)
      case 'OOM':
        return found('redis-full', `${commands}: OOM`)
      case 'MOVED':
      case 'ASK':
        return found('redis-form', `${commands}: ${kind}: this server is a node of a Cluster`)
      case 'CLUSTERDOWN':
        return found('redis-cluster', `${commands}: CLUSTERDOWN: no server has the slot of the revocation log`)
      case 'NOPERM':
        return found('redis-rights', `${commands}: NOPERM`)
      default:
        return found('redis-unreachable', `${commands}: ${kind}`)
    }
  })
}

export const redisServer: Probe = {
  title: 'Redis keeps the revocation log',
  needs: 'redis',
  async run ({ redis, config }) {
    const info = await redis?.info().catch(() => undefined)
    return info === undefined
      ? skipped('its user may not INFO')
      : looked(...judgeServer(info, config.redis?.servers.kind === 'one'), judgeKeeping(info, config))
  }
}

/** @param info INFO; without a limit nothing is evicted */
export function judgeServer (info: string, isSingle: boolean): readonly (Finding | undefined)[] {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  const policy = field('maxmemory_policy')
  return [
    policy.startsWith('allkeys-') && field('maxmemory') !== '0'
      ? found('redis-evicts', `maxmemory-policy is ${policy}`)
      : undefined,
    isSingle && field('redis_mode') === 'cluster'
      ? found('redis-form', 'this server is a node of a Cluster')
      : undefined,
    isSingle && Number(field('connected_slaves')) > 1
      ? found('redis-replicas', `it has ${field('connected_slaves')} replicas`)
      : undefined
  ]
}

type Keeping = Readonly<{ parts: ReadonlyArray<Pick<Configured, 'claims'>> }>

/** These data of people are kept nowhere else. */
function judgeKeeping (info: string, { parts }: Keeping): Finding | undefined {
  const lost = parts.flatMap(({ claims }) => claims.keepsInRedis ?? [])
  return lost.length > 0 && /^aof_enabled:0/m.test(info)
    ? found('redis-forgets', `it has no append-only file (appendonly no), so a restart loses ${lost.join(' and ')}`)
    : undefined
}

type Settings = Readonly<{ servers: RedisServers, tls: object | undefined }>

export const redis: Probe = {
  title: 'Redis is connected',
  reaches: 'redis',
  async run ({ redis, config }) {
    if (redis === undefined || config.redis === undefined) return skipped('there is none: one replica, with its memory')
    const problem = await redis.connected()
    const { kind } = config.redis.servers
    if (problem === undefined && kind !== 'sentinel') return looked()
    const named = await redis.named()
    if (problem === undefined) return looked(judgeMajority(named))
    return looked(...judgeRedis(problem, named, config.redis))
  }
}

/** @param named each Sentinel that is configured */
function judgeMajority (named: readonly Named[]): Finding | undefined {
  const silent = named.filter(({ reply }) => reply === undefined).map(({ name }) => name)
  if (silent.length < named.length / 2) return undefined
  return found('redis-sentinel', `${silent.length} of ${named.length} name no master: ${silent.join(', ')}`)
}

/** The words of single servers are nearer to the cause than the library's about them all. */
function judgeRedis (problem: Error, named: readonly Named[], settings: Settings): readonly Finding[] {
  const findings = named.map((one) => judgeNamed(one, settings)).filter((finding) => finding !== undefined)
  return findings.length > 0 ? findings : [judgeProblem(problem, describeServers(settings.servers), settings)]
}

function judgeNamed ({ name, problem, reply }: Named, settings: Settings): Finding | undefined {
  const { kind } = settings.servers
  if (problem !== undefined) return judgeProblem(problem, name, settings)
  if (kind === 'sentinel') {
    return reply === undefined
      ? found('redis-sentinel', `the Sentinel ${name} does not know a master called ${settings.servers.name}`)
      : undefined
  }
  if (kind !== 'cluster' || reply === undefined || /^cluster_state:ok/m.test(reply)) return undefined
  return found(
    'redis-cluster',
    `${name} serves ${/^cluster_slots_ok:(\d+)/m.exec(reply)?.[1] ?? 'too few'} slots of 16384`
  )
}

const KNOWN_TROUBLE = /^(?:LOADING|MASTERDOWN|MISCONF|ERR max number of clients reached|DENIED)/

/** Shows only the kind of a refusal: Redis may repeat what it was sent. */
export function judgeProblem (problem: Error, name: string, { servers, tls }: Settings): Finding {
  const { message } = problem
  const code = codeOf(problem)
  if (isNameError(code)) return found('redis-dns', `${name}: the name is not known (${code})`)
  if (isTlsError(code)) return found('redis-tls', `${name}: ${code}`)
  if (
    /^(?:WRONGPASS|NOAUTH|ERR (?:invalid password|AUTH|Client sent AUTH)|ERR unknown command ['`](?:auth|hello))/i.test(
      message
    )
  ) {
    return found('redis-password', `${name}: ${message.split(' ')[0] ?? ''}`)
  }
  if (/cluster support disabled/i.test(message)) return found('redis-form', `${name} is no node of a Cluster`)
  if (/^ERR unknown command ['`]sentinel/i.test(message)) return found('redis-sentinel', `${name} is no Sentinel`)
  if (servers.kind === 'sentinel' && /sentinels are unreachable/i.test(message)) {
    return found('redis-sentinel', `${name}: no master is named, or it cannot be reached`)
  }
  if (/^NOPERM/.test(message)) return found('redis-rights', `${name}: NOPERM`)
  return found(
    'redis-unreachable',
    `${name}: ${code || (KNOWN_TROUBLE.exec(message)?.[0] ?? 'no answer')}` +
      `${tls === undefined ? '' : ' (asked over TLS)'}`
  )
}
