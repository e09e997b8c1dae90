import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Redis } from 'ioredis'
import { within } from './commands.ts'
import type { RedisSettings } from './options.ts'
import { askServers } from './servers.ts'

/** `unrefuted`: it says so itself, and would for `cluster-node-timeout` after it was cut off. */
export type MasterVerdict = 'master' | 'unrefuted' | 'other' | 'unknown'

/** Shorter than the second within which the next poll asks again. */
const ASK_WITHIN_MS = 500

/** Asks the Sentinels, or the Cluster, whether that connection leads to the master; a single server cannot say. */
export async function confirmMaster (settings: RedisSettings, redis: Redis): Promise<MasterVerdict> {
  switch (settings.servers.kind) {
    case 'one': return 'unknown'
    case 'cluster': return await askNode(redis)
    case 'sentinel': return await askSentinels(settings, redis)
  }
}

/**
 * A node that cannot reach most masters says `fail` before the others elect its successor. That it holds the slot shows
 * at each command: it would send us elsewhere.
 */
async function askNode (redis: Redis): Promise<MasterVerdict> {
  const info = await redis.cluster('INFO')
  return String(info).includes('cluster_state:ok') ? 'unrefuted' : 'unknown'
}

/** More than half of those configured must name it, and no other: one Sentinel may be cut off together with it. */
async function askSentinels (settings: RedisSettings, redis: Redis): Promise<MasterVerdict> {
  const { remoteAddress, remotePort } = redis.stream
  const answers = await askServers(settings, ASK_WITHIN_MS)
  const named = answers.flatMap(({ reply }) => reply === undefined ? [] : [reply])
  const votes = await Promise.all(named.map((name) => voteOf(name, remoteAddress, remotePort)))
  return judgeVotes(votes.filter((vote) => vote !== undefined), answers.length)
}

/** @param votes of those that answered: whether they name this server */
export function judgeVotes (votes: readonly boolean[], configured: number): MasterVerdict {
  const ours = votes.filter((isOurs) => isOurs).length
  const others = votes.length - ours
  if (others > ours) return 'other'
  return others === 0 && ours > configured / 2 ? 'master' : 'unknown'
}

/**
 * @param name `host:port`, as a Sentinel says it; IPv6 without brackets
 * @returns whether it names that server; undefined where nobody can tell: a name that cannot be looked up is no other
 */
export async function voteOf (
  name: string,
  address: string | undefined,
  port: number | undefined
): Promise<boolean | undefined> {
  if (address === undefined || port === undefined) return undefined
  const host = name.slice(0, name.lastIndexOf(':'))
  if (Number(name.slice(host.length + 1)) !== port) return false
  if (isIP(host) !== 0) return plain(host) === plain(address)
  const found = await within(ASK_WITHIN_MS, lookup(host, { all: true })).catch(() => undefined)
  return found?.some((one) => plain(one.address) === plain(address))
}

/** An IPv4 address may come as one of IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:/i, '')
