import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeTls } from '../../helpers/tls.ts'
import { loadConfig } from '../../../src/config.ts'
import { configOf, ENDPOINT, errorsOf, load, warningsOf } from './helpers.ts'

const SECRET = 'k'.repeat(32)
const redis = { REDIS_URL: 'redis://redis', CACHE_SECRET: SECRET }
const tls = makeTls(t)
const other = makeTls(t)
const files = { '/crt': readFileSync(tls.certFile, 'utf8'), '/key': readFileSync(tls.keyFile, 'utf8'), '/ca': tls.ca, '/other': readFileSync(other.keyFile, 'utf8'), '/text': 'hello' }
const broken = { ...files, '/broken': `${tls.ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` }

const plainRedis = { host: 'redis', port: 6379, db: 0, username: undefined, password: undefined, tls: undefined, keyPrefix: 'forward-auth:', timeoutMs: 50 }

const goodRedis: readonly (readonly [title: string, env: NodeJS.ProcessEnv, part: Readonly<Record<string, unknown>>])[] = [
  ['a bare URL', {}, {}],
  ['port and database', { REDIS_URL: 'redis://cache.example:6380/3' }, { host: 'cache.example', port: 6380, db: 3 }],
  ['a slash at the end', { REDIS_URL: 'redis://redis/' }, {}],
  ['an IPv6 address', { REDIS_URL: 'redis://[::1]:6379' }, { host: '::1' }],
  ['user and encoded password in the URL', { REDIS_URL: 'redis://app:p%40ss%2F@redis' }, { username: 'app', password: 'p@ss/' }],
  ['a password only', { REDIS_URL: 'redis://:pw@redis' }, { password: 'pw' }],
  ['user and password in variables', { REDIS_USERNAME: 'app', REDIS_PASSWORD: ' p w ' }, { username: 'app', password: ' p w ' }],
  ['the user in the URL and the password in its variable', { REDIS_URL: 'redis://app@redis', REDIS_PASSWORD: 'pw' }, { username: 'app', password: 'pw' }],
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

const bad: readonly (readonly [title: string, env: NodeJS.ProcessEnv, message: RegExp])[] = [
  ['Redis without a secret', { REDIS_URL: 'redis://redis' }, /^CACHE_SECRET: is required with REDIS_URL.*none/],
  ['another scheme', { ...redis, REDIS_URL: 'http://redis' }, /^REDIS_URL: must begin with redis/],
  ['options in the URL', { ...redis, REDIS_URL: 'redis://redis/?family=6' }, /^REDIS_URL: must not contain/],
  ['a database that is no number', { ...redis, REDIS_URL: 'redis://redis/zero' }, /^REDIS_URL: has a path/],
  ['no host', { ...redis, REDIS_URL: 'redis:///0' }, /^REDIS_URL: names no host/],
  ['port 0', { ...redis, REDIS_URL: 'redis://redis:0' }, /^REDIS_URL: has port 0/],
  ['a URL that is none', { ...redis, REDIS_URL: 'redis://redis:port' }, /^REDIS_URL: is not a URL/],
  ['a stray %', { ...redis, REDIS_URL: 'redis://:a%zz@redis' }, /^REDIS_URL: has a %/],
  ['a user without password', { ...redis, REDIS_URL: 'redis://app@redis' }, /^REDIS_PASSWORD: is required with a Redis user/],
  ['a user variable without password', { ...redis, REDIS_USERNAME: 'app' }, /^REDIS_PASSWORD: is required/],
  ['a user with a space', { ...redis, REDIS_USERNAME: 'a b', REDIS_PASSWORD: 'x' }, /^REDIS_USERNAME: must not contain spaces/],
  ['two users', { ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_USERNAME: 'app' }, /^REDIS_USERNAME: .*leave one of them out/],
  ['two passwords', { ...redis, REDIS_URL: 'redis://app:pw@redis', REDIS_PASSWORD: 'pw' }, /^REDIS_PASSWORD: .*leave one of them out/],
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
  ['another certificate\'s key', { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/other' }, /^LISTEN_TLS_KEY_FILE: does not belong/],
  ['a key that is none', { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/text' }, /^LISTEN_TLS_KEY_FILE: .*private key/],
  ['a key file that is missing', { LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/gone' }, /^LISTEN_TLS_KEY_FILE: .*ENOENT/],
  ['a certificate that is none', { LISTEN_TLS_CERT_FILE: '/text', LISTEN_TLS_KEY_FILE: '/key' }, /^LISTEN_TLS_CERT_FILE: .*certificate/],
  ['a CA file without certificate', { AUTHGEAR_CA_FILE: '/text' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  ['a CA file with a broken certificate', { AUTHGEAR_CA_FILE: '/broken' }, /^AUTHGEAR_CA_FILE: .*certificate/],
  ['two listeners on one port', { LISTEN: '127.0.0.1:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  ['a wildcard over the other', { LISTEN: '[::]:4181' }, /^MANAGEMENT_LISTEN: is the same address/],
  ['two listeners on one socket', { LISTEN: 'unix:/run/a', MANAGEMENT_LISTEN: 'unix:/run//a' }, /^MANAGEMENT_LISTEN: is the same address/],
  ['/identify on the main listener', { LISTEN: '127.0.0.1:5000', IDENTIFY_LISTEN: '0.0.0.0:5000' }, /^IDENTIFY_LISTEN: is the same address as LISTEN/],
  ['/identify on the main socket', { LISTEN: 'unix:/run/a', IDENTIFY_LISTEN: 'unix:/run/./a' }, /^IDENTIFY_LISTEN: is the same address as LISTEN/],
  ['/identify on the management listener', { IDENTIFY_LISTEN: '[::]:4181' }, /^IDENTIFY_LISTEN: is the same address as MANAGEMENT_LISTEN/]
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
  const config = configOf(load({ LISTEN_TLS_CERT_FILE: '/crt', LISTEN_TLS_KEY_FILE: '/key', LISTEN_TLS_CLIENT_CA_FILE: '/ca', AUTHGEAR_CA_FILE: '/ca' }, files))
  t.strictSame(config.tls, { certFile: '/crt', keyFile: '/key', clientCaFile: '/ca' })
  t.equal(config.authgear.ca, tls.ca)
  t.end()
})

t.test('files are read from the disk by default', t => {
  const loaded = loadConfig({ AUTHGEAR_ENDPOINT: ENDPOINT, LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile })
  t.strictSame(configOf(loaded).tls, { certFile: tls.certFile, keyFile: tls.keyFile, clientCaFile: undefined })
  t.end()
})

t.test('the secret counts with Redis only, and none opts out with a warning', t => {
  t.equal(configOf(load(redis)).cache.secret, SECRET)
  t.strictSame(warningsOf(load(redis)), [])
  const none = load({ ...redis, CACHE_SECRET: 'none' })
  t.equal(configOf(none).cache.secret, undefined)
  t.match(warningsOf(none), [/^CACHE_SECRET: is none: whoever/])
  t.equal(configOf(load({ CACHE_SECRET: SECRET })).cache.secret, undefined)
  t.end()
})

t.test('what is idle without Redis is a warning', t => {
  t.strictSame(warningsOf(load({ CACHE_SECRET: SECRET, REDIS_KEY_PREFIX: 'a:', REDIS_TIMEOUT: '1s', REDIS_TLS: 'false' })), [
    'CACHE_SECRET: has no effect without REDIS_URL', 'REDIS_KEY_PREFIX: has no effect without REDIS_URL', 'REDIS_TIMEOUT: has no effect without REDIS_URL'
  ])
  t.strictSame(warningsOf(load({ CACHE_SECRET: 'none' })), [])
  t.end()
})
