import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { APPS } from '../helpers/event-stream.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { RESOURCE, startIssuer } from '../helpers/token-issuer.ts'
import { WEBHOOK_SECRET } from '../helpers/webhook.ts'
import { logKey } from '../../src/base/redis/keys.ts'
import { followAll } from './apps.ts'
import { createClients, createTokens, type Client } from './clients.ts'
import type { HistoryEvent } from './history.ts'
import { OPEN, startLink } from './link.ts'
import { startOwnSide, type OwnSide } from './own/side.ts'
import { fillOwn } from './own/work.ts'
import type { Person } from './people.ts'
import { MANAGEMENT_TOKEN, purge } from './purge.ts'
import { startReplica, type Links, type Replica } from './replica.ts'
import type { TopologyName } from './schedule.ts'
import { SETTINGS } from './situations.ts'
import { watchOwnStalls } from './stalls.ts'
import { startClusterTopology } from './topologies/cluster.ts'
import { startSentinel } from './topologies/sentinel.ts'
import { startStandalone } from './topologies/standalone.ts'
import type { Topology } from './topologies/types.ts'

export interface World {
  /** With sessions of our own; undefined: Authgear's. */
  readonly own: OwnSide | undefined
  readonly simulator: RunningSimulator
  readonly topology: Topology
  readonly replicas: readonly Replica[]
  /** Of the revocation log in Redis. */
  readonly logKey: string
  /** Who signed in lately, and who was revoked lately. */
  people: Person[]
  readonly clients: readonly Client[]
  tokenOf (clientId: string): string
  /** How long Authgear takes while nothing is wrong with it. */
  authgearMs: number
  note (event: HistoryEvent): void
  /** Everything that happened since the last time. */
  drain (): readonly HistoryEvent[]
  /** New processes, which have counted no change of generation. */
  restart (): Promise<void>
  /** All servers and replicas run, and all follow the log. @returns what is wrong after so long */
  heal (withinMs: number): Promise<string | undefined>
  /** Since the last restart of all. */
  lossyRounds: number
  /** No fault was begun that has not been healed. */
  isWell: boolean
}

const KEY_PREFIX = 'forward-auth:'
/** Time is counted in looks: one at a machine that has no time takes seconds. */
const LOOK_MS = 500
/** The lines of the log that the last look at all replicas wrote. */
const LINES_READ_WITHIN_MS = 500

/** Four replicas as processes, each with its own ways to real Redis servers, and a simulated Authgear. */
export async function startWorld (t: Test, name: TopologyName): Promise<World> {
  const own = await startOwnSide(t)
  const simulator = own?.simulator ?? await startSimulator(t, { users: [] })
  const issuer = await startIssuer(t) // it publishes keys whatever becomes of the resolver
  const log = logKey(KEY_PREFIX, own?.endpoint ?? issuer.url)
  const topology = await startTopology(t, name, log)
  const replicas = await Promise.all(Array.from({ length: SETTINGS.replicas }, async (_, index) => {
    const entries = topology.ports.map(async (port) =>
      [port, await startLink(t, port, `127.0.1.${index + 1}`)] as const)
    const links: Links = new Map(await Promise.all(entries))
    const env = { ...environment(simulator, issuer.url, topology.env(links)), ...own?.env }
    return await startReplica(t, index, env, links)
  }))
  let events: HistoryEvent[] = []
  const note = (event: HistoryEvent): void => { events.push(event) }
  t.teardown(watchOwnStalls(note))
  t.teardown(followAll(replicas, note))
  const world: World = {
    own,
    simulator,
    topology,
    logKey: log,
    replicas,
    people: [],
    clients: createClients(),
    tokenOf: createTokens(issuer),
    authgearMs: 5,
    lossyRounds: 0,
    isWell: true,
    note,
    drain () {
      const found = [...events, ...replicas.flatMap((replica) => replica.drain())]
      events = []
      return found
    },
    async restart () {
      world.lossyRounds = 0
      await Promise.all(replicas.map((replica) => replica.kill()))
      await Promise.all(replicas.map((replica) => replica.start()))
    },
    heal: (withinMs) => heal(world, withinMs)
  }
  const trouble = await world.heal(60_000)
  if (trouble !== undefined) throw new Error(`at the start ${trouble}`)
  if (own !== undefined) await fillOwn(world, own)
  return world
}

