import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { loadConfig } from '../../../src/app/config.ts'
import { machineMemory, type MachineMemory } from '../../../src/base/config/machine-memory.ts'
import { limitMemory } from '../../helpers/memory-limit.ts'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const MIB = 2 ** 20
const FITTED: MachineMemory = { limitBytes: 128 * MIB, isContainer: true, heapBytes: 70 * MIB }

function checked (
  env: NodeJS.ProcessEnv,
  memory: MachineMemory
): Readonly<{ text: string, warnings: readonly string[] }> {
  const lines: string[] = []
  check([], { AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud', ...env }, { write: (text) => lines.push(text) }, (all) =>
    loadConfig(all, { memory: () => memory })
  )
  const text = lines.join('')
  return { text, warnings: [...text.matchAll(/^warning: (.*)$/gm)].map(([, warning = '']) => warning) }
}

t.test('check prints the effective default', async (t) => {
  t.match(checked({}, FITTED), { text: /^CACHE_MAX_MEMORY +13m +default$/m, warnings: { length: 0 } })
  t.match(checked({ CACHE_MAX_MEMORY: '10m' }, FITTED), {
    text: /^CACHE_MAX_MEMORY +10m +environment$/m, warnings: { length: 0 }
  })
})

t.test('warns of memory that does not fit, with what to set', async (t) => {
  const rows: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, memory: Partial<MachineMemory>, warning: RegExp]> = [
    [{ CACHE_MAX_MEMORY: '17m' }, {}, /^CACHE_MAX_MEMORY: 17m does not fit into V8's heap of 70 MiB: at most 13 MiB/],
    [
      {},
      { heapBytes: 271 * MIB },
      /^NODE_OPTIONS: this container has 128 MiB and V8 takes up to 271 MiB: set "--max-old-space-size=56 --max-semi-space-size=2"/
    ],
    [{}, { limitBytes: 96 * MIB, heapBytes: 51 * MIB },
      /^CACHE_MAX_MEMORY: this container has 96 MiB: give the service 128 MiB or more/]
  ]
  for (const [env, memory, warning] of rows) t.match(checked(env, { ...FITTED, ...memory }).warnings, [warning])
  for (const [env, memory] of rows) t.equal(checked(env, { ...FITTED, ...memory }).warnings.length, 1)
})

t.test('reads the limit of its control group, of either version', async (t) => {
  const limit = limitMemory(t, 200 * MIB)
  if (limit === undefined) return t.pass('the limit is read', { skip: 'no control group can be made here' })
  const [command = '', ...enter] = limit.enter
  const main = new URL('../../../src/base/config/machine-memory.ts', import.meta.url).href
  const script = `import('${main}').then(({ machineMemory }) => console.log(JSON.stringify(machineMemory())))`
  const { stdout } = await promisify(execFile)(command, [
    ...enter, process.execPath, ...process.execArgv, '--input-type=module', '-e', script
  ])
  t.match(JSON.parse(stdout), { limitBytes: 200 * MIB, isContainer: true }, `control groups, version ${limit.version}`)
})

t.test('takes the machine\'s memory if there is no limit', async (t) => {
  const { limitBytes, heapBytes } = machineMemory()
  t.ok(limitBytes > 0 && Number.isSafeInteger(limitBytes), `${limitBytes} bytes`)
  t.ok(heapBytes > 0)
})
