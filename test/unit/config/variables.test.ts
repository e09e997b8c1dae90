import t from 'tap'
import { loadConfig } from '../../../src/app/config.ts'
import { rows } from '../../../src/app/config.ts'
import { configOf, ENDPOINT, errorsOf, holds, load, type Row } from './helpers.ts'

t.test('with the one required variable everything else has its default', async t => {
  const { parts, ...base } = configOf(load({}))
  t.ok(parts.every(({ claims, sends }) => claims.listens === undefined && sends === undefined), 'none listens or sends')
  t.strictSame(base, {
    authgear: {
      endpoint: { origin: ENDPOINT, host: 'myapp.authgear.cloud', scheme: 'https' },
      resolverUrl: `${ENDPOINT}/_resolver/resolve`,
      cookiePrefix: '',
      timeoutMs: 2_000,
      maxConcurrency: 64,
      maxQueue: 1_024,
      failuresPerMinute: 600,
      waitingBytes: 17.5 * 2 ** 20,
      ca: undefined,
      webhookSecret: undefined,
      previousWebhookSecret: undefined,
      appId: undefined
    },
    adminApi: undefined,
    listen: { kind: 'tcp', host: '0.0.0.0', port: 4180 },
    management: { kind: 'tcp', host: '127.0.0.1', port: 4181 },
    managementToken: undefined,
    managementHosts: [],
    tls: undefined,
    listeners: { unfinishedBytes: 32 * 2 ** 20, maxConnections: 2048 },
    trustedProxies: ['loopback', 'linklocal', 'uniquelocal'],
    cache: {
      ttlMs: 30_000,
      negativeTtlMs: 5_000,
      degradedTtlMs: 5_000,
      staleIfErrorMs: 0,
      maxEntries: 100_000,
      maxBytes: 48 * 2 ** 20,
      secret: undefined,
      previousSecret: undefined
    },
    redis: undefined,
    identity: { headers: { usual: [], all: [] }, user: 'user_id', encoding: 'percent' },
    absentHeaders: 'empty',
    extAuthzPolicy: 'optional',
    extAuthzLocation: 'forwarded',
    preflight: 'deny',
    shutdownDelayMs: 0,
    logFormat: 'json',
    logLevel: 'info'
  })
})

/** Groups whose settings stand side by side in `Config` (assemble.ts). */
const SIDE_BY_SIDE = new Set(['Listeners', 'Resource tokens', 'Events', 'Service'])

t.test('each variable has a name of its own where it stands', async t => {
  const names = rows.map(({ group, variable }) => `${SIDE_BY_SIDE.has(group) ? '' : group} ${variable.as}`)
  t.strictSame(names.filter((name, at) => names.indexOf(name) !== at), [])
})

t.test('the configuration is frozen to its depth', async t => {
  const config = configOf(load({}))
  const parts = [config, config.authgear, config.authgear.endpoint, config.listen, config.trustedProxies, config.cache]
  t.ok(parts.every(part => Object.isFrozen(part)))
})

t.test('an unset endpoint is an error that says what to set', async t => {
  t.match(errorsOf(loadConfig({})), [/^AUTHGEAR_ENDPOINT: is required.*https:\/\/myapp/])
})

