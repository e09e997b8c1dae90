import t from 'tap'
import { loadConfig, type Config } from '../../../src/config/index.ts'
import { configOf, ENDPOINT, errorsOf, load } from './helpers.ts'

t.test('with the one required variable everything else has its default', t => {
  t.strictSame(configOf(load({})), {
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
    audit: undefined,
    profile: undefined,
    listen: { kind: 'tcp', host: '0.0.0.0', port: 4180 },
    management: { kind: 'tcp', host: '127.0.0.1', port: 4181 },
    managementToken: undefined,
    managementHosts: [],
    identify: undefined,
    grpc: undefined,
    tls: undefined,
    trustedProxies: ['loopback', 'linklocal', 'uniquelocal'],
    cache: {
      ttlMs: 30_000,
      negativeTtlMs: 5_000,
      degradedTtlMs: 5_000,
      refreshAhead: 0.8,
      staleIfErrorMs: 0,
      maxEntries: 100_000,
      maxBytes: 48 * 2 ** 20,
      secret: undefined,
      previousSecret: undefined
    },
    redis: undefined,
    login: undefined,
    loginUrl: undefined,
    resources: [],
    assertion: undefined,
    resourceTokenMaxAgeMs: 3_600_000,
    identity: { headers: { usual: [], all: [] }, user: 'user_id', encoding: 'percent', groups: 'roles' },
    absentHeaders: 'empty',
    extAuthzPolicy: 'optional',
    extAuthzLocation: 'forwarded',
    preflight: 'deny',
    workers: 1,
    shutdownDelayMs: 0,
    logFormat: 'json',
    logLevel: 'info'
  })
  t.end()
})

t.test('the configuration is frozen to its depth', t => {
  const config = configOf(load({}))
  const parts = [config, config.authgear, config.authgear.endpoint, config.listen, config.trustedProxies, config.cache]
  t.ok(parts.every(part => Object.isFrozen(part)))
  t.end()
})

t.test('an unset endpoint is an error that says what to set', t => {
  t.match(errorsOf(loadConfig({})), [/^AUTHGEAR_ENDPOINT: is required.*https:\/\/myapp/])
  t.end()
})

