import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeTls } from '../../helpers/tls.ts'
import { loadConfig } from '../../../src/app/config.ts'
import type { Config } from '../../../src/base/config/index.ts'
import {
  configOf, ENDPOINT, errorsOf, holds, load, OLD_SECRET, type Row, SECRET, testRotation, warningsOf
} from './helpers.ts'

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
  servers: one, username: undefined, password: undefined, tls: undefined, keyPrefix: 'forward-auth:', timeoutMs: 50
}

const sentinels = { REDIS_URL: '', REDIS_SENTINELS: 'a:26379, [::1]:26380', REDIS_SENTINEL_NAME: 'mymaster' }
const twoSentinels = {
  kind: 'sentinel',
  sentinels: [{ host: 'a', port: 26379 }, { host: '::1', port: 26380 }],
  name: 'mymaster',
  password: undefined
}
const cluster = { REDIS_URL: '', REDIS_CLUSTER: 'r-0.redis:6379,10.0.0.2:6380,' }
const twoNodes = { kind: 'cluster', nodes: [{ host: 'r-0.redis', port: 6379 }, { host: '10.0.0.2', port: 6380 }] }

/** What is set beside `redis`, and how that differs from `plainRedis`. */
const REDIS: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, part: Readonly<Record<string, unknown>>]> = [
  [{}, {}],
  [{ REDIS_URL: 'redis://cache.example:6380/3' },
    { servers: { kind: 'one', host: 'cache.example', port: 6380, db: 3 } }],
  [{ REDIS_URL: 'redis://redis/' }, {}],
  [{ REDIS_URL: 'redis://[::1]:6379' }, { servers: { ...one, host: '::1' } }],
  [{ REDIS_URL: 'redis://app:p%40ss%2F@redis' }, { username: 'app', password: 'p@ss/' }],
  [{ REDIS_URL: 'redis://:pw@redis' }, { password: 'pw' }],
  [{ REDIS_USERNAME: 'app', REDIS_PASSWORD: ' p w ' }, { username: 'app', password: ' p w ' }],
  [{ REDIS_URL: 'redis://app@redis', REDIS_PASSWORD: 'pw' }, { username: 'app', password: 'pw' }],
  [{ REDIS_URL: 'rediss://redis' }, { tls: { ca: undefined } }],
  [{ REDIS_TLS: 'true' }, { tls: { ca: undefined } }],
  [{ REDIS_TLS: 'false' }, {}],
  [{ REDIS_URL: 'rediss://redis', REDIS_CA_FILE: '/ca' }, { tls: { ca: tls.ca } }],
  [{ REDIS_KEY_PREFIX: 'a:', REDIS_TIMEOUT: '1ms' }, { keyPrefix: 'a:', timeoutMs: 1 }],
  [sentinels, { servers: twoSentinels }],
  [{ ...sentinels, REDIS_SENTINEL_PASSWORD: 'pw' }, { servers: { ...twoSentinels, password: 'pw' } }],
  [{ ...sentinels, REDIS_TLS: 'true', REDIS_CA_FILE: '/ca', REDIS_USERNAME: 'app', REDIS_PASSWORD: 'pw' },
    { servers: twoSentinels, tls: { ca: tls.ca }, username: 'app', password: 'pw' }],
  [cluster, { servers: twoNodes }],
  [{ ...cluster, REDIS_TLS: 'true', REDIS_CA_FILE: '/ca', REDIS_USERNAME: 'app', REDIS_PASSWORD: 'pw' },
    { servers: twoNodes, tls: { ca: tls.ca }, username: 'app', password: 'pw' }],
  [{ REDIS_SENTINEL_NAME: '/web/redis-sentinel' }, {}]
]

t.test('Redis: one server, Sentinels or a Cluster, each with user, password and TLS', async (t) => {
  holds(t, REDIS.map(([env, part]): Row => [env, { redis: { ...plainRedis, ...part } }]), redis, files)
  holds(t, REDIS.map(([env]): Row => [env, { warns: [] }]), redis, files)
  holds(t, [[sentinels, { cache: { secret: SECRET } }], [cluster, { cache: { secret: SECRET } }]], redis)
})