const GOOD: readonly Row[] = [
  [{ AUTHGEAR_ENDPOINT: 'HTTPS://MyApp.Authgear.Cloud:443/' },
    { authgear: { endpoint: { origin: ENDPOINT, host: 'myapp.authgear.cloud', scheme: 'https' } } }],
  [{ AUTHGEAR_ENDPOINT: 'http://localhost:3000' },
    { authgear: { endpoint: { origin: 'http://localhost:3000', host: 'localhost:3000', scheme: 'http' } } }],
  [{ AUTHGEAR_ENDPOINT: 'http://[::1]:3000' },
    { authgear: { endpoint: { origin: 'http://[::1]:3000', host: '[::1]:3000', scheme: 'http' } } }],
  [{ AUTHGEAR_RESOLVER_URL: 'http://authgear-resolver:3001/resolve' },
    { authgear: { resolverUrl: 'http://authgear-resolver:3001/resolve' } }],
  [{ AUTHGEAR_COOKIE_PREFIX: 'my-app_' }, { authgear: { cookiePrefix: 'my-app_' } }],
  [{ AUTHGEAR_TIMEOUT: '100ms' }, { authgear: { timeoutMs: 100 } }],
  [{ AUTHGEAR_TIMEOUT: ' 1m ' }, { authgear: { timeoutMs: 60_000 } }],
  [{ AUTHGEAR_MAX_CONCURRENCY: '1' }, { authgear: { maxConcurrency: 1 } }],
  [{ AUTHGEAR_MAX_QUEUE: '0' }, { authgear: { maxQueue: 0 } }],
  [{ MANAGEMENT_HOSTS: 'Status.Example.com, *.corp.example.com' },
    { managementHosts: ['status.example.com', '*.corp.example.com'] }],
  [{ LISTEN: 'localhost:8080' }, { listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 } }],
  [{ LISTEN: 'LocalHost:8080' }, { listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 } }],
  [{ LISTEN: '127.0.0.1:0' }, { listen: { kind: 'tcp', host: '127.0.0.1', port: 0 } }],
  [{ LISTEN: '[::]:4180' }, { listen: { kind: 'tcp', host: '::', port: 4180 } }],
  [{ LISTEN: 'unix:/run/verify.sock' }, { listen: { kind: 'unix', path: '/run/verify.sock' } }],
  [{ LISTEN: 'unix:///run/verify.sock' }, { listen: { kind: 'unix', path: '/run/verify.sock' } }],
  [{ MANAGEMENT_LISTEN: 'off' }, { management: undefined }],
  [{ MANAGEMENT_LISTEN: '0.0.0.0:9000' }, { management: { kind: 'tcp', host: '0.0.0.0', port: 9000 } }],
  [{ TRUSTED_PROXIES: 'none' }, { trustedProxies: [] }],
  [{ TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8,192.0.2.1,loopback' },
    { trustedProxies: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1', 'loopback'] }],
  [{ CACHE_TTL: '0' }, { cache: { ttlMs: 0 } }],
  [{ CACHE_TTL: '10m' }, { cache: { ttlMs: 600_000 } }],
  [{ CACHE_NEGATIVE_TTL: '0s' }, { cache: { negativeTtlMs: 0 } }],
  [{ CACHE_STALE_IF_ERROR: '0' }, { cache: { staleIfErrorMs: 0 } }],
  [{ CACHE_STALE_IF_ERROR: '15m' }, { cache: { staleIfErrorMs: 900_000 } }],
  [{ AUTHGEAR_FAILURES_PER_MINUTE: '60' }, { authgear: { failuresPerMinute: 60 } }],
  [{ CACHE_MAX_ENTRIES: '5' }, { cache: { maxEntries: 5 } }],
  [{ CACHE_MAX_MEMORY: '1048576' }, { cache: { maxBytes: 2 ** 20 } }],
  [{ CACHE_MAX_MEMORY: '2048k' }, { cache: { maxBytes: 2 ** 21 } }],
  [{ CACHE_MAX_MEMORY: '20M' }, { cache: { maxBytes: 20 * 2 ** 20 } }],
  [{ CACHE_MAX_MEMORY: '1g' }, { cache: { maxBytes: 2 ** 30 } }],
  [{ ABSENT_HEADERS: 'omit' }, { absentHeaders: 'omit' }],
  [{ PREFLIGHT: 'allow' }, { preflight: 'allow' }],
  [{ EXT_AUTHZ_POLICY: 'required' }, { extAuthzPolicy: 'required' }],
  [{ EXT_AUTHZ_LOCATION: 'forwarded' }, { extAuthzLocation: 'forwarded' }],
  [{ PREFLIGHT: 'deny' }, { preflight: 'deny' }],
  [{ SHUTDOWN_DELAY: '5s' }, { shutdownDelayMs: 5_000 }],
  [{ LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
  [{ LOG_FORMAT: 'pretty' }, { logFormat: 'pretty' }],
  [{ LOG_FORMAT: 'json' }, { logFormat: 'json' }]
]

t.test('each variable is understood', async (t) => holds(t, GOOD))

const BAD: readonly Row[] = [
  [{ AUTHGEAR_ENDPOINT: 'myapp.authgear.cloud' }, /^AUTHGEAR_ENDPOINT: .*must begin with https/],
  [{ AUTHGEAR_ENDPOINT: '"https://myapp.authgear.cloud"' }, /^AUTHGEAR_ENDPOINT: .*quotation marks/],
  [{ AUTHGEAR_ENDPOINT: 'ftp://myapp.authgear.cloud' }, /^AUTHGEAR_ENDPOINT: .*must begin with https/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud/_resolver' }, /^AUTHGEAR_ENDPOINT: .*origin only/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud//' }, /^AUTHGEAR_ENDPOINT: .*origin only/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud?a' }, /^AUTHGEAR_ENDPOINT: .*origin only/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud#a' }, /^AUTHGEAR_ENDPOINT: .*origin only/],
  [{ AUTHGEAR_ENDPOINT: 'https://a b' }, /^AUTHGEAR_ENDPOINT: .*origin only/],
  [{ AUTHGEAR_ENDPOINT: 'https:\\\\myapp' }, /^AUTHGEAR_ENDPOINT: .*must begin with https/],
  [{ AUTHGEAR_ENDPOINT: 'https://user:pw@myapp.authgear.cloud' }, /^AUTHGEAR_ENDPOINT: .*user name or password/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud.' }, /^AUTHGEAR_ENDPOINT: .*dot/],
  [{ AUTHGEAR_ENDPOINT: 'https://myapp:99999' }, /^AUTHGEAR_ENDPOINT: .*not a URL/],
  [{ AUTHGEAR_RESOLVER_URL: 'authgear-resolver:3001/resolve' }, /^AUTHGEAR_RESOLVER_URL: .*must begin with http/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://authgear-resolver:3001' }, /^AUTHGEAR_RESOLVER_URL: .*lacks its path/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://authgear-resolver:3001/resolve/' }, /^AUTHGEAR_RESOLVER_URL: .*extra slash/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://authgear-resolver:3001//resolve' }, /^AUTHGEAR_RESOLVER_URL: .*extra slash/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://a/resolve?x=1' }, /^AUTHGEAR_RESOLVER_URL: .*query/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://u:p@a/resolve' }, /^AUTHGEAR_RESOLVER_URL: .*user name or password/],
  [{ AUTHGEAR_RESOLVER_URL: 'http://a:99999/resolve' }, /^AUTHGEAR_RESOLVER_URL: .*not a URL/],
  [{ AUTHGEAR_COOKIE_PREFIX: 'a=b' }, /^AUTHGEAR_COOKIE_PREFIX: .*cookie/],
  [{ AUTHGEAR_COOKIE_PREFIX: 'a b' }, /^AUTHGEAR_COOKIE_PREFIX: .*cookie/],
  [{ AUTHGEAR_TIMEOUT: '99ms' }, /^AUTHGEAR_TIMEOUT: .*out of bounds/],
  [{ AUTHGEAR_TIMEOUT: '2m' }, /^AUTHGEAR_TIMEOUT: .*out of bounds/],
  [{ AUTHGEAR_TIMEOUT: '0' }, /^AUTHGEAR_TIMEOUT: .*no unit/],
  [{ AUTHGEAR_TIMEOUT: '2' }, /^AUTHGEAR_TIMEOUT: .*"2" has no unit/],
  [{ AUTHGEAR_TIMEOUT: '2 s' }, /^AUTHGEAR_TIMEOUT: .*not a duration/],
  [{ AUTHGEAR_TIMEOUT: '-2s' }, /^AUTHGEAR_TIMEOUT: .*not a duration/],
  [{ AUTHGEAR_TIMEOUT: '1.5s' }, /^AUTHGEAR_TIMEOUT: .*not a duration/],
  [{ AUTHGEAR_MAX_CONCURRENCY: '0' }, /^AUTHGEAR_MAX_CONCURRENCY: .*whole number from 1/],
  [{ AUTHGEAR_MAX_CONCURRENCY: '1e3' }, /^AUTHGEAR_MAX_CONCURRENCY: .*whole number/],
  [{ AUTHGEAR_MAX_QUEUE: '-1' }, /^AUTHGEAR_MAX_QUEUE: .*whole number/],
  [{ AUTHGEAR_FAILURES_PER_MINUTE: '1001' }, /^AUTHGEAR_FAILURES_PER_MINUTE: .*whole number from 0 to 1000/],
  [{ CACHE_STALE_IF_ERROR: '2h' }, /^CACHE_STALE_IF_ERROR: .*out of bounds/],
  [{ AUTHGEAR_CA_FILE: '/missing.pem' }, /^AUTHGEAR_CA_FILE: .*cannot be read \(ENOENT\)/],
  [{ LISTEN: '4180' }, /^LISTEN: .*lacks a host: write 0.0.0.0:4180/],
  [{ LISTEN: ':4180' }, /^LISTEN: .*lacks a host: write 0.0.0.0:4180/],
  [{ LISTEN: 'localhost' }, /^LISTEN: .*not an address/],
  [{ LISTEN: '::1:4180' }, /^LISTEN: .*not an address/],
  [{ LISTEN: '[localhost]:4180' }, /^LISTEN: .*no valid host/],
  [{ LISTEN: '256.0.0.1:4180' }, /^LISTEN: .*no valid host/],
  [{ LISTEN: 'a_b!:4180' }, /^LISTEN: .*no valid host/],
  [{ LISTEN: '0.0.0.0:65536' }, /^LISTEN: .*port above/],
  [{ LISTEN: 'http://0.0.0.0:4180' }, /^LISTEN: .*not an address/],
  [{ LISTEN: 'unix:run/x.sock' }, /^LISTEN: .*absolute/],
  [{ LISTEN: `unix:/${'x'.repeat(107)}` }, /^LISTEN: .*longer than 107/],
  [{ LISTEN: 'off' }, /^LISTEN: .*not an address/],
  [{ MANAGEMENT_LISTEN: 'none' }, /^MANAGEMENT_LISTEN: .*not an address/],
  ...['https://a.example', 'a.example:4181', '*', 'a.*.example', '-a.example', 'a..example', 'a.example,'].map((text): Row =>
    [{ MANAGEMENT_HOSTS: text }, /^MANAGEMENT_HOSTS: .*is not a host name: write status/]),
  [{ TRUSTED_PROXIES: '10.0.0.0/33' }, /^TRUSTED_PROXIES: .*prefix length/],
  [{ TRUSTED_PROXIES: 'fd00::/129' }, /^TRUSTED_PROXIES: .*prefix length/],
  [{ TRUSTED_PROXIES: '10.0.0.0/255.0.0.0' }, /^TRUSTED_PROXIES: .*prefix length/],
  [{ TRUSTED_PROXIES: '10.0.0.0/8/8' }, /^TRUSTED_PROXIES: .*not an address/],
  [{ TRUSTED_PROXIES: '0.0.0.0/0' }, /^TRUSTED_PROXIES: .*everybody/],
  [{ TRUSTED_PROXIES: '::/0' }, /^TRUSTED_PROXIES: .*everybody/],
  [{ TRUSTED_PROXIES: 'fe80::1%eth0' }, /^TRUSTED_PROXIES: .*not an address/],
  [{ TRUSTED_PROXIES: 'traefik' }, /^TRUSTED_PROXIES: .*"traefik" is not an address/],
  [{ TRUSTED_PROXIES: 'loopback,' }, /^TRUSTED_PROXIES: .*"" is not an address/],
  [{ TRUSTED_PROXIES: 'none,loopback' }, /^TRUSTED_PROXIES: .*none stands alone/],
  [{ CACHE_TTL: '11m' }, /^CACHE_TTL: .*out of bounds/],
  [{ CACHE_TTL: '30' }, /^CACHE_TTL: .*has no unit/],
  [{ CACHE_NEGATIVE_TTL: '1h' }, /^CACHE_NEGATIVE_TTL: .*out of bounds/],
  [{ CACHE_MAX_ENTRIES: '0' }, /^CACHE_MAX_ENTRIES: .*whole number/],
  [{ CACHE_MAX_MEMORY: '64MiB' }, /^CACHE_MAX_MEMORY: .*"64MiB" is not an amount of memory.*from 1m to 64g/],
  [{ CACHE_MAX_MEMORY: '1.5g' }, /^CACHE_MAX_MEMORY: .*not an amount of memory/],
  [{ CACHE_MAX_MEMORY: '-1' }, /^CACHE_MAX_MEMORY: .*not an amount of memory/],
  [{ CACHE_MAX_MEMORY: '1023k' }, /^CACHE_MAX_MEMORY: .*out of bounds/],
  [{ CACHE_MAX_MEMORY: '65g' }, /^CACHE_MAX_MEMORY: .*out of bounds/],
  [{ CACHE_SECRET: 'short' }, /^CACHE_SECRET: .*shorter than 32 bytes.*openssl rand/],
  [{ ABSENT_HEADERS: 'Omit' }, /^ABSENT_HEADERS: .*"Omit" is not one of empty, omit/],
  [{ PREFLIGHT: 'true' }, /^PREFLIGHT: .*"true" is not one of deny, allow/],
  [{ PREFLIGHT: 'Allow' }, /^PREFLIGHT: .*"Allow" is not one of deny, allow/],
  [{ SHUTDOWN_DELAY: '1h' }, /^SHUTDOWN_DELAY: .*out of bounds/],
  [{ LOG_LEVEL: 'warning' }, /^LOG_LEVEL: .*not one of trace, debug/],
  [{ LOG_LEVEL: '\u001b[31m' }, /^LOG_LEVEL: .*"\\u001b/],
  [{ LOG_FORMAT: 'text' }, /^LOG_FORMAT: .*"text" is not one of json, pretty/]
]

t.test('a wrong value is refused by its variable\'s name, and nothing else is', async (t) => holds(t, BAD))

t.test('all errors come at once', async t => {
  const errors = errorsOf(
    loadConfig(
      { AUTHGEAR_TIMEOUT: '5', LISTEN: 'x', REDIS_PASSWORD: 'pw', CACHE_TLL: '1s', LISTEN_TLS_CERT_FILE: '/missing' }
    )
  )
  t.strictSame(
    errors.map((error) => error.split(':')[0]),
    [
      'AUTHGEAR_ENDPOINT', 'AUTHGEAR_TIMEOUT', 'LISTEN', 'LISTEN_TLS_CERT_FILE', 'LISTEN_TLS_KEY_FILE',
      'REDIS_PASSWORD', 'CACHE_TLL'
    ]
  )
})

t.test('an empty variable is an unset one', async t => {
  const names = [
    'AUTHGEAR_RESOLVER_URL', 'AUTHGEAR_TIMEOUT', 'LISTEN', 'MANAGEMENT_LISTEN', 'PREFLIGHT',
    'CACHE_SECRET', 'CACHE_SECRET_FILE', 'CACHE_SECRET_PREVIOUS', 'CACHE_SECRET_PREVIOUS_FILE', 'REDIS_URL',
    'REDIS_PASSWORD', 'LISTEN_TLS_KEY_FILE', 'CACHE_TLL'
  ]
  const readOf = (environment: Readonly<Record<string, string>>): object => {
    const { parts, ...base } = configOf(load(environment))
    return { ...base, parts: parts.map(({ name }) => name) }
  }
  t.strictSame(readOf(Object.fromEntries(names.map(name => [name, '']))), readOf({}))
})
