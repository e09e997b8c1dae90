import { RESOLVER_OUTCOMES } from '../authgear/resolver/types.ts'
import { WEBHOOK_REFUSALS } from '../core/webhook-refusal.ts'
import { COUNTED_ORIGINS, type Reading, REDIS_OPERATIONS } from '../metrics/metrics.ts'
import { LATENCY_BUCKETS } from '../metrics/request-counts.ts'
import type { GaugeReading } from '../metrics/instruments.ts'
import { byName, type Seen } from '../revocation/presence.ts'
import type { Report } from './messages.ts'

type Numbers = number | readonly Numbers[] | { readonly [name: string]: Numbers }

/** Adds up number by number: what only one of them has counts as it is. */
function add (a: Numbers | undefined, b: Numbers | undefined): Numbers {
  if (a === undefined || b === undefined) return a ?? b ?? 0
  if (typeof a === 'number' || typeof b === 'number') return Number(a) + Number(b)
  if (Array.isArray(a) && Array.isArray(b)) return a.map((value: Numbers, index) => add(value, b[index] as Numbers))
  const [left, right] = [a as Record<string, Numbers>, b as Record<string, Numbers>]
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return Object.fromEntries(Array.from(names, (name) => [name, add(left[name], right[name])]))
}

type Requests = Reading['requests']

function addRequests (all: readonly Requests[]): Requests {
  const counts = new Map<string, { labels: Requests[number]['labels'], count: number }>()
  for (const { labels, count } of all.flat()) {
    const name = Object.values(labels).join(' ')
    const sum = counts.get(name)
    if (sum === undefined) counts.set(name, { labels, count })
    else sum.count += count
  }
  return [...counts.values()]
}

const defined = (values: ReadonlyArray<number | undefined>): readonly number[] =>
  values.filter((value) => value !== undefined)
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const most = (values: ReadonlyArray<number | undefined>): number | undefined =>
  defined(values).length === 0 ? undefined : Math.max(...defined(values))
const least = (values: ReadonlyArray<number | undefined>): number | undefined =>
  defined(values).length === 0 ? undefined : Math.min(...defined(values))
const every = (values: ReadonlyArray<boolean | undefined>): boolean | undefined =>
  values.includes(undefined) ? undefined : values.length > 0 && !values.includes(false)

/** How the replica is: what is counted is added up; of what is true or not, the worse. */
function gaugesOf (all: readonly GaugeReading[]): GaugeReading {
  return {
    inFlight: sum(all.map(({ inFlight }) => inFlight)),
    queued: sum(all.map(({ queued }) => queued)),
    circuitOpen: all.some(({ circuitOpen }) => circuitOpen),
    cacheEntries: sum(all.map(({ cacheEntries }) => cacheEntries)),
    redisUp: every(all.map(({ redisUp }) => redisUp)),
    logFollowed: every(all.map(({ logFollowed }) => logFollowed)),
    replicasSeen: most(all.map(({ replicasSeen }) => replicasSeen)),
    auditBehindSeconds: least(all.map(({ auditBehindSeconds }) => auditBehindSeconds)),
    untold: most(all.map(({ untold }) => untold)),
    certificateStage: least(all.map(({ certificateStage }) => certificateStage))
  }
}

const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
const NO_DURATIONS = [...LATENCY_BUCKETS, Infinity].map(() => 0)

/** Before a worker has said anything. */
export const NOTHING_READ: Reading = Object.freeze({
  requests: [],
  durations: { memory: NO_DURATIONS, redis: NO_DURATIONS, authgear: NO_DURATIONS, none: NO_DURATIONS },
  reads: { memory: { hit: 0, miss: 0 }, redis: { hit: 0, miss: 0, rejected: 0, unreachable: 0 } },
  authgear: zeros(RESOLVER_OUTCOMES),
  redisErrors: zeros(REDIS_OPERATIONS),
  revocations: zeros(COUNTED_ORIGINS),
  webhooksRefused: zeros(WEBHOOK_REFUSALS),
  now: gaugesOf([])
})

/** @param ended the readings of workers that are no more: what they counted stays counted */
export function wholeReading (ended: readonly Reading[], alive: readonly Reading[]): Reading {
  const all = [...ended, ...alive]
  const counts = all.map(({ requests: _requests, now: _now, ...rest }) => rest as unknown as Numbers)
  return {
    ...counts.reduce((a, b) => add(a, b)) as unknown as Omit<Reading, 'requests' | 'now'>,
    requests: addRequests(all.map(({ requests }) => requests)),
    now: gaugesOf(alive.map(({ now }) => now))
  }
}

/** Of the workers' reports: serving where one serves; of the rest, the worse. */
export function wholeState (reports: readonly Report[]): Pick<Report, 'state' | 'redis' | 'authgear'> {
  return {
    state: reports.some(({ state }) => state === 'serving') ? 'serving' : 'starting',
    redis: reports.some(({ redis }) => redis === 'down') ? 'down' : reports[0]?.redis ?? 'down',
    authgear: reports.some(({ authgear }) => authgear === 'failing') ? 'failing' : 'ok'
  }
}

/** The other replicas, and this one's workers by their names. */
export function wholeFleet (reports: readonly Report[]): readonly Seen[] {
  return [...new Map(reports.flatMap(({ others }) => others).map((seen) => [seen.id, seen])).values()]
    .sort(byName)
}
