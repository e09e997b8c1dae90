import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { heapFlags } from '../../src/base/core/memory-budget.ts'
import { startContainer } from '../helpers/container.ts'
import { drawCurves } from '../helpers/curves.ts'
import { floodHeads, metricOf, startFastResolver } from '../helpers/measured-process.ts'
import { limitMemory, type MemoryLimit } from '../helpers/memory-limit.ts'
import { ask } from '../helpers/request.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { until } from '../helpers/until.ts'

/**
 * `npm run flood` floods for ten minutes, prints the figures of docs/inside/reliability.md and draws its curve; CI
 * sends a number of requests.
 */
const SECONDS = Number(process.env['FLOOD_SECONDS'] ?? 0)
const CURVE = process.env['FLOOD_CURVE']
/** An image of the service, where a Docker engine runs and this process is in its network (deploy/docker/verify.sh). */
const IMAGE = process.env['FLOOD_IMAGE']
/** Twice as many as ended this process before it had a budget; and of those that are 15 times as large. */
const REQUESTS = 50_000
const LARGEST_REQUESTS = 3000
const MIB = 2 ** 20
const CONTAINER = 128 * MIB
const PEOPLE = 20
/**
 * On each of ten connections: fewer than AUTHGEAR_MAX_CONCURRENCY in all, so that none waits for its turn behind newer
 * ones.
 */
const WINDOW = 6

t.setTimeout(SECONDS > 0 ? 0 : 600_000)

const pad = (i: number): string => String(i).padStart(24, '0')

/** A request of a stranger: all four credentials, none seen before, two of them with a session id. */
const junk = (i: number): string =>
  `Authorization: Bearer junkBearer${pad(i)}\r\nCookie: app_session=a${pad(i)}.${pad(i)}; ` +
    `app_access_token=junkToken${pad(i)}; session=b${pad(i)}.${pad(i)}\r\n`

/** As large as a token may be, by a stranger and by somebody with a session in turn, each new. */
const largest = (i: number): string =>
  `Authorization: Bearer ${i % 2 === 0 ? 'V' : 'J'}${pad(i).padEnd(16_000, 'b')}\r\nCookie: ` +
    `app_session=a${pad(i)}.${pad(i)}; app_access_token=${pad(i).padEnd(16_000, 'a')}; session=b${pad(i)}.${pad(i)}\r\n`
const NOBODY = 'x-authgear-session-valid: false\r\n'
const WITH_MANY_ROLES = 'x-authgear-session-valid: true\r\nx-authgear-user-id: somebody\r\nx-authgear-user-roles: ' +
  `${'a_role_of_many,'.repeat(780)}last\r\n`

