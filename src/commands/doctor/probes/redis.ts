import { describeServers, type RedisServers } from '../../../redis/settings.ts'
import type { Named } from '../../../redis/inspect.ts'
import { codeOf } from '../../../resolver/exchange.ts'
import { found, type Finding } from '../finding.ts'
import { isNameError, isTlsError } from '../network.ts'
import { looked, skipped, type Probe } from '../probe.ts'

export type RedisObservation = Readonly<{ problem: Error, named: readonly Named[] }>

type Settings = Readonly<{ servers: RedisServers, tls: object | undefined }>

export const redis: Probe = {
  title: 'Redis is connected',
  reaches: 'redis',
  async run ({ redis, config }) {
    if (redis === undefined || config.redis === undefined) return skipped('there is none: one replica, with its memory')
    const problem = await redis.connected()
    return problem === undefined ? looked() : looked(...judgeRedis({ problem, named: await redis.named() }, config.redis))
  }
}

/** What single servers say is nearer to the cause than what the library says of them all. */
export function judgeRedis ({ problem, named }: RedisObservation, settings: Settings): readonly Finding[] {
  const findings = named.map((one) => judgeNamed(one, settings)).filter((finding) => finding !== undefined)
  return findings.length > 0 ? findings : [judgeProblem(problem, describeServers(settings.servers), settings)]
}

function judgeNamed ({ name, problem, reply }: Named, settings: Settings): Finding | undefined {
  const { kind } = settings.servers
  if (problem !== undefined) return judgeProblem(problem, name, settings)
  if (kind === 'sentinel') return reply === undefined ? found('redis-sentinel', `the Sentinel ${name} knows no master called ${settings.servers.name}`) : undefined
  if (kind !== 'cluster' || reply === undefined || /^cluster_state:ok/m.test(reply)) return undefined
  return found('redis-cluster', `${name} serves ${/^cluster_slots_ok:(\d+)/m.exec(reply)?.[1] ?? 'too few'} slots of 16384`)
}

/** Only the kind of a refusal is told: Redis may repeat what it was sent. */
export function judgeProblem (problem: Error, name: string, { servers, tls }: Settings): Finding {
  const { message } = problem
  const code = codeOf(problem)
  if (isNameError(code)) return found('redis-dns', `${name}: the name is not known (${code})`)
  if (isTlsError(code)) return found('redis-tls', `${name}: ${code}`)
  if (/^(?:WRONGPASS|NOAUTH|ERR (?:invalid password|AUTH|Client sent AUTH)|ERR unknown command ['`](?:auth|hello))/i.test(message)) return found('redis-password', `${name}: ${message.split(' ')[0] ?? ''}`)
  if (/cluster support disabled/i.test(message)) return found('redis-form', `${name} is no node of a Cluster`)
  if (/^ERR unknown command ['`]sentinel/i.test(message)) return found('redis-sentinel', `${name} is no Sentinel`)
  if (servers.kind === 'sentinel' && /sentinels are unreachable/i.test(message)) return found('redis-sentinel', `${name}: no master is named, or it cannot be reached`)
  if (/^NOPERM/.test(message)) return found('redis-rights', `${name}: NOPERM`)
  return found('redis-unreachable', `${name}: ${code || (/^(?:LOADING|MASTERDOWN|MISCONF|ERR max number of clients reached|DENIED)/.exec(message)?.[0] ?? 'no answer')}${tls === undefined ? '' : ' (asked over TLS)'}`)
}
