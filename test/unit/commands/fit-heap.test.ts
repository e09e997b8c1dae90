import t from 'tap'
import { fitHeap } from '../../../src/commands/fit-heap.ts'

const MIB = 2 ** 20
const CONTAINER = { limitBytes: 128 * MIB, isContainer: true, heapBytes: 271 * MIB }

/** @returns what the process is started over with; undefined where it is not */
function startedOver (
  memory: typeof CONTAINER,
  some: Readonly<{ env?: NodeJS.ProcessEnv, execArgv?: readonly string[] }> = {}
): readonly string[] | undefined {
  let started: readonly string[] | undefined
  const execve = (path: string, args: readonly string[], env: NodeJS.ProcessEnv): never => {
    t.strictSame([path, env], ['/node', { MALLOC_ARENA_MAX: '1', ...some.env }], 'the same program')
    started = args
    return undefined as never
  }
  fitHeap({ execPath: '/node', execArgv: [], argv: ['/node', 'main.js', 'serve'], env: {}, ...some, execve }, memory)
  return started
}

t.test('starts over in a container, with at most half of it for the old generation', async (t) => {
  t.strictSame(startedOver(CONTAINER, { execArgv: ['--enable-source-maps'] }), [
    '/node', '--max-old-space-size=56', '--max-semi-space-size=2', '--enable-source-maps', 'main.js', 'serve'
  ])
  const rows = [[32, 32, 1], [256, 128, 4], [300, 150, 4], [512, 256, 8], [1024, 512, 8], [8192, 4096, 8]] as const
  for (const [mib, old, semi] of rows) {
    t.match(startedOver({ ...CONTAINER, limitBytes: mib * MIB }),
      [/node/, `--max-old-space-size=${old}`, `--max-semi-space-size=${semi}`], `${mib} MiB`)
  }
})

t.test('re-executes Node outside of a container for the usual number of sessions', async (t) => {
  const machine = { limitBytes: 16_384 * MIB, isContainer: false, heapBytes: 4144 * MIB }
  t.match(startedOver(machine), [/node/, '--max-old-space-size=512', '--max-semi-space-size=8'])
  t.match(startedOver({ ...machine, limitBytes: 512 * MIB }), [/node/, '--max-old-space-size=256'])
  for (const env of [{ CACHE_MAX_ENTRIES: '1000000' }, { CACHE_MAX_MEMORY: '4g' }]) {
    t.match(startedOver(machine, { env }), [/node/, '--max-old-space-size=4144', '--max-semi-space-size=8'],
      'who asks for more memory keeps the heap that V8 chose')
  }
  for (const env of [{ CACHE_MAX_ENTRIES: '', CACHE_MAX_MEMORY: '' }, { CACHE_MAX_ENTRIES: '1000' }]) {
    t.match(startedOver(machine, { env }), [/node/, '--max-old-space-size=512'], 'which these do not')
  }
})

t.test('keeps the number of arenas that the operator set', async (t) => {
  t.match(startedOver(CONTAINER, { env: { MALLOC_ARENA_MAX: '4' } }), [/node/])
})

t.test('does not re-execute Node if the operator set a limit', async (t) => {
  t.equal(startedOver(CONTAINER, { env: { NODE_OPTIONS: '--import x --max_old_space_size=100' } }), undefined)
  t.equal(
    startedOver(CONTAINER, { execArgv: ['--max-old-space-size=56'] }), undefined, 'as it is after it started over'
  )
})

t.test('does not start over where a parent has a channel to it', async (t) => {
  let isStartedOver = false
  const execve = (): never => { isStartedOver = true; return undefined as never }
  fitHeap({ execPath: '/node', execArgv: [], argv: [], env: {}, send: () => true, execve }, CONTAINER)
  t.equal(isStartedOver, false)
})

t.test('goes on as it is where Node cannot start over', async () => {
  fitHeap({ execPath: '/node', execArgv: [], argv: [], env: {} }, CONTAINER)
})

t.test('keeps what the user set beside the size of the heap', async (t) => {
  t.equal(startedOver(CONTAINER, { env: { NODE_OPTIONS: '--max-heap-size=80' } }), undefined)
  t.strictSame(startedOver(CONTAINER, { env: { NODE_OPTIONS: '--max-semi-space-size=8' } }), [
    '/node', '--max-old-space-size=56', 'main.js', 'serve'
  ])
})

t.test('goes on where Node\'s permission model forbids to start over', async (t) => {
  const execve = (): never => { throw new Error('Access to this API has been restricted') }
  t.doesNotThrow(() => fitHeap({ execPath: '/node', execArgv: [], argv: [], env: {}, execve }, CONTAINER))
})
