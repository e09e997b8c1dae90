import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeTls } from '../../helpers/tls.ts'
import { type Config, loadConfig } from '../../../src/config/index.ts'
import { configOf, ENDPOINT, errorsOf, load, warningsOf } from './helpers.ts'

const SECRET = 'k'.repeat(32)
const OLD_SECRET = 'o'.repeat(32)
const redis = { REDIS_URL: 'redis://redis', CACHE_SECRET: SECRET }
const tls = makeTls(t)
const other = makeTls(t)
const files = {
  '/crt': readFileSync(tls.certFile, 'utf8'),
  '/key': readFileSync(tls.keyFile, 'utf8'),
  '/ca': tls.ca,
  '/other': readFileSync(other.keyFile, 'utf8'),
  '/text': 'hello'
}
const broken = { ...files, '/broken': `${tls.ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` }

const one = { kind: 'one', host: 'redis', port: 6379, db: 0 }
const plainRedis = {
  servers: one,
  username: undefined,
  password: undefined,
  tls: undefined,
  keyPrefix: 'forward-auth:',
  timeoutMs: 50
}

const goodRedis: readonly (readonly [
  title: string,
  env: NodeJS.ProcessEnv,
  part: Readonly<Record<string, unknown>>
])[] = [
  ['a bare URL', {}, {}],
  [
    'port and database',
    { REDIS_URL: 'redis://cache.example:6380/3' },
    { servers: { kind: 'one', host: 'cache.example', port: 6380, db: 3 } }
  ],
  ['a slash at the end', { REDIS_URL: 'redis://redis/' }, {}],
  ['an IPv6 address', { REDIS_URL: 'redis://[::1]:6379' }, { servers: { ...one, host: '::1' } }],
  [
    'user and encoded password in the URL',
    { REDIS_URL: 'redis://app:p%40ss%2F@redis' },
    { username: 'app', password: 'p@ss/' }
  ],
  ['a password only', { REDIS_URL: 'redis://:pw@redis' }, { password: 'pw' }],
  [
    'user and password in variables',
    { REDIS_USERNAME: 'app', REDIS_PASSWORD: ' p w ' },
    { username: 'app', password: ' p w ' }
  ],
  [
    'the user in the URL and the password in its variable',
    { REDIS_URL: 'redis://app@redis', REDIS_PASSWORD: 'pw' },
    { username: 'app', password: 'pw' }
  ],
  ['rediss', { REDIS_URL: 'rediss://redis' }, { tls: { ca: undefined } }],
  ['REDIS_TLS', { REDIS_TLS: 'true' }, { tls: { ca: undefined } }],
  ['REDIS_TLS=false', { REDIS_TLS: 'false' }, {}],
  ['a CA, as content', { REDIS_URL: 'rediss://redis', REDIS_CA_FILE: '/ca' }, { tls: { ca: tls.ca } }],
  ['prefix and timeout', { REDIS_KEY_PREFIX: 'a:', REDIS_TIMEOUT: '1ms' }, { keyPrefix: 'a:', timeoutMs: 1 }]
]

for (const [title, env, part] of goodRedis) {
  t.test(`Redis takes ${title}`, t => {
    t.strictSame(configOf(load({ ...redis, ...env }, files)).redis, { ...plainRedis, ...part })
    t.end()
  })
}

const sentinels = { REDIS_URL: '', REDIS_SENTINELS: 'a:26379, [::1]:26380', REDIS_SENTINEL_NAME: 'mymaster' }
const twoSentinels = {
  kind: 'sentinel',
  sentinels: [
    { host: 'a', port: 26379 },
    { host: '::1', port: 26380 }
  ],
  name: 'mymaster',
  password: undefined
}
const cluster = { REDIS_URL: '', REDIS_CLUSTER: 'r-0.redis:6379,10.0.0.2:6380,' }
const twoNodes = { kind: 'cluster', nodes: [{ host: 'r-0.redis', port: 6379 }, { host: '10.0.0.2', port: 6380 }] }

