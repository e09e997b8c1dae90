import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { settingsOf, variables } from '../../../../src/parts/assertion/variables.ts'
import { configOf, errorsOf, holds, load, readRows, type Row, warningsOf } from '../../../unit/config/helpers.ts'

const pem = ({ privateKey }: { privateKey: KeyObject }): string =>
  privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const FILES = {
  '/p256': pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  '/ed25519': pem(generateKeyPairSync('ed25519')),
  '/rsa': pem(generateKeyPairSync('rsa', { modulusLength: 2048 })),
  '/text': 'a text'
}
const ISSUER = 'https://auth.example.com/here'
const ON = { ASSERTION: 'on', ASSERTION_ISSUER: ISSUER }
const REDIS = { REDIS_URL: 'redis://redis', CACHE_SECRET: 's'.repeat(32) }

const settings = (env: NodeJS.ProcessEnv): ReturnType<typeof settingsOf> =>
  settingsOf(readRows(variables, env, (path) => FILES[path as keyof typeof FILES]))

const isOn = (env: NodeJS.ProcessEnv): boolean => configOf(load(env)).parts.some(({ name }) => name === 'assertion')

t.test('it is off by itself', async (t) => {
  for (const env of [{}, { ASSERTION: 'off' }]) {
    t.equal(settings(env), undefined)
    t.notOk(isOn(env))
  }
})

t.test('two variables switch it on', async (t) => {
  const loaded = load({ ...ON, ...REDIS })
  t.ok(isOn({ ...ON, ...REDIS }))
  t.strictSame(settings(ON), {
    issuer: ISSUER, keyFile: undefined, algorithm: 'ES256', rotationMs: 30 * 86_400_000
  })
  t.strictSame(warningsOf(loaded), [])
})

const SET: ReadonlyArray<readonly [env: NodeJS.ProcessEnv, settings: object]> = [
  [{ ASSERTION: 'EdDSA' }, { algorithm: 'EdDSA' }],
  [{ ASSERTION: 'ES256' }, { algorithm: 'ES256' }],
  [{ ASSERTION_KEY_ROTATION: '1h' }, { rotationMs: 3_600_000 }],
  [{ ASSERTION_KEY_ROTATION: '365d' }, { rotationMs: 365 * 86_400_000 }],
  [{ ASSERTION_KEY_FILE: '/ed25519' }, { keyFile: '/ed25519' }],
  [{ ASSERTION: 'EdDSA', ASSERTION_KEY_FILE: '/ed25519' }, { keyFile: '/ed25519' }],
  [{ ASSERTION_KEY_FILE: '/p256', REDIS_URL: 'redis://redis', CACHE_SECRET: 'none' }, { keyFile: '/p256' }],
  [{ ASSERTION_ISSUER: 'http://localhost:8080/' }, { issuer: 'http://localhost:8080/' }]
]

t.test('each can be set', async (t) => {
  for (const [env, wanted] of SET) {
    t.strictSame(errorsOf(load({ ...ON, ...env }, FILES)), [], JSON.stringify(env))
    const found = settings({ ...ON, ...env })
    t.strictSame({ ...found, ...wanted }, found, JSON.stringify(env))
  }
})

const BAD: readonly Row[] = [
  [{ ASSERTION: 'on' }, /^ASSERTION_ISSUER: is required with ASSERTION=on/],
  [{ ASSERTION: 'RS256', ASSERTION_ISSUER: ISSUER }, /^ASSERTION: "RS256" is not one of off, on, ES256, EdDSA/],
  [{ ASSERTION_ISSUER: ISSUER }, /^ASSERTION_ISSUER: works only with ASSERTION=on/],
  [{ ASSERTION_KEY_ROTATION: '7d' }, /^ASSERTION_KEY_ROTATION: works only with ASSERTION=on/],
  [{ ...ON, ASSERTION_ISSUER: 'auth.example.com' }, /^ASSERTION_ISSUER: must begin with https/],
  [{ ...ON, ASSERTION_ISSUER: 'https://a:b@c' }, /^ASSERTION_ISSUER: must not carry a user name/],
  [{ ...ON, ASSERTION_ISSUER: 'https://a/?x' }, /^ASSERTION_ISSUER: must not carry a query/],
  [{ ...ON, ASSERTION_ISSUER: 'https://a b' }, /^ASSERTION_ISSUER: is not a URL/],
  [{ ...ON, ASSERTION_ISSUER: `https://${'a'.repeat(512)}` }, /^ASSERTION_ISSUER: is not a URL of at most 512/],
  [{ ...ON, ASSERTION_KEY_ROTATION: '59m' }, /^ASSERTION_KEY_ROTATION: "59m" is out of bounds: .* 1h to 365d/],
  [{ ...ON, ASSERTION_KEY_ROTATION: '30' }, /^ASSERTION_KEY_ROTATION: .*has no unit \(ms, s, m, h or d\)/],
  [{ ...ON, ASSERTION_KEY_FILE: '/rsa' }, /^ASSERTION_KEY_FILE: names a file that has a key that is neither/],
  [{ ...ON, ASSERTION_KEY_FILE: '/text' }, /^ASSERTION_KEY_FILE: names a file that has no private key/],
  [{ ...ON, ASSERTION_KEY_FILE: '/none' }, /^ASSERTION_KEY_FILE: names a file that cannot be read \(ENOENT\)/],
  [{ ...ON, ASSERTION: 'EdDSA', ASSERTION_KEY_FILE: '/p256' },
    /^ASSERTION_KEY_FILE: does not begin with an Ed25519 key/],
  [{ ...ON, ...REDIS, CACHE_SECRET: 'none' },
    /^ASSERTION: .* CACHE_SECRET=none protects nothing: set CACHE_SECRET, or .* ASSERTION_KEY_FILE/],
  [{ ASSERTION_KEY_FIEL: '/p256' }, /^ASSERTION_KEY_FIEL: is not a variable .*: did you mean ASSERTION_KEY_FILE\?/],
  [{ ASSERTIONS: 'on' }, /^ASSERTIONS: is not a variable of this service: did you mean ASSERTION\?/]
]

t.test('says what is wrong, and what to do', async (t) => holds(t, BAD, {}, FILES))

t.test('warns of what may be a mistake', async (t) => {
  t.match(warningsOf(load(ON)), [/^ASSERTION: without Redis each start makes new keys/])
  t.match(warningsOf(load({ ...ON, ASSERTION_KEY_FILE: '/p256', ASSERTION_KEY_ROTATION: '7d' }, FILES)), [
    /^ASSERTION_KEY_ROTATION: has no effect with ASSERTION_KEY_FILE/
  ])
})
