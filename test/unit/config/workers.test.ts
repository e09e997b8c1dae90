import t from 'tap'
import { loadConfig } from '../../../src/config/index.ts'
import { fitHeap, flagsOfWorkers } from '../../../src/commands/fit-heap.ts'
import type { MachineMemory } from '../../../src/config/machine-memory.ts'

const MIB = 2 ** 20
const ENV = { AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' }
const REDIS = { ...ENV, REDIS_URL: 'redis://redis:6379', CACHE_SECRET: 'a secret of the tests, 32 bytes!' }
const CONTAINER: MachineMemory = { limitBytes: 1088 * MIB, isContainer: true, heapBytes: 560 * MIB }

function config (env: NodeJS.ProcessEnv, machine: Parameters<typeof loadConfig>[1] = {}) {
  const loaded = loadConfig(env, { cores: () => 4, ...machine })
  if (loaded.kind === 'errors') throw new Error(loaded.errors.join('\n'))
  return loaded.config
}

t.test('auto is one worker a core, and one where they have nothing to share', async (t) => {
  t.equal(config(REDIS).workers, 1)
  t.equal(config({ ...REDIS, WORKERS: '3' }).workers, 3)
  t.equal(config({ ...REDIS, WORKERS: 'auto' }).workers, 4)
  t.equal(config({ ...ENV, WORKERS: 'auto' }).workers, 1)
  const many = { ...CONTAINER, limitBytes: 2 ** 40 }
  const auto = (memory: MachineMemory): number =>
    config({ ...REDIS, WORKERS: 'auto' }, { cores: () => 128, memory: () => memory }).workers
  t.equal(auto(many), 64, 'no more than may be written')
  t.equal(auto(CONTAINER), 8, 'as many as its memory is enough for')
  t.equal(auto({ ...CONTAINER, limitBytes: 100 * MIB }), 1)
})

t.test('says what is wrong, and what to write', async (t) => {
  const rows: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, error: RegExp]> = [
    [{ ...ENV, WORKERS: '2' }, /^WORKERS: is 2, and workers share what they remember .* set REDIS_URL, .* or write 1$/],
    ...['0', '65', '-1', '1.5', 'all'].map((text) =>
      [{ ...REDIS, WORKERS: text }, /^WORKERS: .* is neither a whole number from 1 to 64 nor auto/] as const)
  ]
  for (const [env, error] of rows) {
    const loaded = loadConfig(env)
    t.match(loaded.kind === 'errors' ? loaded.errors : [], [error], `WORKERS=${env['WORKERS'] ?? ''}`)
  }
})

t.test('what is bounded is divided among the workers', async (t) => {
  const env = {
    ...REDIS,
    CACHE_MAX_MEMORY: '100m',
    CACHE_MAX_ENTRIES: '1000',
    AUTHGEAR_MAX_CONCURRENCY: '10',
    AUTHGEAR_MAX_QUEUE: '0'
  }
  t.match(config({ ...env, WORKERS: '4' }), {
    cache: { maxBytes: 25 * MIB, maxEntries: 250 },
    authgear: { maxConcurrency: 3, maxQueue: 0, failuresPerMinute: 150 }
  })
  t.match(config({ ...REDIS, WORKERS: '2', AUTHGEAR_FAILURES_PER_MINUTE: '0' }), { authgear: { failuresPerMinute: 0 } })
})

t.test('warns where a share does not fit into a worker, and not where it does', async (t) => {
  const rows: ReadonlyArray<readonly [budget: string, warned: boolean]> = [['160m', false], ['400m', true]]
  for (const [budget, warned] of rows) {
    const env = { ...REDIS, WORKERS: '4', CACHE_MAX_MEMORY: budget }
    const loaded = loadConfig(env, { memory: () => CONTAINER })
    const warnings = loaded.kind === 'ok' ? loaded.warnings : []
    t.equal(warnings.some((text) => text.startsWith('CACHE_MAX_MEMORY: ')), warned, `${budget}: ${warnings.join('; ')}`)
  }
})

t.test('memory too: each has its share of a container beside the primary', async (t) => {
  const memory = (): MachineMemory => CONTAINER
  t.equal(config({ ...REDIS, WORKERS: '4' }, { memory }).cache.maxBytes, 42 * MIB)
  const self = { execPath: 'node', execArgv: [], argv: [], env: {} }
  t.strictSame(flagsOfWorkers(self, CONTAINER, 4), ['--max-old-space-size=128', '--max-semi-space-size=4'])
  const given = ['--max-old-space-size=99']
  t.strictSame(flagsOfWorkers({ ...self, execArgv: given }, CONTAINER, 4), given)
  t.strictSame(flagsOfWorkers({ ...self, env: { NODE_OPTIONS: '--max-old-space-size=9' } }, CONTAINER, 4), [])
  const outside = { ...CONTAINER, limitBytes: 16_384 * MIB, isContainer: false }
  t.strictSame(flagsOfWorkers(self, outside, 4), ['--max-old-space-size=512', '--max-semi-space-size=8'])
  fitHeap(self, CONTAINER) // without execve it does nothing
})
