import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { Session } from 'node:inspector/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const SRC = join(import.meta.dirname, '../../src')
const BASE = join(SRC, 'base')
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/inside/architecture.md'), 'utf8')
/** The page lists the files, each as its path in src/base/, behind the name of this one. */
const [, LIST = ''] = /hot-path[.]test[.]ts`(.*?)^## /ms.exec(PAGE) ?? []
const [MAX_FILES, MAX_FUNCTIONS] = [20, 60]

/** @returns the functions of src/ that ran in each of so many works, as `file: name` */
async function ranInEach (times: number, work: () => Promise<void>): Promise<readonly string[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  for (let done = 0; done < times; done++) await work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  const ours = result.filter(({ url }) => url.startsWith('file:') && fileURLToPath(url).startsWith(`${SRC}/`))
  return ours.flatMap(({ url, functions }) => functions
    .filter(({ ranges: [range] }) => range !== undefined && range.startOffset > 0) // else the module
    .filter(({ ranges: [range] }) => (range?.count ?? 0) >= times)
    .map(({ functionName }) => `${relative(BASE, fileURLToPath(url)).replace(/[.]ts$/, '')}: ${functionName}`))
}

t.test('a hit runs through the files of docs/inside/architecture.md, and few functions', async (t) => {
  const [simulator, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const { port, service } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    CACHE_TTL: '10m',
    LOG_LEVEL: 'info',
    clock: manualClock() // a poll that comes late makes no hit a miss
  })
  await until('Redis is used', () => service.redisState() === 'up')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  const headers = [['Cookie', `session=${demo.alice.cookie}`]] as const
  const hit = async (): Promise<void> => {
    t.equal((await ask(port, { path: '/verify', headers, agent })).headers['x-forward-auth-source'], 'memory')
  }
  // its head is kept from the second one on
  await ask(port, { path: '/verify', headers, agent })
  for (let i = 0; i < 3; i++) await hit()
  redis.pause() // on a busy machine a poll of the log runs beside every hit
  // other timers may beside some: none does so beside as many as these
  const ran = await ranInEach(100, hit)
  const files = [...new Set(ran.map((one) => one.split(':')[0] ?? ''))].toSorted()
  t.strictSame([...LIST.matchAll(/`([a-z-]+(?:\/[a-z-]+)*)`/g)].map(([, file]) => file).toSorted(), files)
  t.ok(files.length <= MAX_FILES && ran.length <= MAX_FUNCTIONS, `${files.length} files, ${ran.length} functions`)
})
