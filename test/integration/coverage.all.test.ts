import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const GATE = fileURLToPath(new URL('../coverage.mjs', import.meta.url))
const TEMPLATES = 'commands/snippet/templates'

t.test('what no test ran is not called covered, though it lies in a file that was loaded', async (t) => {
  const records = t.testdir()
  // tap has every Node that a test starts write its records to tap's own folder: env is no Node
  await run('env', ['-u', 'NODE_OPTIONS', `NODE_V8_COVERAGE=${records}`, process.execPath, MAIN, 'snippet', 'caddy'])
  const failed: unknown = await run(process.execPath, [GATE, records]).catch((error: unknown) => error)
  t.match(failed, { code: 1 }, 'the gate fails')
  const told = String((failed as { stdout?: string }).stdout)
  const percentOf = (source: string): number =>
    Number(new RegExp(`([\\d.]+) %  src/${source}\n`).exec(told)?.[1] ?? 100)
  const [asked, other] = [percentOf(`${TEMPLATES}/caddy.ts`), percentOf(`${TEMPLATES}/haproxy.ts`)]
  t.ok(other < 70 && asked > other, `more of the asked template ran than of another one: ${asked} %, ${other} %`)
  t.ok(percentOf('revocation/publisher.ts') < 1, 'and nothing of what nobody loaded')
})

t.test('what a test ran of a source is covered, though a joined file had it and ran none of it', async (t) => {
  const records = t.testdir()
  const env = { ...process.env, NODE_V8_COVERAGE: records, TAP_TIMEOUT: '600' }
  await run(process.execPath, [MAIN, 'snippet', 'caddy'], { env })
  await run(process.execPath, ['test/unit/commands/snippet.test.ts'], { env, maxBuffer: 2 ** 26 })
  const failed: unknown = await run(process.execPath, [GATE, records]).catch((error: unknown) => error)
  t.match(failed, { code: 1 }, 'two processes are not the whole')
  t.notMatch((failed as { stdout?: string }).stdout, /templates\/traefik-labels/)
})