const goodForms: typeof goodRedis = [
  ['Sentinels', sentinels, { servers: twoSentinels }],
  [
    'Sentinels with a password of their own',
    { ...sentinels, REDIS_SENTINEL_PASSWORD: 'pw' },
    { servers: { ...twoSentinels, password: 'pw' } }
  ],
  [
    'Sentinels with TLS and a user',
    { ...sentinels, REDIS_TLS: 'true', REDIS_CA_FILE: '/ca', REDIS_USERNAME: 'app', REDIS_PASSWORD: 'pw' },
    { servers: twoSentinels, tls: { ca: tls.ca }, username: 'app', password: 'pw' }
  ],
  ['a Cluster', cluster, { servers: twoNodes }],
  [
    'a Cluster with TLS and a user',
    { ...cluster, REDIS_TLS: 'true', REDIS_CA_FILE: '/ca', REDIS_USERNAME: 'app', REDIS_PASSWORD: 'pw' },
    { servers: twoNodes, tls: { ca: tls.ca }, username: 'app', password: 'pw' }
  ],
  ['one server beside a Docker link of that name', { REDIS_SENTINEL_NAME: '/web/redis-sentinel' }, {}]
]

for (const [title, env, part] of goodForms) {
  t.test(`Redis takes ${title}`, t => {
    const loaded = load({ ...redis, ...env }, files)
    t.strictSame(configOf(loaded).redis, { ...plainRedis, ...part })
    t.equal(configOf(loaded).cache.secret, SECRET)
    t.strictSame(warningsOf(loaded), [])
    t.end()
  })
}