const good: readonly (readonly [name: string, text: string, value: unknown, of: (config: Config) => unknown])[] = [
  [
    'AUTHGEAR_ENDPOINT',
    'HTTPS://MyApp.Authgear.Cloud:443/',
    { origin: ENDPOINT, host: 'myapp.authgear.cloud', scheme: 'https' },
    (c) => c.authgear.endpoint
  ],
  [
    'AUTHGEAR_ENDPOINT',
    'http://localhost:3000',
    { origin: 'http://localhost:3000', host: 'localhost:3000', scheme: 'http' },
    (c) => c.authgear.endpoint
  ],
  [
    'AUTHGEAR_ENDPOINT',
    'http://[::1]:3000',
    { origin: 'http://[::1]:3000', host: '[::1]:3000', scheme: 'http' },
    (c) => c.authgear.endpoint
  ],
  [
    'AUTHGEAR_RESOLVER_URL',
    'http://authgear-resolver:3001/resolve',
    'http://authgear-resolver:3001/resolve',
    (c) => c.authgear.resolverUrl
  ],
  ['AUTHGEAR_COOKIE_PREFIX', 'my-app_', 'my-app_', (c) => c.authgear.cookiePrefix],
  ['AUTHGEAR_TIMEOUT', '100ms', 100, (c) => c.authgear.timeoutMs],
  ['AUTHGEAR_TIMEOUT', ' 1m ', 60_000, (c) => c.authgear.timeoutMs],
  ['AUTHGEAR_MAX_CONCURRENCY', '1', 1, (c) => c.authgear.maxConcurrency],
  ['AUTHGEAR_MAX_QUEUE', '0', 0, (c) => c.authgear.maxQueue],
  [
    'MANAGEMENT_HOSTS',
    'Status.Example.com, *.corp.example.com',
    ['status.example.com', '*.corp.example.com'],
    (c) => c.managementHosts
  ],
  ['LISTEN', 'localhost:8080', { kind: 'tcp', host: 'localhost', port: 8080 }, (c) => c.listen],
  ['LISTEN', '127.0.0.1:0', { kind: 'tcp', host: '127.0.0.1', port: 0 }, (c) => c.listen],
  ['LISTEN', '[::]:4180', { kind: 'tcp', host: '::', port: 4180 }, (c) => c.listen],
  ['LISTEN', 'unix:/run/verify.sock', { kind: 'unix', path: '/run/verify.sock' }, (c) => c.listen],
  ['LISTEN', 'unix:///run/verify.sock', { kind: 'unix', path: '/run/verify.sock' }, (c) => c.listen],
  ['MANAGEMENT_LISTEN', 'off', undefined, (c) => c.management],
  ['MANAGEMENT_LISTEN', '0.0.0.0:9000', { kind: 'tcp', host: '0.0.0.0', port: 9000 }, (c) => c.management],
  ['IDENTIFY_LISTEN', 'off', undefined, (c) => c.identify],
  ['IDENTIFY_LISTEN', '127.0.0.1:4182', { kind: 'tcp', host: '127.0.0.1', port: 4182 }, (c) => c.identify],
  ['IDENTIFY_LISTEN', 'unix:/run/identify.sock', { kind: 'unix', path: '/run/identify.sock' }, (c) => c.identify],
  ['TRUSTED_PROXIES', 'none', [], (c) => c.trustedProxies],
  [
    'TRUSTED_PROXIES',
    '10.0.0.0/8, fd00::/8,192.0.2.1,loopback',
    ['10.0.0.0/8', 'fd00::/8', '192.0.2.1', 'loopback'],
    (c) => c.trustedProxies
  ],
  ['CACHE_TTL', '0', 0, (c) => c.cache.ttlMs],
  ['CACHE_TTL', '10m', 600_000, (c) => c.cache.ttlMs],
  ['CACHE_NEGATIVE_TTL', '0s', 0, (c) => c.cache.negativeTtlMs],
  ['CACHE_REFRESH_AHEAD', '0.5', 0.5, (c) => c.cache.refreshAhead],
  ['CACHE_REFRESH_AHEAD', '.95', 0.95, (c) => c.cache.refreshAhead],
  ['CACHE_REFRESH_AHEAD', '0', 0, (c) => c.cache.refreshAhead],
  ['CACHE_STALE_IF_ERROR', '0', 0, (c) => c.cache.staleIfErrorMs],
  ['CACHE_STALE_IF_ERROR', '15m', 900_000, (c) => c.cache.staleIfErrorMs],
  ['AUTHGEAR_FAILURES_PER_MINUTE', '60', 60, (c) => c.authgear.failuresPerMinute],
  ['CACHE_MAX_ENTRIES', '5', 5, (c) => c.cache.maxEntries],
  ['CACHE_MAX_MEMORY', '1048576', 2 ** 20, (c) => c.cache.maxBytes],
  ['CACHE_MAX_MEMORY', '2048k', 2 ** 21, (c) => c.cache.maxBytes],
  ['CACHE_MAX_MEMORY', '20M', 20 * 2 ** 20, (c) => c.cache.maxBytes],
  ['CACHE_MAX_MEMORY', '1g', 2 ** 30, (c) => c.cache.maxBytes],
  ['ABSENT_HEADERS', 'omit', 'omit', (c) => c.absentHeaders],
  ['PREFLIGHT', 'allow', 'allow', (c) => c.preflight],
  ['EXT_AUTHZ_POLICY', 'required', 'required', (c) => c.extAuthzPolicy],
  ['EXT_AUTHZ_LOCATION', 'forwarded', 'forwarded', (c) => c.extAuthzLocation],
  ['PREFLIGHT', 'deny', 'deny', (c) => c.preflight],
  ['SHUTDOWN_DELAY', '5s', 5_000, (c) => c.shutdownDelayMs],
  ['LOG_LEVEL', 'silent', 'silent', (c) => c.logLevel],
  ['LOG_FORMAT', 'pretty', 'pretty', (c) => c.logFormat],
  ['LOG_FORMAT', 'json', 'json', (c) => c.logFormat]
]

for (const [name, text, value, of] of good) {
  t.test(`${name}=${text} is understood`, t => {
    t.strictSame(of(configOf(load({ [name]: text }))), value)
    t.end()
  })
}

