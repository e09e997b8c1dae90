import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { loadConfig } from '../../../src/config/index.ts'

const ENDPOINT = 'https://myapp.authgear.cloud'
const SECRET = 'k'.repeat(32)

function run (env: NodeJS.ProcessEnv): Readonly<{ code: number, text: string, warned: readonly string[] }> {
  const lines: string[] = []
  const code = check([], { AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, { write: (text) => lines.push(text) }, (all) =>
    loadConfig(all, {
      memory: () => ({ limitBytes: 2 ** 30, isContainer: false, heapBytes: 2 ** 29 }),
      nodeVersion: '24.2.0'
    })
  )
  const text = lines.join('')
  return { code, text, warned: [...text.matchAll(/^warning: (\w+)/gm)].map(([, name = '']) => name) }
}

t.test('the effective configuration is a table: name, value, where it comes from', async (t) => {
  const { code, text } = run({ CACHE_TTL: '1m', REDIS_URL: 'redis://u:pw-of-redis@redis', CACHE_SECRET: SECRET })
  t.equal(code, 0)
  for (const line of [
    /^variable +value +from$/m,
    /^CACHE_TTL +1m +environment$/m,
    /^CACHE_NEGATIVE_TTL +5s +default$/m,
    /^CACHE_SECRET +\*{8} +environment$/m,
    /^AUTHGEAR_RESOLVER_URL +https:\/\/myapp\.authgear\.cloud\/_resolver\/resolve +default$/m,
    /^AUTHGEAR_APP_ID +– +default$/m
  ]) {
    t.match(text, line)
  }
  for (const secret of [SECRET, 'pw-of-redis']) t.notMatch(text, secret)
  t.match(text, /^note: today's Authgear sends no amr/m)
})

const DANGERS: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, warned: readonly string[]]> = [
  [{}, []],
  [{ REDIS_URL: 'redis://redis', CACHE_SECRET: 'none' }, ['CACHE_SECRET']],
  [{ AUTHGEAR_WEBHOOK_SECRET: 'a webhook secret' }, ['AUTHGEAR_WEBHOOK_SECRET']],
  [{ TRUSTED_PROXIES: '0.0.0.0/1,::/1' }, ['TRUSTED_PROXIES', 'TRUSTED_PROXIES']],
  [{ MANAGEMENT_LISTEN: '203.0.113.7:4181' }, ['MANAGEMENT_LISTEN']],
  [{ CACHE_NEGATIVE_TTL: '1m' }, ['CACHE_NEGATIVE_TTL']],
  [{ AUTHGEAR_ENDPOINT: 'http://auth.example.com' }, ['AUTHGEAR_ENDPOINT']],
  [{ AUTHGEAR_ENDPOINT: 'http://auth.example.com:3000' }, ['AUTHGEAR_ENDPOINT']],
  [{ AUTHGEAR_ENDPOINT: 'http://203.0.113.7' }, ['AUTHGEAR_ENDPOINT']],
  ...['localhost:3000', 'auth.localhost', '127.0.0.1', '127.8.9.1:3000', '[::1]:3000', 'authgear', 'authgear:3000',
    'authgear.default.svc', 'authgear.default.svc.cluster.local:3000', 'auth.internal']
    .map((host) => [{ AUTHGEAR_ENDPOINT: `http://${host}` }, []] as const)
]

t.test('each dangerous combination is a warning and no error', async (t) => {
  for (const [env, warned] of DANGERS) t.match(run(env), { code: 0, warned }, JSON.stringify(env))
  for (const [env, warned] of DANGERS) t.equal(run(env).warned.length, warned.length)
})

t.test('what is wrong is printed all at once, and nothing else', async (t) => {
  const { code, text } = run({ CACHE_TTL: '1', LISTEN: '4180' })
  t.equal(code, 1)
  t.match(text, /^error: LISTEN: .*\nerror: CACHE_TTL: .*\n$/)
})