const bad: readonly (readonly [title: string, env: NodeJS.ProcessEnv, message: RegExp])[] = [
  ['Redis without a secret', { REDIS_URL: 'redis://redis' }, /^CACHE_SECRET: is required with REDIS_URL.*none/],
  ['Sentinels without a secret', { ...sentinels }, /^CACHE_SECRET: is required with REDIS_SENTINELS/],
  ['a Cluster without a secret', { ...cluster }, /^CACHE_SECRET: is required with REDIS_CLUSTER/],
  ['a URL and a Cluster', { ...redis, REDIS_CLUSTER: 'a:1' }, /^REDIS_CLUSTER: is set, but REDIS_URL too/],
  [
    'a URL and Sentinels',
    { ...redis, ...sentinels, REDIS_URL: 'redis://redis' },
    /^REDIS_SENTINELS: is set, but REDIS_URL too/
  ],
  [
    'Sentinels and a Cluster',
    { CACHE_SECRET: SECRET, ...sentinels, REDIS_CLUSTER: 'a:1' },
    /^REDIS_CLUSTER: is set, but REDIS_SENTINELS too/
  ],
  [
    "Sentinels without the master's name",
    { ...redis, ...sentinels, REDIS_SENTINEL_NAME: '' },
    /^REDIS_SENTINEL_NAME: is required with REDIS_SENTINELS/
  ],
  [
    "a master's name without Sentinels",
    { ...redis, REDIS_SENTINEL_NAME: 'mymaster' },
    /^REDIS_SENTINEL_NAME: works only with REDIS_SENTINELS/
  ],
  [
    'a Sentinel password without Sentinels',
    { ...redis, REDIS_SENTINEL_PASSWORD: 'pw' },
    /^REDIS_SENTINEL_PASSWORD: works only with REDIS_SENTINELS/
  ],
  [
    'a Cluster by URL',
    { ...redis, ...cluster, REDIS_CLUSTER: 'redis://a:6379' },
    /^REDIS_CLUSTER: must be addresses without redis:\/\//
  ],
  [
    'a Cluster without ports',
    { ...redis, ...cluster, REDIS_CLUSTER: 'a,b' },
    /^REDIS_CLUSTER: "a" is not an address with its port/
  ],
  [
    'a Cluster on port 0',
    { ...redis, ...cluster, REDIS_CLUSTER: 'a:0' },
    /^REDIS_CLUSTER: "a:0" has a port that is not/
  ],
  [
    'a Cluster on a high port',
    { ...redis, ...cluster, REDIS_CLUSTER: 'b:1,a:65536' },
    /^REDIS_CLUSTER: "a:65536" has a port that is not/
  ],
  [
    'a Cluster on no host',
    { ...redis, ...cluster, REDIS_CLUSTER: '256.0.0.1:1' },
    /^REDIS_CLUSTER: "256.0.0.1:1" has no valid host/
  ],
  ['a Cluster of nobody', { ...redis, ...cluster, REDIS_CLUSTER: ',' }, /^REDIS_CLUSTER: names no server/],
  [
    'a CA without TLS in a Cluster',
    { ...redis, ...cluster, REDIS_CA_FILE: '/ca' },
    /^REDIS_CA_FILE: works only with TLS: set REDIS_TLS=true/
  ],
  [
    'a user without password in a Cluster',
    { ...redis, ...cluster, REDIS_USERNAME: 'app' },
    /^REDIS_PASSWORD: is required with a Redis user \(REDIS_USERNAME\)/
  ],
  ['another scheme', { ...redis, REDIS_URL: 'http://redis' }, /^REDIS_URL: must begin with redis/],
  ['options in the URL', { ...redis, REDIS_URL: 'redis://redis/?family=6' }, /^REDIS_URL: must not contain/],
  ['a database that is no number', { ...redis, REDIS_URL: 'redis://redis/zero' }, /^REDIS_URL: has a path/],
  ['no host', { ...redis, REDIS_URL: 'redis:///0' }, /^REDIS_URL: names no host/],
  ['port 0', { ...redis, REDIS_URL: 'redis://redis:0' }, /^REDIS_URL: has port 0/],
  ['a URL that is none', { ...redis, REDIS_URL: 'redis://redis:port' }, /^REDIS_URL: is not a URL/],
  ['a stray %', { ...redis, REDIS_URL: 'redis://:a%zz@redis' }, /^REDIS_URL: has a %/],
  [
    'a user without password',
    { ...redis, REDIS_URL: 'redis://app@redis' },
    /^REDIS_PASSWORD: is required with a Redis user/
  ],
  ['a user variable without password', { ...redis, REDIS_USERNAME: 'app' }, /^REDIS_PASSWORD: is required/],
  [
    'a user with a space',
    { ...redis, REDIS_USERNAME: 'a b', REDIS_PASSWORD: 'x' },
    /^REDIS_USERNAME: must not contain spaces/
  ],
  [
    'two users',
    { ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_USERNAME: 'app' },
    /^REDIS_USERNAME: .*leave one of them out/
  ],
  [
    'two passwords',
    { ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_PASSWORD: 'pw' },
    /^REDIS_PASSWORD: .*leave one of them out/
  ],
  ['a user without Redis', { REDIS_USERNAME: 'app' }, /^REDIS_USERNAME: works only with REDIS_URL/],
  ['a password without Redis', { REDIS_PASSWORD: 'pw' }, /^REDIS_PASSWORD: works only with REDIS_URL/],
  ['TLS without Redis', { REDIS_TLS: 'true' }, /^REDIS_TLS: works only with REDIS_URL/],
  ['a CA without Redis', { REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: works only with REDIS_URL/],
  ['a CA without TLS', { ...redis, REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: works only with TLS/],
  ['TLS and no TLS', { ...redis, REDIS_URL: 'rediss://redis', REDIS_TLS: 'false' }, /^REDIS_TLS: is false, but/],
  ['TLS that is neither', { ...redis, REDIS_TLS: 'yes' }, /^REDIS_TLS: "yes" is neither/],
  ['a key prefix with braces', { ...redis, REDIS_KEY_PREFIX: '{a}:' }, /^REDIS_KEY_PREFIX: /],
  ['a timeout over 5 s', { ...redis, REDIS_TIMEOUT: '6s' }, /^REDIS_TIMEOUT: "6s" is out of bounds/],
  ['a certificate without key', { LISTEN_TLS_CERT_FILE: '/crt' }, /^LISTEN_TLS_KEY_FILE: is required/],
  ['a key without certificate', { LISTEN_TLS_KEY_FILE: '/key' }, /^LISTEN_TLS_CERT_FILE: is required/],
  ['a client CA alone', { LISTEN_TLS_CLIENT_CA_FILE: '/ca' }, /^LISTEN_TLS_CLIENT_CA_FILE: works only with/],
  [
    "another certificate's key",
    { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/other' },
    /^LISTEN_TLS_KEY_FILE: does not belong/
  ],
  [
    'a key that is none',
    { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/text' },
    /^LISTEN_TLS_KEY_FILE: .*private key/
  ],
  [
    'a key file that is missing',
    { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/gone' },
    /^LISTEN_TLS_KEY_FILE: .*ENOENT/
  ],
  [
    'a certificate that is none',
    { LISTEN_TLS_CERT_FILE: '/text', LISTEN_TLS_KEY_FILE: '/key' },
    /^LISTEN_TLS_CERT_FILE: .*certificate/
  ],
  ['a CA file without certificate', { AUTHGEAR_CA_FILE: '/text' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  ['a CA file with a broken certificate', { AUTHGEAR_CA_FILE: '/broken' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  ['two listeners on one port', { LISTEN: '127.0.0.1:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  ['a wildcard over the other', { LISTEN: '[::]:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  [
    'two listeners on one socket',
    { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: 'unix:/run//a' },
    /^MANAGEMENT_LISTEN: is the same address/
  ],
  [
    'gRPC on the main listener',
    { LISTEN: '127.0.0.1:5000', LISTEN_GRPC: '0.0.0.0:5000' },
    /^LISTEN_GRPC: is the same address as LISTEN/
  ],
  [
    'gRPC on the listener of /identify',
    { IDENTIFY_LISTEN: '127.0.0.1:5000', LISTEN_GRPC: '0.0.0.0:5000' },
    /^LISTEN_GRPC: is the same address as IDENTIFY_LISTEN/
  ],
  [
    '/identify on the main listener',
    { LISTEN: '127.0.0.1:5000', IDENTIFY_LISTEN: '0.0.0.0:5000' },
    /^IDENTIFY_LISTEN: is the same address as LISTEN/
  ],
  [
    '/identify on the main socket',
    { LISTEN: 'unix:/run/a', IDENTIFY_LISTEN: 'unix:/run/./a' },
    /^IDENTIFY_LISTEN: is the same address as LISTEN/
  ],
  [
    '/identify on the management listener',
    { IDENTIFY_LISTEN: '[::]:4181' },
    /^IDENTIFY_LISTEN: is the same address as MANAGEMENT_LISTEN/
  ]
]

for (const [title, env, message] of bad) {
  t.test(`refused: ${title}`, t => {
    const errors = errorsOf(load(env, broken))
    t.equal(errors.length, 1, errors.join('\n'))
    t.match(errors[0], message)
    t.end()
  })
}

const apart: readonly NodeJS.ProcessEnv[] = [
  { LISTEN: '127.0.0.1:0', MANAGEMENT_LISTEN: '127.0.0.1:0' },
  { LISTEN: '127.0.0.2:4181' },
  { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: 'unix:/run/b' },
  { IDENTIFY_LISTEN: '127.0.0.1:4182' },
  { MANAGEMENT_LISTEN: 'off', IDENTIFY_LISTEN: '127.0.0.1:4181' },
  { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: '0.0.0.0:4180' },
  { LISTEN: '0.0.0.0:4181', MANAGEMENT_LISTEN: 'off' }
]

for (const env of apart) {
  t.test(`listeners may stand side by side: ${JSON.stringify(env)}`, t => {
    t.strictSame(errorsOf(load(env)), [])
    t.end()
  })
}

t.test('TLS hands over paths, the extra CA its content', t => {
  const config = configOf(
    load(
      {
        LISTEN_TLS_CERT_FILE: '/crt',
        LISTEN_TLS_KEY_FILE: '/key',
        LISTEN_TLS_CLIENT_CA_FILE: '/ca',
        AUTHGEAR_CA_FILE: '/ca'
      },
      files
    )
  )
  t.strictSame(config.tls, { certFile: '/crt', keyFile: '/key', clientCaFile: '/ca' })
  t.equal(config.authgear.ca, tls.ca)
  t.end()
})

t.test('files are read from the disk by default', t => {
  const loaded = loadConfig(
    { AUTHGEAR_ENDPOINT: ENDPOINT, LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile },
    { nodeVersion: '24.2.0' }
  )
  t.strictSame(configOf(loaded).tls, { certFile: tls.certFile, keyFile: tls.keyFile, clientCaFile: undefined })
  t.end()
})

const login = { LOGIN_CLIENT_ID: 'x', LOGIN_PUBLIC_URL: 'https://app.example.com' }
const ROTATED = [
  ['CACHE_SECRET', redis, ({ cache }: Config) => cache.previousSecret],
  ['LOGIN_SECRET', { ...login, LOGIN_SECRET: SECRET }, ({ login }: Config) => login?.previousSecret],
  [
    'AUTHGEAR_WEBHOOK_SECRET',
    { ...redis, AUTHGEAR_WEBHOOK_SECRET: SECRET },
    ({ authgear }: Config) => authgear.previousWebhookSecret
  ]
] as const

for (const [name, env, previousOf] of ROTATED) {
  t.test(`${name}_PREVIOUS`, async (t) => {
    const previous = `${name}_PREVIOUS`

    t.test('may be set beside it, as text or as a file, and is masked', async (t) => {
      for (const form of [{ [previous]: OLD_SECRET }, { [`${previous}_FILE`]: '/old' }]) {
        const loaded = load({ ...env, ...form }, { '/old': `${OLD_SECRET}\n` })
        t.equal(previousOf(configOf(loaded)), OLD_SECRET)
        const settings = loaded.kind === 'ok' ? loaded.settings : []
        t.equal(settings.find((setting) => setting.name === previous)?.shown, '********')
      }
      t.equal(previousOf(configOf(load(env))), undefined)
    })

    t.test('is an error where it is short, the same, or alone', async (t) => {
      const { [name]: _, ...without } = env as Record<string, string>
      t.match(errorsOf(load({ ...env, [previous]: 'short' })), [new RegExp(`^${previous}: is shorter than`)])
      for (const form of [{ [previous]: SECRET }, { [`${previous}_FILE`]: '/same' }]) {
        const errors = errorsOf(load({ ...env, ...form }, { '/same': SECRET }))
        t.match(errors, [new RegExp(`^${previous}: is the same as ${name}`)])
      }
      const alone = errorsOf(load({ ...without, [previous]: OLD_SECRET }))
      t.ok(alone.some((error) => error.startsWith(`${previous}: works only with ${name}: `)), alone.join())
    })
  })
}

t.test('a cache without a secret has none to rotate', async (t) => {
  t.match(errorsOf(load({ ...redis, CACHE_SECRET: 'none', CACHE_SECRET_PREVIOUS: OLD_SECRET })), [
    /^CACHE_SECRET_PREVIOUS: works only with CACHE_SECRET, which is none/
  ])
  t.match(errorsOf(load({ ...redis, CACHE_SECRET_PREVIOUS: 'none' })), [/^CACHE_SECRET_PREVIOUS: is shorter/])
})

t.test('the secret counts with Redis only, and none opts out with a warning', t => {
  t.equal(configOf(load(redis)).cache.secret, SECRET)
  t.strictSame(warningsOf(load(redis)), [])
  const none = load({ ...redis, CACHE_SECRET: 'none' })
  t.equal(configOf(none).cache.secret, undefined)
  t.match(warningsOf(none), [/^CACHE_SECRET: is none: anyone/])
  t.equal(configOf(load({ CACHE_SECRET: SECRET })).cache.secret, undefined)
  t.end()
})

const combinations: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, warning: RegExp | undefined]> = [
  [{ AUTHGEAR_WEBHOOK_SECRET: 'a webhook secret' }, /^AUTHGEAR_WEBHOOK_SECRET: without Redis/],
  [{ CACHE_NEGATIVE_TTL: '31s' }, /^CACHE_NEGATIVE_TTL: is over 30s/],
  [{ CACHE_NEGATIVE_TTL: '30s' }, undefined],
  [{ TRUSTED_PROXIES: '0.0.0.0/1, 128.0.0.0/8' }, /^TRUSTED_PROXIES: trusts 0\.0\.0\.0\/1/],
  [{ TRUSTED_PROXIES: '2000::/3' }, /^TRUSTED_PROXIES: trusts 2000::\/3/],
  [{ TRUSTED_PROXIES: '64.0.0.0/7' }, /^TRUSTED_PROXIES/],
  [{ TRUSTED_PROXIES: '10.0.0.0/8, fd00::/16, loopback' }, undefined],
  [{ MANAGEMENT_LISTEN: '203.0.113.7:4181' }, /^MANAGEMENT_LISTEN: 203\.0\.113\.7 is a public address/],
  [{ MANAGEMENT_LISTEN: '[2001:db8::1]:4181' }, /^MANAGEMENT_LISTEN/],
  [{ MANAGEMENT_LISTEN: '203.0.113.7:4181', MANAGEMENT_TOKEN: 'a token that is long enough' }, undefined],
  [{ MANAGEMENT_LISTEN: '10.0.0.7:4181' }, undefined],
  [{ MANAGEMENT_LISTEN: '0.0.0.0:4181' }, undefined],
  [{ MANAGEMENT_LISTEN: 'off' }, undefined],
  [{ CACHE_STALE_IF_ERROR: '1m', CACHE_TTL: '0' }, /^CACHE_STALE_IF_ERROR: has no effect/],
  [{ CACHE_STALE_IF_ERROR: '1m' }, undefined]
]

t.test('combinations that are allowed and perhaps not meant', t => {
  for (const [env, warning] of combinations) {
    t.match(warningsOf(load(env)), warning === undefined ? [] : [warning], JSON.stringify(env))
  }
  for (const [env, warning] of combinations) {
    t.equal(warningsOf(load(env)).length, warning === undefined ? 0 : 1, JSON.stringify(env))
  }
  t.end()
})

t.test('a management listener on all addresses is as public as the machine', t => {
  const warnings = (env: NodeJS.ProcessEnv, ...addresses: readonly string[]): readonly string[] =>
    warningsOf(load(env, {}, ['127.0.0.1', 'fe80::1', ...addresses]))
  t.strictSame(warnings({ MANAGEMENT_LISTEN: '0.0.0.0:4181' }, '172.17.0.2'), [])
  t.match(warnings({ MANAGEMENT_LISTEN: '0.0.0.0:4181' }, '203.0.113.7'), [
    /^MANAGEMENT_LISTEN: 0\.0\.0\.0 includes 203\.0\.113\.7, which is a public address/
  ])
  t.match(warnings({ MANAGEMENT_LISTEN: '[::]:4181' }, '2001:db8::1'), [/^MANAGEMENT_LISTEN: :: includes 2001:db8::1/])
  t.strictSame(
    warnings({ MANAGEMENT_LISTEN: '0.0.0.0:4181', MANAGEMENT_TOKEN: 'a token that is long enough' }, '203.0.113.7'),
    []
  )
  t.strictSame(warnings({ MANAGEMENT_LISTEN: '127.0.0.1:4181' }, '203.0.113.7'), [])
  t.end()
})

t.test('what is idle without Redis is a warning', t => {
  t.match(warningsOf(load({ CACHE_SECRET: SECRET, CACHE_SECRET_PREVIOUS: OLD_SECRET })), [
    /^CACHE_SECRET: has no effect/, /^CACHE_SECRET_PREVIOUS: has no effect/
  ])
  t.strictSame(
    warningsOf(load({ CACHE_SECRET: SECRET, REDIS_KEY_PREFIX: 'a:', REDIS_TIMEOUT: '1s', REDIS_TLS: 'false' })),
    [
      'CACHE_SECRET: has no effect without REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER',
      'REDIS_KEY_PREFIX: has no effect without REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER',
      'REDIS_TIMEOUT: has no effect without REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER'
    ]
  )
  t.strictSame(warningsOf(load({ CACHE_SECRET: 'none' })), [])
  t.end()
})

const tlsFiles = { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/key' }

t.test('TLS is refused on a Node that loses header lines over HTTP/2', t => {
  for (const version of ['20.19.0', '20.20.2', '22.16.0', '23.11.0', '24.0.0', '24.1.0']) {
    t.match(
      errorsOf(load(tlsFiles, files, undefined, version)),
      [/^LISTEN_TLS_CERT_FILE: needs Node 22\.17.*this is /],
      version
    )
    t.strictSame(errorsOf(load({}, files, undefined, version)), [], `${version} without TLS`)
  }
  for (const version of ['22.17.0', '22.22.1', '24.2.0', '24.21.0', '25.0.0']) {
    t.strictSame(errorsOf(load(tlsFiles, files, undefined, version)), [], version)
  }
  t.end()
})

t.test('EXT_AUTHZ_LOCATION=request needs EXT_AUTHZ_POLICY=required', (t) => {
  t.match(errorsOf(load({ EXT_AUTHZ_LOCATION: 'request' })), [/^EXT_AUTHZ_LOCATION: .* EXT_AUTHZ_POLICY=required/])
  const whole = configOf(load({ EXT_AUTHZ_LOCATION: 'request', EXT_AUTHZ_POLICY: 'required' }))
  t.equal(whole.extAuthzLocation, 'request')
  t.end()
})