const bad: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['AUTHGEAR_ENDPOINT', 'myapp.authgear.cloud', /must begin with https/],
  ['AUTHGEAR_ENDPOINT', '"https://myapp.authgear.cloud"', /quotation marks/],
  ['AUTHGEAR_ENDPOINT', 'ftp://myapp.authgear.cloud', /must begin with https/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp.authgear.cloud/_resolver', /origin only/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp.authgear.cloud//', /origin only/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp.authgear.cloud?a', /origin only/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp.authgear.cloud#a', /origin only/],
  ['AUTHGEAR_ENDPOINT', 'https://a b', /origin only/],
  ['AUTHGEAR_ENDPOINT', 'https:\\\\myapp', /must begin with https/],
  ['AUTHGEAR_ENDPOINT', 'https://user:pw@myapp.authgear.cloud', /user name or password/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp.authgear.cloud.', /dot/],
  ['AUTHGEAR_ENDPOINT', 'https://myapp:99999', /not a URL/],
  ['AUTHGEAR_RESOLVER_URL', 'authgear-resolver:3001/resolve', /must begin with http/],
  ['AUTHGEAR_RESOLVER_URL', 'http://authgear-resolver:3001', /lacks its path/],
  ['AUTHGEAR_RESOLVER_URL', 'http://authgear-resolver:3001/resolve/', /slash too many/],
  ['AUTHGEAR_RESOLVER_URL', 'http://authgear-resolver:3001//resolve', /slash too many/],
  ['AUTHGEAR_RESOLVER_URL', 'http://a/resolve?x=1', /query/],
  ['AUTHGEAR_RESOLVER_URL', 'http://u:p@a/resolve', /user name or password/],
  ['AUTHGEAR_RESOLVER_URL', 'http://a:99999/resolve', /not a URL/],
  ['AUTHGEAR_COOKIE_PREFIX', 'a=b', /cookie/],
  ['AUTHGEAR_COOKIE_PREFIX', 'a b', /cookie/],
  ['AUTHGEAR_TIMEOUT', '99ms', /out of bounds/],
  ['AUTHGEAR_TIMEOUT', '2m', /out of bounds/],
  ['AUTHGEAR_TIMEOUT', '0', /no unit/],
  ['AUTHGEAR_TIMEOUT', '2', /"2" has no unit/],
  ['AUTHGEAR_TIMEOUT', '2 s', /not a duration/],
  ['AUTHGEAR_TIMEOUT', '-2s', /not a duration/],
  ['AUTHGEAR_TIMEOUT', '1.5s', /not a duration/],
  ['AUTHGEAR_MAX_CONCURRENCY', '0', /whole number from 1/],
  ['AUTHGEAR_MAX_CONCURRENCY', '1e3', /whole number/],
  ['AUTHGEAR_MAX_QUEUE', '-1', /whole number/],
  ['AUTHGEAR_FAILURES_PER_MINUTE', '1001', /whole number from 0 to 1000/],
  ['CACHE_REFRESH_AHEAD', '1', /a number up to 0.95/],
  ['CACHE_REFRESH_AHEAD', '0.96', /a number up to 0.95/],
  ['CACHE_REFRESH_AHEAD', '80%', /a number up to 0.95/],
  ['CACHE_STALE_IF_ERROR', '2h', /out of bounds/],
  ['AUTHGEAR_CA_FILE', '/missing.pem', /cannot be read \(ENOENT\)/],
  ['LISTEN', '4180', /lacks a host: write 0.0.0.0:4180/],
  ['LISTEN', ':4180', /lacks a host: write 0.0.0.0:4180/],
  ['LISTEN', 'localhost', /not an address/],
  ['LISTEN', '::1:4180', /not an address/],
  ['LISTEN', '[localhost]:4180', /no valid host/],
  ['LISTEN', '256.0.0.1:4180', /no valid host/],
  ['LISTEN', 'a_b!:4180', /no valid host/],
  ['LISTEN', '0.0.0.0:65536', /port above/],
  ['LISTEN', 'http://0.0.0.0:4180', /not an address/],
  ['LISTEN', 'unix:run/x.sock', /absolute/],
  ['LISTEN', `unix:/${'x'.repeat(107)}`, /longer than 107/],
  ['LISTEN', 'off', /not an address/],
  ['MANAGEMENT_LISTEN', 'none', /not an address/],
  ['IDENTIFY_LISTEN', 'none', /not an address/],
  ['IDENTIFY_LISTEN', ':4182', /lacks a host/],
  ['IDENTIFY_LISTEN', '0.0.0.0:4180', /the same address as LISTEN/],
  ['IDENTIFY_LISTEN', '127.0.0.1:4181', /the same address as MANAGEMENT_LISTEN/],
  ...['https://a.example', 'a.example:4181', '*', 'a.*.example', '-a.example', 'a..example', 'a.example,'].map(
    (text) => ['MANAGEMENT_HOSTS', text, /is no host name: write status/] as const
  ),
  ['TRUSTED_PROXIES', '10.0.0.0/33', /prefix length/],
  ['TRUSTED_PROXIES', 'fd00::/129', /prefix length/],
  ['TRUSTED_PROXIES', '10.0.0.0/255.0.0.0', /prefix length/],
  ['TRUSTED_PROXIES', '10.0.0.0/8/8', /not an address/],
  ['TRUSTED_PROXIES', '0.0.0.0/0', /everybody/],
  ['TRUSTED_PROXIES', '::/0', /everybody/],
  ['TRUSTED_PROXIES', 'fe80::1%eth0', /not an address/],
  ['TRUSTED_PROXIES', 'traefik', /"traefik" is not an address/],
  ['TRUSTED_PROXIES', 'loopback,', /"" is not an address/],
  ['TRUSTED_PROXIES', 'none,loopback', /none stands alone/],
  ['CACHE_TTL', '11m', /out of bounds/],
  ['CACHE_TTL', '30', /has no unit/],
  ['CACHE_NEGATIVE_TTL', '1h', /out of bounds/],
  ['CACHE_MAX_ENTRIES', '0', /whole number/],
  ['CACHE_MAX_MEMORY', '64MiB', /"64MiB" is not an amount of memory.*from 1m to 64g/],
  ['CACHE_MAX_MEMORY', '1.5g', /not an amount of memory/],
  ['CACHE_MAX_MEMORY', '-1', /not an amount of memory/],
  ['CACHE_MAX_MEMORY', '1023k', /out of bounds/],
  ['CACHE_MAX_MEMORY', '65g', /out of bounds/],
  ['CACHE_SECRET', 'short', /shorter than 32 bytes.*openssl rand/],
  ['ABSENT_HEADERS', 'Omit', /"Omit" is not one of empty, omit/],
  ['PREFLIGHT', 'true', /"true" is not one of deny, allow/],
  ['PREFLIGHT', 'Allow', /"Allow" is not one of deny, allow/],
  ['SHUTDOWN_DELAY', '1h', /out of bounds/],
  ['LOG_LEVEL', 'warning', /not one of trace, debug/],
  ['LOG_LEVEL', '\u001b[31m', /"\\u001b/],
  ['LOG_FORMAT', 'text', /"text" is not one of json, pretty/]
]

for (const [name, text, message] of bad) {
  t.test(`${name}=${JSON.stringify(text)} is refused by name, and nothing else is`, t => {
    const errors = errorsOf(load({ [name]: text }))
    t.equal(errors.length, 1)
    t.match(errors[0], message)
    t.ok(errors[0]?.startsWith(`${name}: `))
    t.end()
  })
}

t.test('all errors come at once', t => {
  const errors = errorsOf(
    loadConfig(
      { AUTHGEAR_TIMEOUT: '5', LISTEN: 'x', REDIS_PASSWORD: 'pw', CACHE_TLL: '1s', LISTEN_TLS_CERT_FILE: '/missing' },
      { nodeVersion: '24.2.0' }
    )
  )
  t.strictSame(
    errors.map((error) => error.split(':')[0]),
    [
      'AUTHGEAR_ENDPOINT',
      'AUTHGEAR_TIMEOUT',
      'LISTEN',
      'LISTEN_TLS_CERT_FILE',
      'LISTEN_TLS_KEY_FILE',
      'REDIS_PASSWORD',
      'CACHE_TLL'
    ]
  )
  t.end()
})

t.test('an empty variable is an unset one', t => {
  const names = [
    'AUTHGEAR_RESOLVER_URL',
    'AUTHGEAR_TIMEOUT',
    'LISTEN',
    'MANAGEMENT_LISTEN',
    'IDENTIFY_LISTEN',
    'PREFLIGHT',
    'CACHE_SECRET',
    'CACHE_SECRET_FILE',
    'CACHE_SECRET_PREVIOUS',
    'CACHE_SECRET_PREVIOUS_FILE',
    'REDIS_URL',
    'REDIS_PASSWORD',
    'LISTEN_TLS_KEY_FILE',
    'CACHE_TLL'
  ]
  t.strictSame(configOf(load(Object.fromEntries(names.map(name => [name, ''])))), configOf(load({})))
  t.end()
})