const environment = (resolver: number): Readonly<Record<string, string>> => ({
  AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1',
  AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${resolver}/resolve`,
  AUTHGEAR_TIMEOUT: '30s',
  CACHE_TTL: '10m',
  LOG_LEVEL: 'warn'
})

t.test(
  'outlives a flood of junk with four credentials in the heap for 128 MiB',
  { skip: IMAGE !== undefined && 'the image is flooded' },
  async (t) => {
    await flood(t, (env) => startProcess(t, { NODE_OPTIONS: heapFlags(CONTAINER).join(' '), ...env }))
  }
)

t.test(
  'outlives the largest requests and identities in the heap for 128 MiB',
  { skip: IMAGE !== undefined && 'the image is flooded' },
  async (t) => {
    const resolver = await startFastResolver(t, { yes: WITH_MANY_ROLES, no: NOBODY })
    const service = await startProcess(t, { ...environment(resolver), NODE_OPTIONS: heapFlags(CONTAINER).join(' ') })
    const statuses = await floodHeads(service.port, (i) => (i < LARGEST_REQUESTS ? largest(i) : undefined), WINDOW)
    t.strictSame(Object.fromEntries(statuses), { 200: LARGEST_REQUESTS / 2, 401: LARGEST_REQUESTS / 2 })
    const [bytes, max] = [
      await metricOf(service, 'forward_auth_cache_bytes'),
      await metricOf(service, 'forward_auth_cache_max_bytes')
    ]
    t.ok(bytes > max * 0.8 && bytes <= max, `${bytes} of ${max} bytes are taken`)
  }
)

t.test(
  'outlives two hundred of the largest requests at a time in the heap for 128 MiB',
  { skip: IMAGE !== undefined && 'the image is flooded' },
  async (t) => {
    const resolver = await startFastResolver(t, { yes: WITH_MANY_ROLES, no: NOBODY })
    const service = await startProcess(t, { ...environment(resolver), NODE_OPTIONS: heapFlags(CONTAINER).join(' ') })
    const statuses = await floodHeads(service.port, (i) => (i < LARGEST_REQUESTS ? largest(i) : undefined))
    t.equal([...statuses.values()].reduce((all, count) => all + count, 0), LARGEST_REQUESTS, 'each has its answer')
    t.strictSame([...statuses.keys()].filter((status) => !['200', '401', '503'].includes(status)), [],
      'who finds no room is told to come back')
    t.ok((await metricOf(service, 'forward_auth_cache_bytes')) > 0, 'the process lives')
  }
)

t.test('outlives a flood of junk with four credentials in a container of 128 MiB', async (t) => {
  if (IMAGE !== undefined) {
    const { limit } = await flood(t, (env) => startContainer(t, IMAGE, CONTAINER, env))
    return t.equal(limit?.kills(), 0, 'the kernel killed nothing')
  }
  const limit = limitMemory(t, CONTAINER)
  if (limit === undefined) {
    return t.pass('the kernel limits the process', {
      skip: 'no control group can be made here: deploy/docker/verify.sh floods a container'
    })
  }
  // Node sets its own limits where it can start itself over; elsewhere as the warning at the start says
  const options = 'execve' in process ? '' : heapFlags(CONTAINER).join(' ')
  await flood(t, async (env) => ({
    ...(await startProcess(t, { NODE_OPTIONS: options, ...env }, { enter: limit.enter })), limit
  }))
  t.equal(limit.kills(), 0, 'the kernel killed nothing')
})

type Flooded = Pick<Service, 'port' | 'managementUrl' | 'pid' | 'ended'>
  & Readonly<{ limit?: Pick<MemoryLimit, 'usage' | 'kills'> }>

async function flood (t: Test, start: (env: Readonly<Record<string, string>>) => Promise<Flooded>): Promise<Flooded> {
  const service = await start(environment(await startFastResolver(t, { no: NOBODY })))
  let hasEnded = false
  service.ended.then(() => { hasEnded = true }, () => {})
  let isOver = false
  const isFlooding = (): boolean => !isOver && !hasEnded
  const [asked, watched] = [askForPeople(service, isFlooding), watch(service, isFlooding)]
  const ends = performance.now() + SECONDS * 1000
  const started = performance.now()
  const statuses = await floodHeads(
    service.port, (i) => ((SECONDS > 0 ? performance.now() < ends : i < REQUESTS) ? junk(i) : undefined), WINDOW
  )
  isOver = true
  const seconds = (performance.now() - started) / 1000
  const [answers, samples] = [await asked, await watched]
  const sent = statuses.get('401') ?? 0
  t.notOk(hasEnded, 'the process lives')
  t.strictSame([...statuses.keys()], ['401'], 'each stranger was refused')
  t.equal(answers.length - answers.filter(({ status }) => status === 200).length, 0,
    'everybody who is remembered was answered')
  const memory = {
    bytes: await metricOf(service, 'forward_auth_cache_bytes'),
    max: await metricOf(service, 'forward_auth_cache_max_bytes')
  }
  t.ok(memory.bytes <= memory.max, `${memory.bytes} of ${memory.max} bytes are taken`)
  await until(
    'what was refused is swept', async () => (await metricOf(service, 'forward_auth_cache_entries')) === PEOPLE
  )
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? NaN).toFixed(0)
  const mostRss = Math.max(...samples.map(({ rss }) => rss))
  t.comment(
    `flood: ${sent} refused in ${seconds.toFixed(0)} s (${Math.round(sent / seconds)}/s); ${answers.length} answers ` +
      `to people: p50 ${at(0.5)}, p99 ${at(0.99)} ms; rss at most ${mostRss} MiB, at the end ` +
      `${samples.at(-1)?.rss}${service.limit === undefined
? ''
: '; container at most ' +
        `${Math.max(...samples.map(({ usage }) => usage).filter(Number.isFinite))} MiB`}`
  )
  if (CURVE !== undefined) {
    writeFileSync(
      CURVE,
      drawCurves('MiB', 'seconds of flood', [
        { name: 'limit of the container', values: samples.map(() => CONTAINER / MIB) },
        { name: 'resident memory of the process', values: samples.map(({ rss }) => rss) },
        { name: 'what the container is charged', values: samples.map(({ usage }) => usage) }
      ])
    )
  }
  return service
}

/** People who are remembered ask one after another. */
async function askForPeople (
  service: Flooded,
  isFlooding: () => boolean
): Promise<ReadonlyArray<Readonly<{ status: number, ms: number }>>> {
  const answers: Array<{ status: number, ms: number }> = []
  for await (const turn of turns(20)) {
    if (!isFlooding()) break
    const started = performance.now()
    const { status } = await ask(service.port, {
      path: '/verify', headers: [['Authorization', `Bearer V${pad(turn % PEOPLE)}`]]
    }).catch(() => ({ status: 0 }))
    answers.push({ status, ms: performance.now() - started })
  }
  return answers
}

type Sample = Readonly<{ second: number, rss: number, usage: number }>

/** What the process and its container take, in MiB, once a second. */
async function watch (service: Flooded, isFlooding: () => boolean): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  const rss = (): number =>
    Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'latin1'))?.[1] ?? 0) / 1024)
  for await (const second of turns(1000)) {
    if (!isFlooding()) break
    samples.push({ second, rss: rss(), usage: Math.round((service.limit?.usage() ?? NaN) / MIB) })
  }
  return samples
}

async function * turns (ms: number): AsyncGenerator<number> {
  for (let turn = 0; ; turn++) {
    yield turn
    await sleep(ms)
  }
}