const BAD: readonly Row[] = [
  [{ REDIS_URL: 'redis://redis' }, /^CACHE_SECRET: is required with REDIS_URL.*none/],
  [{ ...sentinels }, /^CACHE_SECRET: is required with REDIS_SENTINELS/],
  [{ ...cluster }, /^CACHE_SECRET: is required with REDIS_CLUSTER/],
  [{ ...redis, REDIS_CLUSTER: 'a:1' }, /^REDIS_CLUSTER: is set, but REDIS_URL too/],
  [{ ...redis, ...sentinels, REDIS_URL: 'redis://redis' }, /^REDIS_SENTINELS: is set, but REDIS_URL too/],
  [{ CACHE_SECRET: SECRET, ...sentinels, REDIS_CLUSTER: 'a:1' }, /^REDIS_CLUSTER: is set, but REDIS_SENTINELS too/],
  [{ ...redis, ...sentinels, REDIS_SENTINEL_NAME: '' }, /^REDIS_SENTINEL_NAME: is required with REDIS_SENTINELS/],
  [{ ...redis, REDIS_SENTINEL_NAME: 'mymaster' }, /^REDIS_SENTINEL_NAME: works only with REDIS_SENTINELS/],
  [{ ...redis, REDIS_SENTINEL_PASSWORD: 'pw' }, /^REDIS_SENTINEL_PASSWORD: works only with REDIS_SENTINELS/],
  [{ ...redis, ...cluster, REDIS_CLUSTER: 'redis://a:6379' }, /^REDIS_CLUSTER: must be addresses without redis:\/\//],
  [{ ...redis, ...cluster, REDIS_CLUSTER: 'a,b' }, /^REDIS_CLUSTER: "a" is not an address with its port/],
  [{ ...redis, ...cluster, REDIS_CLUSTER: 'a:0' }, /^REDIS_CLUSTER: "a:0" has a port that is not/],
  [{ ...redis, ...cluster, REDIS_CLUSTER: 'b:1,a:65536' }, /^REDIS_CLUSTER: "a:65536" has a port that is not/],
  [{ ...redis, ...cluster, REDIS_CLUSTER: '256.0.0.1:1' }, /^REDIS_CLUSTER: "256.0.0.1:1" has no valid host/],
  [{ ...redis, ...cluster, REDIS_CLUSTER: ',' }, /^REDIS_CLUSTER: names no server/],
  [{ ...redis, ...cluster, REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: works only with TLS: set REDIS_TLS=true/],
  [{ ...redis, ...cluster, REDIS_USERNAME: 'app' },
    /^REDIS_PASSWORD: is required with a Redis user \(REDIS_USERNAME\)/],
  [{ ...redis, REDIS_URL: 'http://redis' }, /^REDIS_URL: must begin with redis/],
  [{ ...redis, REDIS_URL: 'redis://redis/?family=6' }, /^REDIS_URL: must not contain/],
  [{ ...redis, REDIS_URL: 'redis://redis/zero' }, /^REDIS_URL: has a path/],
  [{ ...redis, REDIS_URL: 'redis:///0' }, /^REDIS_URL: names no host/],
  [{ ...redis, REDIS_URL: 'redis://redis:0' }, /^REDIS_URL: has port 0/],
  [{ ...redis, REDIS_URL: 'redis://redis:port' }, /^REDIS_URL: is not a URL/],
  [{ ...redis, REDIS_URL: 'redis://:a%zz@redis' }, /^REDIS_URL: has a %/],
  [{ ...redis, REDIS_URL: 'redis://app@redis' }, /^REDIS_PASSWORD: is required with a Redis user/],
  [{ ...redis, REDIS_USERNAME: 'app' }, /^REDIS_PASSWORD: is required/],
  [{ ...redis, REDIS_USERNAME: 'a b', REDIS_PASSWORD: 'x' }, /^REDIS_USERNAME: must not contain spaces/],
  [{ ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_USERNAME: 'app' }, /^REDIS_USERNAME: .*leave one of them out/],
  [{ ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_PASSWORD: 'pw' }, /^REDIS_PASSWORD: .*leave one of them out/],
  [{ REDIS_USERNAME: 'app' }, /^REDIS_USERNAME: works only with REDIS_URL/],
  [{ REDIS_PASSWORD: 'pw' }, /^REDIS_PASSWORD: works only with REDIS_URL/],
  [{ REDIS_TLS: 'true' }, /^REDIS_TLS: works only with REDIS_URL/],
  [{ REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: works only with REDIS_URL/],
  [{ ...redis, REDIS_CA_FILE: '/ca' }, /^REDIS_CA_FILE: works only with TLS/],
  [{ ...redis, REDIS_URL: 'rediss://redis', REDIS_TLS: 'false' }, /^REDIS_TLS: is false, but/],
  [{ ...redis, REDIS_TLS: 'yes' }, /^REDIS_TLS: "yes" is neither/],
  [{ ...redis, REDIS_KEY_PREFIX: '{a}:' }, /^REDIS_KEY_PREFIX: /],
  [{ ...redis, REDIS_TIMEOUT: '6s' }, /^REDIS_TIMEOUT: "6s" is out of bounds/],
  [{ LISTEN_TLS_CERT_FILE: '/crt' }, /^LISTEN_TLS_KEY_FILE: is required/],
  [{ LISTEN_TLS_KEY_FILE: '/key' }, /^LISTEN_TLS_CERT_FILE: is required/],
  [{ LISTEN_TLS_CLIENT_CA_FILE: '/ca' }, /^LISTEN_TLS_CLIENT_CA_FILE: works only with/],
  [{ LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/other' }, /^LISTEN_TLS_KEY_FILE: does not belong/],
  [{ LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/text' }, /^LISTEN_TLS_KEY_FILE: .*private key/],
  [{ LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/gone' }, /^LISTEN_TLS_KEY_FILE: .*ENOENT/],
  [{ LISTEN_TLS_CERT_FILE: '/text', LISTEN_TLS_KEY_FILE: '/key' }, /^LISTEN_TLS_CERT_FILE: .*certificate/],
  [{ AUTHGEAR_CA_FILE: '/text' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  [{ AUTHGEAR_CA_FILE: '/broken' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  [{ LISTEN: '127.0.0.1:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  [{ LISTEN: '[::]:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  [{ LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: 'unix:/run//a' }, /^MANAGEMENT_LISTEN: is the same address/]
]

t.test('variables that exclude each other are refused with one error', async (t) => holds(t, BAD, {}, broken))

const APART: readonly NodeJS.ProcessEnv[] = [
  { LISTEN: '127.0.0.1:0', MANAGEMENT_LISTEN: '127.0.0.1:0' },
  { LISTEN: '127.0.0.2:4181' },
  { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: 'unix:/run/b' },
  { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: '0.0.0.0:4180' },
  { LISTEN: '0.0.0.0:4181', MANAGEMENT_LISTEN: 'off' }
]

t.test('listeners may stand side by side', async (t) => holds(t, APART.map((env): Row => [env, []])))

t.test('TLS hands over paths, the extra CA its content', async t => {
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
})

t.test('files are read from the disk by default', async t => {
  const loaded = loadConfig(
    { AUTHGEAR_ENDPOINT: ENDPOINT, LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  )
  t.strictSame(configOf(loaded).tls, { certFile: tls.certFile, keyFile: tls.keyFile, clientCaFile: undefined })
})

const ROTATED = [
  ['CACHE_SECRET', redis, ({ cache }: Config) => cache.previousSecret],
  ['AUTHGEAR_WEBHOOK_SECRET', { ...redis, AUTHGEAR_WEBHOOK_SECRET: SECRET },
    ({ authgear }: Config) => authgear.previousWebhookSecret]
] as const

for (const [name, env, previousOf] of ROTATED) {
  testRotation(t, name, env, (some, files) => previousOf(configOf(load(some, files))))
}

t.test('a cache without a secret has none to rotate', async (t) => {
  t.match(errorsOf(load({ ...redis, CACHE_SECRET: 'none', CACHE_SECRET_PREVIOUS: OLD_SECRET })), [
    /^CACHE_SECRET_PREVIOUS: works only with CACHE_SECRET, which is none/
  ])
  t.match(errorsOf(load({ ...redis, CACHE_SECRET_PREVIOUS: 'none' })), [/^CACHE_SECRET_PREVIOUS: is shorter/])
})

t.test('the secret counts with Redis only, and none opts out with a warning', async t => {
  t.equal(configOf(load(redis)).cache.secret, SECRET)
  t.strictSame(warningsOf(load(redis)), [])
  const none = load({ ...redis, CACHE_SECRET: 'none' })
  t.equal(configOf(none).cache.secret, undefined)
  t.match(warningsOf(none), [/^CACHE_SECRET: is none: anyone/])
  t.equal(configOf(load({ CACHE_SECRET: SECRET })).cache.secret, undefined)
})

const NEAR = [
  'localhost:3000', 'auth.localhost', '127.0.0.1', '127.8.9.1:3000', '[::1]:3000', 'authgear', 'authgear:3000',
  'authgear.default.svc', 'authgear.default.svc.cluster.local:3000', 'auth.internal'
]

const WARNED: readonly Row[] = [
  ...['auth.example.com', 'auth.example.com:3000', '203.0.113.7'].map((host): Row =>
    [{ AUTHGEAR_ENDPOINT: `http://${host}` }, { warns: [/^AUTHGEAR_ENDPOINT: /] }]),
  ...NEAR.map((host): Row => [{ AUTHGEAR_ENDPOINT: `http://${host}` }, { warns: [] }]),
  [{ AUTHGEAR_WEBHOOK_SECRET: 'a webhook secret' }, { warns: [/^AUTHGEAR_WEBHOOK_SECRET: without Redis/] }],
  [{ CACHE_NEGATIVE_TTL: '31s' }, { warns: [/^CACHE_NEGATIVE_TTL: is over 30s/] }],
  [{ CACHE_NEGATIVE_TTL: '30s' }, { warns: [] }],
  [{ TRUSTED_PROXIES: '0.0.0.0/1, 128.0.0.0/8' }, { warns: [/^TRUSTED_PROXIES: trusts 0\.0\.0\.0\/1/] }],
  [{ TRUSTED_PROXIES: '2000::/3' }, { warns: [/^TRUSTED_PROXIES: trusts 2000::\/3/] }],
  [{ TRUSTED_PROXIES: '64.0.0.0/7' }, { warns: [/^TRUSTED_PROXIES/] }],
  [{ TRUSTED_PROXIES: '10.0.0.0/8, fd00::/16, loopback' }, { warns: [] }],
  [{ MANAGEMENT_LISTEN: '203.0.113.7:4181' }, { warns: [/^MANAGEMENT_LISTEN: 203\.0\.113\.7 is a public address/] }],
  [{ MANAGEMENT_LISTEN: '[2001:db8::1]:4181' }, { warns: [/^MANAGEMENT_LISTEN/] }],
  [{ MANAGEMENT_LISTEN: '203.0.113.7:4181', MANAGEMENT_TOKEN: 'a token that is long enough' }, { warns: [] }],
  [{ MANAGEMENT_LISTEN: '10.0.0.7:4181' }, { warns: [] }],
  [{ MANAGEMENT_LISTEN: '0.0.0.0:4181' }, { warns: [] }],
  [{ MANAGEMENT_LISTEN: 'off' }, { warns: [] }],
  [{ CACHE_STALE_IF_ERROR: '1m', CACHE_TTL: '0' }, { warns: [/^CACHE_STALE_IF_ERROR: has no effect/] }],
  [{ CACHE_STALE_IF_ERROR: '1m' }, { warns: [] }]
]

t.test('combinations that are allowed and perhaps not meant', async (t) => holds(t, WARNED))

t.test('a management listener on all addresses is as public as the machine', async t => {
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
})

t.test('a variable without effect when Redis is off is a warning', async t => {
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
})

t.test('EXT_AUTHZ_LOCATION=request needs EXT_AUTHZ_POLICY=required', async (t) => {
  t.match(errorsOf(load({ EXT_AUTHZ_LOCATION: 'request' })), [/^EXT_AUTHZ_LOCATION: .* EXT_AUTHZ_POLICY=required/])
  const whole = configOf(load({ EXT_AUTHZ_LOCATION: 'request', EXT_AUTHZ_POLICY: 'required' }))
  t.equal(whole.extAuthzLocation, 'request')
})
