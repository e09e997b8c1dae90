import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../../helpers/audit.ts'
import { ENDPOINT, errorsOf, holds, load, type Row } from './helpers.ts'

const URL = 'http://authgear-admin:3002/graphql'
const jwk = JSON.stringify({ ...createPrivateKey(PRIVATE_KEY).export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256' })
const needed = { AUTHGEAR_ADMIN_API_URL: URL, AUTHGEAR_APP_ID: APP_ID }
const whole = { ...needed, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY, AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID }
const pkcs1 = createPrivateKey(PRIVATE_KEY).export({ type: 'pkcs1', format: 'pem' }).toString()
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

const adminApi = { url: URL, key: { pem: PRIVATE_KEY, keyId: KEY_ID }, appId: APP_ID }
/** A PEM, its line breaks as two characters, PKCS#1, and a JWK, which names its id. */
const GOOD: readonly Row[] = [
  [whole, { adminApi }],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: '', AUTHGEAR_ADMIN_API_KEY_FILE: '/pem' }, { adminApi }],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY.replaceAll('\n', '\\n') }, { adminApi }],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: pkcs1 }, { adminApi }],
  [{ ...needed, AUTHGEAR_ADMIN_API_KEY: jwk }, { adminApi }],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: jwk }, { adminApi }]
]

const BAD: readonly Row[] = [
  [{ AUTHGEAR_ADMIN_API_URL: URL }, [/^AUTHGEAR_ADMIN_API_KEY: is required/, /^AUTHGEAR_APP_ID: is required/]],
  [{ ...needed, AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY }, /^AUTHGEAR_ADMIN_API_KEY_ID: is required/],
  [{ AUTHGEAR_ADMIN_API_KEY: jwk, AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID },
    [/^AUTHGEAR_ADMIN_API_KEY: works only with/, /^AUTHGEAR_ADMIN_API_KEY_ID: works only with/]],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: jwk, AUTHGEAR_ADMIN_API_KEY_ID: 'x' },
    /^AUTHGEAR_ADMIN_API_KEY_ID: is not the kid/],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: 'secret-text' }, /^AUTHGEAR_ADMIN_API_KEY: is not a readable private key/],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: '{"kty":"x"}' }, /^AUTHGEAR_ADMIN_API_KEY: is not a readable private key/],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: short }, /^AUTHGEAR_ADMIN_API_KEY: is not an RSA key of 2048/],
  [{ ...whole, AUTHGEAR_ADMIN_API_KEY: elliptic }, /^AUTHGEAR_ADMIN_API_KEY: is not an RSA key/],
  [{ ...whole, AUTHGEAR_ADMIN_API_URL: 'http://admin:3002' }, /^AUTHGEAR_ADMIN_API_URL: lacks its path: \/graphql/],
  [{ ...whole, AUTHGEAR_ADMIN_API_URL: `${URL}/` }, /^AUTHGEAR_ADMIN_API_URL: has an extra slash/]
]

t.test('the Admin API is asked with a key in any form', async (t) => holds(t, GOOD, {}, { '/pem': PRIVATE_KEY }))

t.test('refuses what is missing, wrong or alone, without repeating a secret', async (t) => {
  holds(t, BAD)
  for (const [env] of BAD) t.notMatch(errorsOf(load(env)).join(), /secret-text|MII|"kty"/)
})

t.test('check prints no form of the key', async (t) => {
  for (const env of [whole, { ...needed, AUTHGEAR_ADMIN_API_KEY: jwk }]) {
    const printed: string[] = []
    t.equal(check([], { AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, { write: (text: string) => { printed.push(text) } }), 0)
    t.match(printed.join(''), /^AUTHGEAR_ADMIN_API_KEY +\*{8} /m)
    t.notMatch(printed.join(''), /BEGIN|"d"/)
  }
})
