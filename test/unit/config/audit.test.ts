import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../../helpers/audit.ts'
import { configOf, ENDPOINT, errorsOf, load, warningsOf } from './helpers.ts'

const URL = 'http://authgear-admin:3002/graphql'
const jwk = JSON.stringify({ ...createPrivateKey(PRIVATE_KEY).export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256' })
const needed = { AUTHGEAR_ADMIN_API_URL: URL, AUTHGEAR_APP_ID: APP_ID }
const whole = { ...needed, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY, AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID }
const pkcs1 = createPrivateKey(PRIVATE_KEY).export({ type: 'pkcs1', format: 'pem' }).toString()
const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

const GOOD: ReadonlyArray<readonly [what: string, env: NodeJS.ProcessEnv]> = [
  ['PEM and its id', whole],
  ['PEM in a file', { ...whole, AUTHGEAR_ADMIN_API_KEY: '', AUTHGEAR_ADMIN_API_KEY_FILE: '/pem' }],
  [
    'PEM whose line breaks are two characters',
    { ...whole, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY.replaceAll('\n', '\\n') }
  ],
  ['PKCS#1', { ...whole, AUTHGEAR_ADMIN_API_KEY: pkcs1 }],
  ['a JWK, which names its id', { ...needed, AUTHGEAR_ADMIN_API_KEY: jwk }],
  ['a JWK and the same id', { ...whole, AUTHGEAR_ADMIN_API_KEY: jwk }]
]

for (const [what, env] of GOOD) {
  t.test(`the audit log is followed with ${what}`, (t) => {
    t.strictSame(configOf(load(env, { '/pem': PRIVATE_KEY })).audit, {
      url: URL,
      key: { pem: PRIVATE_KEY, keyId: KEY_ID },
      appId: APP_ID,
      pollMs: 2000
    })
    t.end()
  })
}

const BAD: ReadonlyArray<readonly [what: string, env: NodeJS.ProcessEnv, errors: readonly RegExp[]]> = [
  [
    'the URL alone',
    { AUTHGEAR_ADMIN_API_URL: URL },
    [/^AUTHGEAR_ADMIN_API_KEY: is required/, /^AUTHGEAR_APP_ID: is required/]
  ],
  [
    'a PEM without its id',
    { ...needed, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY },
    [/^AUTHGEAR_ADMIN_API_KEY_ID: is required/]
  ],
  [
    'no URL',
    { AUTHGEAR_ADMIN_API_KEY: jwk, AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID },
    [/^AUTHGEAR_ADMIN_API_KEY: works only with/, /^AUTHGEAR_ADMIN_API_KEY_ID: works only with/]
  ],
  [
    'another id than the JWK’s',
    { ...whole, AUTHGEAR_ADMIN_API_KEY: jwk, AUTHGEAR_ADMIN_API_KEY_ID: 'x' },
    [/^AUTHGEAR_ADMIN_API_KEY_ID: is not the kid/]
  ],
  [
    'no key at all',
    { ...whole, AUTHGEAR_ADMIN_API_KEY: 'secret-text' },
    [/^AUTHGEAR_ADMIN_API_KEY: is no private key/]
  ],
  [
    'JSON that is no JWK',
    { ...whole, AUTHGEAR_ADMIN_API_KEY: '{"kty":"x"}' },
    [/^AUTHGEAR_ADMIN_API_KEY: is no private key/]
  ],
  ['a short key', { ...whole, AUTHGEAR_ADMIN_API_KEY: short }, [/^AUTHGEAR_ADMIN_API_KEY: is not an RSA key of 2048/]],
  [
    'another kind of key',
    { ...whole, AUTHGEAR_ADMIN_API_KEY: elliptic },
    [/^AUTHGEAR_ADMIN_API_KEY: is not an RSA key/]
  ],
  [
    'an origin without path',
    { ...whole, AUTHGEAR_ADMIN_API_URL: 'http://admin:3002' },
    [/^AUTHGEAR_ADMIN_API_URL: lacks its path: \/graphql/]
  ],
  [
    'a slash too many',
    { ...whole, AUTHGEAR_ADMIN_API_URL: `${URL}/` },
    [/^AUTHGEAR_ADMIN_API_URL: has a slash too many/]
  ],
  ['polls too far apart', { ...whole, AUTHGEAR_AUDIT_POLL: '11s' }, [/^AUTHGEAR_AUDIT_POLL: .*out of bounds/]]
]

for (const [what, env, errors] of BAD) {
  t.test(`refused: ${what}`, (t) => {
    const found = errorsOf(load(env))
    t.match(found, errors)
    t.equal(found.length, errors.length)
    t.notMatch(found.join(), /secret-text|MII|"kty"/, 'no secret')
    t.end()
  })
}

t.test('check prints no form of the key, and warns where each replica would follow', (t) => {
  for (const env of [whole, { ...needed, AUTHGEAR_ADMIN_API_KEY: jwk }]) {
    const printed: string[] = []
    t.equal(check([], { AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, { write: (text: string) => { printed.push(text) } }), 0)
    t.match(printed.join(''), /^AUTHGEAR_ADMIN_API_KEY +\*{8} /m)
    t.notMatch(printed.join(''), /BEGIN|"d"/)
  }
  t.match(warningsOf(load({ AUTHGEAR_AUDIT_POLL: '1s' })), [/^AUTHGEAR_AUDIT_POLL: has no effect/])
  t.match(warningsOf(load(whole)), [/^AUTHGEAR_ADMIN_API_URL: without Redis/])
  t.same(warningsOf(load({ ...whole, REDIS_URL: 'redis://redis', CACHE_SECRET: 'k'.repeat(32) })), [])
  t.end()
})
