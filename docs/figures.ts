// What a request and a session cost, on docs/performance.md and docs/operations.md, from the newest `npm run bench`:
// `npm run docs` writes it, a test compares.
import { readFileSync } from 'node:fs'
import { tableOf, withGenerated } from './generated.ts'

const SOURCE = 'test/bench/results'

/** @param part of the bench: what its last run wrote */
const measured = (part: string) =>
  JSON.parse(readFileSync(new URL(`../${SOURCE}/${part}.json`, import.meta.url), 'utf8')).data

export type Revocations = Readonly<{
  rate: number
  refused: number
  cpu: Readonly<{ first: number, second: number }>
  bytes: number
  times: Readonly<{ median: number, max: number }>
}>

/** Those that the log accepted. */
export const revocationRates = (): readonly Revocations[] =>
  measured('revocations').rows.filter(({ rate, refused }: Revocations) => rate > 0 && refused === 0)

/** kB of a session in Redis, and of CACHE_MAX_MEMORY: measured by hand, since no part of the bench writes them. */
export const KILOBYTES = { inRedis: 0.42, inMemory: 1.15 }

type MemorySize = Readonly<{ sessions: number, container?: number, rss: number }>

/** MiB, as measured. */
export const memorySizes = (): readonly MemorySize[] => measured('memory').sizes

/** µs of one core. @param name of a row of `npm run bench -- rates` */
function cpuOf (name: string): number {
  const row = measured('rates').rows.find((one: Readonly<{ name: string }>) => one.name === name)
  return Math.round(row.cpu)
}

export const CPU = {
  bare: cpuOf('bare `node:http`'),
  memoryHit: cpuOf('memory hit, bearer'),
  redisHit: cpuOf('Redis hit'),
  resolution: cpuOf('cold, resolver at 0 ms'),
  sharedResolution: cpuOf('cold, with Redis')
}

/** MiB at rest without a container limit, and kB of resident memory for each remembered session. */
export function memoryOf (): Readonly<{ atRest: number, session: string }> {
  const unlimited = memorySizes().filter(({ container }) => container === undefined)
  const [none, most] = [unlimited[0], unlimited.at(-1)]
  if (none === undefined || most === undefined || most.sessions === 0) throw new Error('memory.json lacks its rows')
  const kilobytes = (most.rss - none.rss) * 1024 * 1.024 / most.sessions
  return { atRest: Math.round(none.rss), session: kilobytes.toFixed(1) }
}

/** @param page docs/performance.md */
export function withCosts (page: string): string {
  const times = revocationRates().map((row) => row.times)
  const [median, worst] = [Math.max(...times.map((one) => one.median)), Math.max(...times.map((one) => one.max))]
  const { atRest, session } = memoryOf()
  return withGenerated(page, SOURCE, tableOf(['what', 'cost'], [
    ['a request that memory answers', `${CPU.memoryHit} µs of one core. A Node server that checks nothing takes ${CPU.bare}`],
    ['a request that Redis answers', `${CPU.redisHit} µs and a round trip`],
    [
      'a request that Authgear answers',
      `${CPU.resolution} µs, with Redis ${CPU.sharedResolution}, and Authgear's time. ` +
        'Concurrent requests of one session, on all replicas, ask Authgear once'
    ],
    ['a webhook, until two replicas refuse', `${median.toFixed(0)} ms at the median, at most ${worst.toFixed(0)} ms`],
    ['memory', `${atRest} MiB, and ${session} kB for each remembered session ([limits](operations.md#memory))`]
  ]))
}

/** @param page docs/operations.md */
export function withSizing (page: string): string {
  return withGenerated(page, SOURCE, tableOf(['item', 'cost'], [
    ['a request answered from memory', `${CPU.memoryHit} µs of one core`],
    [
      'a request answered from Redis (a session that is new to the replica, or whose copy is old)', `${CPU.redisHit} µs`
    ],
    ['a resolution', `${CPU.sharedResolution} µs here with Redis, and 2 ms of CPU or more at Authgear and its database`],
    ['a session in memory', `${memoryOf().session} kB; plan ${KILOBYTES.inMemory} kB of \`CACHE_MAX_MEMORY\``],
    ['a session in Redis', `${KILOBYTES.inRedis} kB, and two commands per read`]
  ]))
}
