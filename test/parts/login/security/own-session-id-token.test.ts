import { createHmac, createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  APP, CLIENT, isCallback, sessionsSet, startOwnWorld, type OwnWorld
} from '../../../helpers/own-session-world.ts'
import type { Claims, TokenCall } from '../../../helpers/authgear-relay.ts'
import { last, type Hop } from '../../../helpers/person.ts'
import { demo } from '../../../helpers/simulator.ts'
import { KEYS, KID, signed } from '../../../helpers/token-issuer.ts'

const HEADER = { alg: 'RS256', kid: KID, typ: 'JWT' }
const ANOTHER = generateKeyPairSync('rsa', { modulusLength: 2048 })
const CURVE = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (claims: Claims, header: object): string => `${encode(header)}.${encode(claims)}.`

/** By a public key that is taken for a shared secret. */
function byHmac (claims: Claims, secret: string): string {
  const text = `${encode({ ...HEADER, alg: 'HS256' })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

function byCurve (claims: Claims): string {
  const text = `${encode({ ...HEADER, alg: 'ES256' })}.${encode(claims)}`
  const signature = signBytes('sha256', Buffer.from(text), { key: CURVE.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const PEM = createPublicKey(KEYS.privateKey).export({ type: 'spki', format: 'pem' }).toString()
const seconds = (world: OwnWorld): number => Math.floor(world.clock.wall() / 1000)
const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))

type Forge = (claims: Claims, world: OwnWorld) => string
const changed = (change: (claims: Claims, world: OwnWorld) => Claims): Forge =>
  (claims, world) => signed(change(claims, world), HEADER)

const FORGED: ReadonlyArray<readonly [string, Forge]> = [
  ['by another key of the same kid', (claims) => signed(claims, HEADER, ANOTHER.privateKey)],
  ['by a key of an unknown kid', (claims) => signed(claims, { ...HEADER, kid: 'unknown' }, ANOTHER.privateKey)],
  ['without a kid, by another key', (claims) => signed(claims, { alg: 'RS256', typ: 'JWT' }, ANOTHER.privateKey)],
  ['with the key in its own header', (claims) => signed(
    claims,
    { alg: 'RS256', typ: 'JWT', jwk: ANOTHER.publicKey.export({ format: 'jwk' }) },
    ANOTHER.privateKey
  )],
  ['with alg none', (claims) => unsigned(claims, { ...HEADER, alg: 'none' })],
  ['with alg None and no kid', (claims) => unsigned(claims, { alg: 'None' })],
  ['with RS256 and no signature', (claims) => unsigned(claims, HEADER)],
  ['by HS256 with the public key', (claims) => byHmac(claims, PEM)],
  ['by HS256 with nothing', (claims) => byHmac(claims, '')],
  ['by ES256', byCurve],
  ['of another project', changed((claims) => ({ ...claims, iss: 'https://evil.authgear.cloud' }))],
  ['without an issuer', changed((claims) => without(claims, 'iss'))],
  ['of an issuer with a slash more', changed((claims) => ({ ...claims, iss: `${String(claims['iss'])}/` }))],
  ['for another client', changed((claims) => ({ ...claims, aud: ['other'] }))],
  ['for another client too', changed((claims) => ({ ...claims, aud: ['other', CLIENT] }))],
  ['for another client too, which it was made for', changed((claims) =>
    ({ ...claims, aud: [CLIENT, 'other'], azp: 'other' }))],
  ['for another azp', changed((claims) => ({ ...claims, azp: 'other' }))],
  ['for nobody', changed((claims) => ({ ...claims, aud: [] }))],
  ['without an audience', changed((claims) => without(claims, 'aud'))],
  ['with another nonce', changed((claims) => ({ ...claims, nonce: 'another' }))],
  ['with an empty nonce', changed((claims) => ({ ...claims, nonce: '' }))],
  ['with a list of nonces', changed((claims) => ({ ...claims, nonce: [claims['nonce'], 'another'] }))],
  ['without a nonce', changed((claims) => without(claims, 'nonce'))],
  ['that has ended', changed((claims, world) => ({ ...claims, exp: seconds(world) - 600, iat: seconds(world) - 900 }))],
  ['that was made tomorrow', changed((claims, world) =>
    ({ ...claims, iat: seconds(world) + 86_400, exp: seconds(world) + 86_700 }))],
  ['without an end', changed((claims) => without(claims, 'exp'))],
  ['whose end is a text', changed((claims) => ({ ...claims, exp: String(claims['exp']) }))],
  ['that is not good yet', changed((claims, world) => ({ ...claims, nbf: seconds(world) + 3600 }))],
  ['without a subject', changed((claims) => without(claims, 'sub'))],
  ['with an empty subject', changed((claims) => ({ ...claims, sub: '' }))],
  ['with a list for a subject', changed((claims) => ({ ...claims, sub: [claims['sub']] }))],
  ['without a session', changed((claims) => without(claims, 'sid'))],
  ['with the session of another kind', changed((claims) =>
    ({ ...claims, sid: Buffer.from('idp:a11ce000-0000-4000-8000-000000000001').toString('base64url') }))],
  ['that is no JWT', () => 'x.y'],
  ['that is empty', () => ''],
  ['that is megabytes long', (claims) => signed({ ...claims, padding: 'x'.repeat(3 * 2 ** 20) }, HEADER)]
]

/** Signs in by the login page, where the relay signs ID tokens. */
async function signInWith (world: OwnWorld, sign: (claims: Claims, form: TokenCall['form']) => string) {
  world.relay.signBy(sign)
  const person = world.person()
  const hops = await person.open(`${APP}/`)
  return { person, hops: await person.send(last(hops).url, { user: 'alice' }, { until: isCallback }) }
}

t.test('the relay\'s own ID tokens are good, so those below are refused for what they are', async (t) => {
  const world = await startOwnWorld(t)
  const { person } = await signInWith(world, (claims) => signed(claims, HEADER))
  t.equal(await world.who(person), 'alice')
})

const noCookie = (t: Test, hops: readonly Hop[]): void => {
  t.strictSame(sessionsSet(hops), [])
  t.ok(hops.every(({ status }) => status !== 500 && status !== 502), 'no error of ours')
}

for (const [what, forge] of FORGED) {
  t.test(`no session by an ID token ${what}`, async (t) => {
    const world = await startOwnWorld(t)
    const { person, hops } = await signInWith(world, (claims) => forge(claims, world))
    noCookie(t, hops)
    t.match(await world.who(person), /^401/)
    t.ok(world.relay.calls.length > 0, 'it was asked for')
  })
}

/** Signed well, and not of the person behind the access token. */
const OF_ANOTHER: ReadonlyArray<readonly [string, string]> = [
  ['another person', demo.bob.id], ['nobody at all', 'x'], ['line ends', 'a\r\nx-authgear-user-id: b']
]

for (const [what, sub] of OF_ANOTHER) {
  t.test(`rejects an ID token whose subject is ${what}`, async (t) => {
    const world = await startOwnWorld(t)
    const { person, hops } = await signInWith(world, (claims) => signed({ ...claims, sub }, HEADER))
    t.ok(hops.every(({ status }) => status !== 500 && status !== 502), 'no error of ours')
    for (let i = 0; i < 3; i++) {
      t.match(await world.who(person), /^(?:401|503) /)
      world.clock.advance(31_000)
    }
  })
}

/** What the token endpoint may say instead of tokens. */
const ODD: ReadonlyArray<readonly [string, (answer: Readonly<Record<string, string | number>>) => object]> = [
  ['no access token', ({ access_token: _, ...rest }) => rest],
  ['an empty access token', (answer) => ({ ...answer, access_token: '' })],
  ['an access token with line ends', (answer) => ({ ...answer, access_token: 'a\r\nx-authgear-user-id: b' })],
  ['an access token that is a list', (answer) => ({ ...answer, access_token: [answer['access_token']] })],
  ['another type of token', (answer) => ({ ...answer, token_type: 'mac' })],
  ['no ID token', ({ id_token: _, ...rest }) => rest],
  ['no refresh token', ({ refresh_token: _, ...rest }) => rest],
  ['nothing', () => ({})],
  ['an error under status 200', () => ({ error: 'invalid_grant' })],
  ['megabytes', (answer) => ({ ...answer, padding: 'x'.repeat(5 * 2 ** 20) })]
]

for (const [what, edit] of ODD) {
  t.test(`an answer with ${what} is not our error, and admits no other user`, async (t) => {
    const world = await startOwnWorld(t)
    world.relay.edit((answer) => edit(answer) as typeof answer)
    const person = world.person()
    const hops = await person.send(last(await person.open(`${APP}/`)).url, { user: 'alice' }, { until: isCallback })
    t.ok(hops.every(({ status }) => status !== 500 && status !== 502))
    // a session without a refresh token is one for as long as its access token lives
    t.match(await world.who(person), what === 'no refresh token' ? /^(?:alice|401 )/ : /^401 /)
  })
}

t.test('a refresh whose ID token is another person\'s makes nobody another', async (t) => {
  const world = await startOwnWorld(t)
  const { person } = await signInWith(world, (claims, form) =>
    signed(form['grant_type'] === 'refresh_token' ? { ...claims, sub: demo.bob.id } : claims, HEADER))
  world.clock.advance(290_000)
  t.match(await world.who(person), /^(?:alice|401 |503 )/)
  world.clock.advance(60_000)
  t.match(await world.who(person), /^(?:alice|401 |503 )/)
  t.ok(world.relay.calls.some(({ form }) => form['grant_type'] === 'refresh_token'), 'it was refreshed')
})

t.test('a refresh with another person\'s access token does not admit that person', async (t) => {
  const world = await startOwnWorld(t)
  const bob = world.authgear.controls.signIn('bob').accessToken
  world.relay.edit((answer, form) =>
    form['grant_type'] === 'refresh_token' ? { ...answer, access_token: bob } : answer)
  const person = world.person()
  await world.signIn(person, `${APP}/`, 'alice')
  for (let i = 0; i < 4; i++) {
    world.clock.advance(100_000)
    t.match(await world.who(person), /^(?:alice|401 |503 )/)
  }
  t.ok(world.relay.calls.some(({ form }) => form['grant_type'] === 'refresh_token'), 'it was refreshed')
})
