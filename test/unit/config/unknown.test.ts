import t from 'tap'
import { nearest } from '../../../src/base/config/unknown.ts'
import { variables } from '../../../src/app/config.ts'
import { errorsOf, holds, load, type Row } from './helpers.ts'

const typos: readonly (readonly [name: string, meant: string])[] = [
  ['AUTHGEAR_ENDPIONT', 'AUTHGEAR_ENDPOINT'],
  ['AUTHGAER_ENDPOINT', 'AUTHGEAR_ENDPOINT'],
  ['AUTGHEAR_ENDPIONT', 'AUTHGEAR_ENDPOINT'],
  ['UTHGEAR_ENDPOINT', 'AUTHGEAR_ENDPOINT'],
  ['REDISURL', 'REDIS_URL'],
  ['REDIS_URI', 'REDIS_URL'],
  ['CAHCE_SECRET', 'CACHE_SECRET'],
  ['CACHE_TLL', 'CACHE_TTL'],
  ['CACHE_SECRET_FIEL', 'CACHE_SECRET_FILE'],
  ['REDIS_PASSWROD', 'REDIS_PASSWORD'],
  ['REDIS_SENTINEL', 'REDIS_SENTINELS'],
  ['REDIS_CLUSTERS', 'REDIS_CLUSTER'],
  ['MANAGEMENT_LISTN', 'MANAGEMENT_LISTEN'],
  ['PREFLIGHTS', 'PREFLIGHT'],
  ['TRUST_PROXIES', 'TRUSTED_PROXIES'],
  ['IDENTITY_HEADER', 'IDENTITY_HEADERS'],
  ['IDENTITY_USR', 'IDENTITY_USER'],
  ['ABSENT_HEADER', 'ABSENT_HEADERS'],
  ['SHUTDOWN_DELEY', 'SHUTDOWN_DELAY']
]

t.test('a slip in a name stops the start and says which one was meant', async (t) => {
  for (const [name, meant] of typos) {
    const error = `${name}: is not a variable of this service: did you mean ${meant}?`
    t.strictSame(errorsOf(load({ [name]: 'hunter2' })), [error])
  }
})

const warningsFor = (env: NodeJS.ProcessEnv): readonly string[] => {
  const loaded = load(env)
  return loaded.kind === 'ok' ? loaded.warnings.filter((text) => /not variables of|no effect any more/.test(text)) : ['no start']
}

/** Names of other programs in one environment, and what is meant where it is meant for this service. */
const foreign: readonly (readonly [name: string, meant: string | undefined])[] = [
  ['CLIENT_ID', undefined],
  ['DATABASE_URL', undefined],
  ['LOGLEVEL', undefined],
  ['REDIS_TLS_URL', 'REDIS_URL'],
  ['TRUSTED_HOSTS', 'TRUSTED_PROXIES'],
  ['CACHE_URL', 'CACHE_TTL'],
  ['AUTHGEAR_CLIENT_ID', 'LOGIN_CLIENT_ID'],
  ['AUTHGEAR_URL', 'AUTHGEAR_ENDPOINT'],
  ['REDIS_HOST', 'REDIS_URL=redis://redis:6379'],
  ['REDIS_DB', 'REDIS_URL=redis://redis:6379/0'],
  ['REDIS_PASS', 'REDIS_PASSWORD'],
  ['TRUSTED_PROXY', 'TRUSTED_PROXIES'],
  ['EXT_AUTHZ_POLICIES', 'EXT_AUTHZ_POLICY']
]

t.test('a name of another program does not stop the start', async (t) => {
  for (const [name, meant] of foreign) {
    const expected = meant === undefined
      ? []
      : [`not variables of this service, and ignored: ${name} (did you mean ${meant}?)`]
    t.strictSame(warningsFor({ [name]: 'hunter2' }), expected, name)
  }
  const all = warningsFor(Object.fromEntries(foreign.map(([name]) => [name, 'hunter2'])))
  t.equal(all.length, 1, 'one warning for all')
  t.notMatch(all[0], 'hunter2')
})

t.test('a name for a number of workers says how to run more than one', async (t) => {
  t.match(errorsOf(load({ WORKER: '2' })), [/^WORKER: is not a variable of this service: .*run more replicas/])
})

t.test('a variable that is gone says what to do instead, whatever its value', async (t) => {
  for (const value of ['1', '4', 'auto']) {
    t.match(errorsOf(load({ WORKERS: value })), [/^WORKERS: is gone: .*run more replicas.*docs\/operations\.md/])
  }
  t.strictSame(errorsOf(load({ WORKERS: '' })), [])
})

