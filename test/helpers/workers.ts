import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild, type Child } from './child.ts'
import { startProcess, type Service, type Starting } from './process.ts'
import { startRedis, type RedisServer } from './redis.ts'
import { seriesOf } from './series.ts'
import { startSimulator, type RunningSimulator } from './simulator.ts'
import { until } from './until.ts'

export type Workers = Readonly<{
  service: Service
  simulator: RunningSimulator
  redis: RedisServer
  environment: Readonly<Record<string, string>>
}>

const MAIN = join(import.meta.dirname, '../../dist/main.js')

/** A replica of two workers that may not serve yet, or never will. */
export function startUnready (
  t: Test,
  env: Readonly<Record<string, string>>,
  ready: (output: string) => boolean
): Promise<Child> {
  return startChild(t, {
    name: 'forward-auth',
    command: process.execPath,
    args: [MAIN],
    env: { WORKERS: '2', CACHE_SECRET: 'none', ...env },
    ready
  })
}

/** A replica of two workers in front of a simulated Authgear, once both serve. */
export async function startWorkers (
  t: Test,
  env: Readonly<Record<string, string>> = {},
  starting: Starting = {}
): Promise<Workers> {
  const [simulator, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const environment = {
    WORKERS: '2',
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_TIMEOUT: '60s', // a question waits while another worker is replaced, however slow this machine is
    CACHE_TTL: '5m',
    REDIS_URL: redis.url,
    REDIS_TIMEOUT: '1s',
    CACHE_SECRET: 'a secret of the tests, 32 bytes!',
    SHUTDOWN_DELAY: '0s',
    ...env
  }
  const service = await startProcess(t, environment, starting)
  await allServe(service)
  return { service, simulator, redis, environment }
}

/** Both workers serve. */
export async function allServe (service: Service): Promise<void> {
  await until('all workers serve', async () => await metric(service, 'forward_auth_workers') === 2)
}

export async function metrics ({ managementUrl }: Service): Promise<ReadonlyMap<string, number>> {
  return seriesOf(await (await fetch(`${managementUrl}/metrics`)).text())
}

export const metric = async (service: Service, name: string): Promise<number> => (await metrics(service)).get(name) ?? 0

/** The process ids of the workers. */
export const workersOf = ({ pid }: Pick<Service, 'pid'>): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter((id) => id !== '').map(Number)

/** Which workers printed a line with these words, by their places. */
export function placesOf (service: Service, words: string): ReadonlySet<number> {
  const lines = service.logs().split('\n').filter((line) => line.startsWith('{') && line.includes(words))
  return new Set(lines.flatMap((line) => (JSON.parse(line) as { worker?: number }).worker ?? []))
}

/** Asks on connection after connection, until each worker has refused somebody: it is as the kernel gives them. */
export async function untilBothAnswer (service: Service, ask: () => Promise<unknown>): Promise<void> {
  await until('both workers answer', async () => {
    await ask()
    return placesOf(service, '"reason":"no_credentials"').size === 2
  })
}

/** Kills that worker, and waits until another one serves in its place. */
export async function killWorker (service: Service, pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await until('the worker is gone', () => !workersOf(service).includes(pid))
  await allServe(service)
}
