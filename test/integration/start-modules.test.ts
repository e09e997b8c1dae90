import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const DIST = new URL('../../dist/', import.meta.url).href

/** Starts what users start in a process of its own, and prints what it loaded until it serves. */
const SCRIPT = `
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
  await import('${DIST}main.js')
  console.log(JSON.stringify({ loaded, builtin: process.moduleLoadList }))
  process.exit()
`

const SETTINGS = {
  AUTHGEAR_ENDPOINT: 'http://127.0.0.1:9',
  LISTEN: '127.0.0.1:0',
  MANAGEMENT_LISTEN: '127.0.0.1:0',
  LOG_LEVEL: 'error',
  CACHE_MAX_MEMORY: '64m' // else the process would start over with limits for its heap
}

/**
 * Each file that Node looks up, reads and links takes it 1 ms at most; the source has over 300. Each part or command
 * that is loaded only where it is on makes some more, of what it shares with others.
 */
const MAX_OWN_FILES = 80

/** Each with what it is for; all of them are there for somebody who uses that. */
const LATER: ReadonlyArray<readonly [name: string, what: string]> = [
  ['/ajv/', 'JSON schemas: no route has one'],
  ['/@fastify/ajv-compiler/', 'JSON schemas: no route has one'],
  ['/@fastify/fast-json-stringify-compiler/', 'JSON schemas: no route has one'],
  ['/undici/lib/web/', 'fetch and WebSocket: nothing here uses them'],
  ['/marked/', 'the runbook, when somebody opens it'],
  ['/ioredis/', 'REDIS_URL'],
  ['/jose/', 'resource tokens and assertions'],
  ['/@grpc/', 'LISTEN_GRPC'],
  ['/@opentelemetry/sdk-trace-base/', 'traces'],
  ['/@peculiar/', 'certificates']
]

t.test('a start loads nothing that its settings do not use', async (t) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--max-old-space-size=256', '--input-type=module', '--eval', SCRIPT],
    { env: { ...process.env, ...SETTINGS }, maxBuffer: 2 ** 24 }
  )
  const { loaded, builtin } = JSON.parse(stdout) as { loaded: string[], builtin: string[] }
  t.ok(loaded.some((url) => url.includes('/fastify/')), 'the list is one')
  const ours = loaded.filter((url) => url.startsWith(DIST))
  t.ok(ours.length > 0 && ours.length <= MAX_OWN_FILES, `few files are ours: ${ours.length}`)
  for (const [name, what] of LATER) t.strictSame(loaded.filter((url) => url.includes(name)), [], `${name}: ${what}`)
  const second = builtin.filter((name) => name.endsWith(' internal/deps/undici/undici'))
  t.strictSame(second, [], 'Node\'s own undici, which an import of node:http loads, and undici\'s index')
})