const injected: NodeJS.ProcessEnv = {
  REDIS_SERVICE_HOST: '10.0.0.1',
  REDIS_SERVICE_PORT: '6379',
  REDIS_SERVICE_PORT_TCP_REDIS: '6379',
  REDIS_PORT: 'tcp://10.0.0.1:6379',
  REDIS_CLUSTER_SERVICE_HOST: '10.0.0.1',
  REDIS_CLUSTER_PORT: 'tcp://10.0.0.1:6379',
  REDIS_CLUSTER_PORT_6379_TCP_ADDR: '10.0.0.1',
  REDIS_SENTINEL_SERVICE_PORT_TCP_SENTINEL: '26379',
  REDIS_SENTINEL_NAME: '/web/redis-sentinel',
  REDIS_SENTINELS_NAME: '/web/redis-sentinels',
  REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
  REDIS_PORT_6379_TCP_PROTO: 'tcp',
  REDIS_PORT_6379_TCP_PORT: '6379',
  REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
  REDIS_NAME: '/forward-auth/redis',
  REDIS_ENV_REDIS_VERSION: '7',
  AUTHGEAR_PORT: 'tcp://10.0.0.2:80',
  AUTHGEAR_PORT_80_TCP_ADDR: '10.0.0.2',
  AUTHGEAR_RESOLVER_SERVICE_HOST: '10.0.0.3',
  AUTHGEAR_RESOLVER_SERVICE_PORT_HTTP: '3001',
  AUTHGEAR_RESOLVER_PORT: 'tcp://10.0.0.3:3001',
  AUTHGEAR_RESOLVER_PORT_3001_TCP: 'tcp://10.0.0.3:3001',
  CACHE_MASTER_NAME: '/web/cache',
  CACHE_PORT_53_UDP_ADDR: '10.0.0.4',
  LOGIN_SERVICE_HOST: '10.0.0.5',
  LISTEN_FDS: '1',
  LISTEN_PID: '7',
  LISTEN_FDNAMES: 'a',
  LISTEN_PIDFDID: '9',
  CACHE_DIRECTORY: '/var/cache/forward-auth'
}

t.test('ignores unknown variables of the platform, refuses mistyped ones', async (t) => {
  holds(t, Object.entries(injected).map(([name, value]): Row => [{ [name]: value }, []]))
  const written: readonly Row[] = [
    [{ REDIS_SENTINEL_NAME: 'mymaster' }, /^REDIS_SENTINEL_NAME: /]
  ]
  holds(t, written)
})

t.test('ignores other programs\' variables', async t => {
  const theirs = [
    'LOG_COLOR', 'LOG_LEVELS', 'CACHED', 'REDISCOVER', 'LISTENER', 'MANAGE_PY', 'EXT_DIR', 'TRUST', 'WORKER_ID'
  ]
  t.strictSame(errorsOf(load({ PATH: '/bin', ...Object.fromEntries(theirs.map((name) => [name, 'x'])) })), [])
})

t.test('ignores Azure\'s variables for an identity', async (t) => {
  const azure = { IDENTITY_ENDPOINT: 'http://127.0.0.1/msi', IDENTITY_API_VERSION: 'x', IDENTITY_SERVER_THUMBPRINT: 'x' }
  for (const env of [azure, { ...azure, IDENTITY_HEADER: 'x' }]) {
    t.strictSame(errorsOf(load(env)), [])
  }
  t.match(errorsOf(load({ IDENTITY_HEADER: 'x' })), [/did you mean IDENTITY_HEADERS\?/])
})

t.test('one letter too few in any name of ours is noticed', async (t) => {
  for (const name of Object.keys(variables).filter((name) => !name.startsWith('LOG_'))) {
    const typo = name.slice(0, -1)
    if (typo in variables) continue
    t.match(errorsOf(load({ [typo]: 'x' })), [new RegExp(`^${typo}: is not a variable`)], typo)
  }
})

t.test('a variable that became a constant is a warning, and its value is not repeated', async (t) => {
  t.strictSame(warningsFor({ CACHE_REFRESH_AHEAD: 'hunter2' }), [
    'CACHE_REFRESH_AHEAD: has no effect any more: sessions in use are refreshed after 80 % of their time-to-live'
  ])
  t.strictSame(warningsFor({ CACHE_REFRESH_AHEAD: '' }), [])
})

t.test('a name that could forge a line is printed escaped', async t => {
  t.match(warningsFor({ 'CACHE_\nerror: x': '1' }), [/ignored: "CACHE_\\nerror: x" \(/])
})

t.test('the nearest name counts a swap as one edit', async t => {
  t.equal(nearest('ab', ['xb', 'ba']), 'xb', 'of equals the first')
  t.equal(nearest('abcd', ['axyd', 'acbd']), 'acbd')
  t.equal(nearest('a', []), undefined)
})
