import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const GATE = fileURLToPath(new URL('../coverage.mjs', import.meta.url))
const TEMPLATES = 'commands/snippet/templates'

type Percent = (source: string) => number

/** What the gate says of these records, which are too few for it. */
async function gateOf (t: Test, records: string): Promise<Percent> {
  const failed: unknown = await run(process.execPath, [GATE, records]).catch((error: unknown) => error)
  t.match(failed, { code: 1 }, 'the gate fails')
  const told = String((failed as { stdout?: string }).stdout)
  return (source) => Number(new RegExp(`([\\d.]+) %  src/${source}\n`).exec(told)?.[1] ?? 100)
}

/** tap's own runner has every Node that a test starts write its records to tap's folder: env is no Node. */
const runRecorded = (records: string, ...args: readonly string[]): Promise<unknown> =>
  run('env', ['-u', 'NODE_OPTIONS', `NODE_V8_COVERAGE=${records}`, 'TAP_TIMEOUT=600', process.execPath, ...args], {
    maxBuffer: 2 ** 26
  })

t.test('what no test ran is not called covered, though it lies in a file that was loaded', async (t) => {
  const records = t.testdir()
  await runRecorded(records, MAIN, 'snippet', 'caddy')
  const percentOf = await gateOf(t, records)
  const [asked, other] = [percentOf(`${TEMPLATES}/caddy.ts`), percentOf(`${TEMPLATES}/haproxy.ts`)]
  t.ok(other < 70 && asked > other, `more of the asked template ran than of another one: ${asked} %, ${other} %`)
  t.ok(percentOf('base/revocation/publisher.ts') < 1, 'and nothing of what nobody loaded')
})

t.test('what a test ran of a source is covered, though a joined file ran nothing of it', async (t) => {
  const records = t.testdir()
  await runRecorded(records, MAIN, 'snippet', 'caddy')
  await runRecorded(records, 'test/unit/commands/snippet.test.ts')
  writeFileSync(join(records, 'coverage-0-killed.json'), '{"result":[{"scriptId":"3"')
  t.ok((await gateOf(t, records))(`${TEMPLATES}/haproxy.ts`) > 80)
})