function startTopology (t: Test, name: TopologyName, log: string): Promise<Topology> {
  switch (name) {
    case 'standalone': return startStandalone(t, 'redis-server')
    case 'valkey': return startStandalone(t, 'valkey-server')
    case 'sentinel': return startSentinel(t)
    case 'cluster': return startClusterTopology(t, `${log}:stream`)
  }
}

async function heal (
  { simulator, topology, replicas, authgearMs }: World,
  withinMs: number
): Promise<string | undefined> {
  simulator.controls.recover()
  simulator.controls.latency = authgearMs
  for (const { links } of replicas) for (const link of links.values()) link.become(OPEN)
  await topology.heal(replicas.map(({ links }) => links))
  await Promise.all(replicas.map(async (replica) => { if (replica.isUp) replica.thaw(); else await replica.start() }))
  let trouble: string | undefined
  const isWell = async (): Promise<boolean> => {
    const states = await Promise.all(replicas.map(troubleOf))
    trouble = states.find((state) => state !== undefined) ?? await writeTrouble(replicas)
    return trouble === undefined
  }
  for (let looks = 0; looks < withinMs / LOOK_MS && !await isWell(); looks++) await sleep(LOOK_MS)
  await sleep(LINES_READ_WITHIN_MS)
  return trouble === undefined ? undefined : `${Math.round(withinMs / 1000)} s after all faults ${trouble}`
}

async function troubleOf (replica: Replica, index: number): Promise<string | undefined> {
  const { redis, authgear } = await replica.readiness() ?? {}
  if (redis === 'up' && authgear === 'ok') return undefined
  return `replica ${index} says redis ${redis}, authgear ${authgear}`
}

/** Each reads from the present master what it writes there; one that was left with an old master cannot. */
async function writeTrouble (replicas: readonly Replica[]): Promise<string | undefined> {
  const answers = await Promise.all(replicas.map((replica) =>
    purge(replica, { user_id: 'nobody' }, AbortSignal.timeout(2000)).then(({ status }) => status, () => 0)))
  const index = answers.findIndex((status) => status !== 200)
  if (index < 0) return undefined
  await sleep(200) // entries of the log are counted
  return `replica ${index} writes no revocation`
}

function environment (
  { url }: RunningSimulator,
  endpoint: string,
  redis: Readonly<Record<string, string>>
): Record<string, string> {
  return {
    ...redis,
    AUTHGEAR_ENDPOINT: endpoint,
    EVENTS_TOKENS: `default:${APPS.default}`,
    AUTHGEAR_RESOLVER_URL: `${url}/_resolver/resolve`,
    AUTHGEAR_FAILURES_PER_MINUTE: '0', // everybody here is one client
    AUTHGEAR_TIMEOUT: `${SETTINGS.authgearTimeoutMs}ms`,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    MANAGEMENT_TOKEN,
    RESOURCES: RESOURCE,
    LOGIN_CLIENT_ID: 'campaign',
    LOGIN_PUBLIC_URL: 'https://app.example.com',
    LOGIN_SECRET: 'a login secret of the campaign, longer than 32 bytes',
    REDIS_KEY_PREFIX: KEY_PREFIX,
    REDIS_TIMEOUT: `${SETTINGS.redisTimeoutMs}ms`,
    CACHE_SECRET: 'a secret of the campaign, longer than 32 bytes',
    CACHE_TTL: `${SETTINGS.ttlMs}ms`,
    CACHE_NEGATIVE_TTL: `${SETTINGS.negativeTtlMs}ms`,
    CACHE_DEGRADED_TTL: `${SETTINGS.degradedTtlMs}ms`,
    CACHE_STALE_IF_ERROR: `${SETTINGS.staleMs}ms`,
    LOG_LEVEL: process.env['CAMPAIGN_LOG'] ?? 'silent'
  }
}
