import { createHmac, generateKeyPairSync } from 'node:crypto'
import { errors, type JWTVerifyGetKey } from 'jose'
import t from 'tap'
import { Overloaded, KeysUnavailable } from '../../../../src/base/errors.ts'
import type { MemoryKey } from '../../../../src/base/core/cache-key.ts'
import { createVerifier } from '../../../../src/parts/tokens/verifier.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { HEADER, KEYS, KID, machineClaims, signed } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const [HEAD_BYTES, WAITING_BYTES] = [0, 8 * 1024]

/** What happens where the key of a token is looked up, and where it is used. */
type Given = Readonly<{
  whileLookedUp?: (clock: ReturnType<typeof manualClock>) => void
  getKey?: JWTVerifyGetKey | undefined
}>

function start (given: Given = {}) {
  const clock = manualClock()
  const { whileLookedUp = () => {}, getKey = async () => KEYS.publicKey } = given
  let lookups = 0
  const verifier = createVerifier({
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keySet: {
      async keyOf (kid) {
        lookups++
        whileLookedUp(clock)
        return kid === KID ? getKey : undefined
      },
      current: () => getKey
    },
    clock,
    maxBytes: 2 ** 20,
    waitingBytes: WAITING_BYTES
  })
  let tokens = 0
  const verify = (bearer: string) =>
    verifier.verify(bearer, { key: `${tokens++}` as MemoryKey, headBytes: () => HEAD_BYTES })
  return { clock, verify, lookups: () => lookups, claims: (other = {}) => machineClaims(ISSUER, clock.wall(), other) }
}

const refused = (why: RegExp | string) => ({ kind: 'refused', reason: 'invalid_session', why })
const NO_ACCESS_TOKEN = /^it is no RS256 access token/
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Headers that no access token of Authgear's has. */
const HEADERS: readonly unknown[] = [
  { ...HEADER, alg: 'none' },
  { ...HEADER, alg: 'HS256' },
  { ...HEADER, alg: 'RS512' },
  { ...HEADER, alg: undefined },
  { ...HEADER, typ: 'JWT' },
  { ...HEADER, typ: 'at+jwt2' },
  { ...HEADER, typ: 'xat+jwt' },
  { ...HEADER, typ: ['at+jwt'] },
  { ...HEADER, typ: undefined },
  { ...HEADER, kid: undefined },
  { ...HEADER, kid: '' },
  { ...HEADER, kid: 7 },
  { ...HEADER, kid: 'k'.repeat(257) },
  { ...HEADER, crit: ['exp'], exp: 1 },
  { ...HEADER, crit: [] }
]

t.test('a token of another type, algorithm or key id causes no lookup of a key', async (t) => {
  const { verify, claims, lookups } = start()
  for (const header of HEADERS) {
    t.match(await verify(signed(claims(), header)), refused(NO_ACCESS_TOKEN), JSON.stringify(header).slice(0, 80))
  }
  t.equal(lookups(), 0)
})

t.test('a type is taken in each spelling of RFC 9068, and a key id at its bound', async (t) => {
  const { verify, claims } = start()
  for (const typ of ['AT+JWT', 'application/at+jwt', 'Application/At+Jwt']) {
    t.match(await verify(signed(claims(), { ...HEADER, typ })), { kind: 'token' }, typ)
  }
  t.match(await verify(signed(claims(), { ...HEADER, kid: 'k'.repeat(256) })), refused(/^its kid is none/))
})

t.test('what could not pass anyway causes no lookup of a key', async (t) => {
  const { verify, claims, lookups, clock } = start()
  const good = signed(claims())
  for (const [bearer, why] of [
    [`${good}=`, /^it is not written in base64url/],
    [`${good.slice(0, -1)}*`, /^it is not written in base64url/],
    ['', /^it is n/],
    ['opaque', /^it is n/],
    [`${encode(HEADER)}.${encode([])}.x`, /^it is not written/],
    [`${encode(HEADER)}.${Buffer.from('{').toString('base64url')}.`, /^it has no claims/],
    [signed(claims({ iss: 'https://other.example.com' })), /^iss /]
  ] as const) t.match(await verify(bearer), refused(why), bearer.slice(0, 20))
  const ended = signed(machineClaims(ISSUER, clock.wall() - 7_200_000))
  t.match(await verify(ended), { kind: 'refused', reason: 'expired_credentials', why: 'exp is over' })
  t.equal(lookups(), 0)
})

t.test('a signature by another key, or over other claims, is none', async (t) => {
  const { verify, claims, lookups } = start()
  const signature = refused(/^its signature is not Authgear's/)
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  t.match(await verify(signed(claims(), HEADER, other.privateKey)), signature)
  const [header, , proof] = signed(claims()).split('.')
  t.match(await verify(`${header}.${encode(claims({ client_id: 'admin', sub: 'client_id_admin' }))}.${proof}`), signature)
  t.match(await verify(`${header}.${encode(claims())}.`), signature)
  t.equal(lookups(), 3)
  const text = `${encode({ ...HEADER, alg: 'HS256' })}.${encode(claims())}`
  const known = KEYS.publicKey.export({ format: 'pem', type: 'spki' })
  const mac = createHmac('sha256', known).update(text).digest('base64url')
  t.match(await verify(`${text}.${mac}`), refused(NO_ACCESS_TOKEN), 'signed by what everybody knows')
})

t.test('a key that Authgear does not publish is refused', async (t) => {
  const { verify, claims } = start()
  t.match(await verify(signed(claims(), { ...HEADER, kid: 'another' })), refused('its kid is none of Authgear\'s keys'))
  const gone = start({ getKey: async () => { throw new errors.JWKSNoMatchingKey() } })
  t.match(await gone.verify(signed(gone.claims())), refused('its kid is none of Authgear\'s keys'))
  const several = start({ getKey: async () => { throw new errors.JWKSMultipleMatchingKeys() } })
  t.match(await several.verify(signed(several.claims())), refused('it cannot be verified'))
})

t.test('while nobody can say which keys there are a token is neither good nor refused', async (t) => {
  const away = start({ whileLookedUp: () => { throw new KeysUnavailable('away') } })
  t.match(await away.verify(signed(away.claims())), { kind: 'unavailable', error: { code: 'KEYS_UNAVAILABLE' } })
  const broken = start({ whileLookedUp: () => { throw new TypeError('a defect') } })
  const { kind, ...rest } = await broken.verify(signed(broken.claims()))
  t.equal(kind, 'unavailable')
  t.match(rest, { error: { cause: { message: 'a defect' } } })
})

t.test('a token that ends while its key is fetched, or is not yet one, does not pass', async (t) => {
  for (const ms of [1_800_000, 1_804_000, 1_900_000]) {
    const { verify, claims } = start({ whileLookedUp: (clock) => clock.advance(ms) })
    t.match(await verify(signed(claims())), { kind: 'refused', reason: 'expired_credentials', why: 'exp is over' })
  }
  const { verify, claims, clock } = start({ whileLookedUp: (clock) => clock.setWall(clock.wall() - 60_000) })
  t.match(await verify(signed(claims({ nbf: clock.wall() / 1000 }))), refused('a claim is not what it has to be'))
})

t.test('who waits gives its room back, also when it is refused', async (t) => {
  const { verify, claims } = start()
  for (const header of [HEADER, { ...HEADER, kid: 'another' }, HEADER]) {
    const first = verify(signed(claims(), header))
    const second = verify(signed(claims()))
    t.notOk(second instanceof Promise, 'it waits for nothing')
    t.match(second, { kind: 'unavailable', error: new Overloaded() })
    await first
  }
  t.match(await verify(signed(claims())), { kind: 'token', source: 'none' })
})

t.test('a token that was refused is looked at again', async (t) => {
  let isKnown = false
  const clock = manualClock()
  const verifier = createVerifier({
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keySet: { keyOf: async () => isKnown ? async () => KEYS.publicKey : undefined, current: () => undefined },
    clock,
    maxBytes: 2 ** 20,
    waitingBytes: WAITING_BYTES
  })
  const bearer = signed(machineClaims(ISSUER, clock.wall()))
  const verify = () => verifier.verify(bearer, { key: 'one' as MemoryKey, headBytes: () => 0 })
  t.match(await verify(), refused(/^its kid/))
  isKnown = true
  t.match(await verify(), { kind: 'token' })
})

const LONG = 'l'.repeat(250)
/** Each is longer than a token of one letter for an id. */
const LONGER: ReadonlyArray<Readonly<Record<string, unknown>>> = [
  { jti: LONG },
  { jti: 'j', scope: LONG },
  { jti: 'j', aud: ['https://api.example.com', `https://${LONG}`] },
  { jti: 'j', client_id: LONG, sub: `client_id_${LONG}` },
  { jti: 'j', sub: LONG }
]

t.test('of tokens with longer texts memory holds fewer', async (t) => {
  const short = await rememberedOf({ jti: 'j' })
  t.ok(short > 20 && short < 50, `${short} of 2 kB each in 100 kB`)
  for (const other of LONGER) t.ok(await rememberedOf(other) < short - 5, JSON.stringify(other).slice(0, 40))
})

/** How many tokens of these claims 100 kB remember. */
async function rememberedOf (other: Readonly<Record<string, unknown>>): Promise<number> {
  const clock = manualClock()
  const getKey: JWTVerifyGetKey = async () => KEYS.publicKey
  const verifier = createVerifier({
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keySet: { keyOf: async () => getKey, current: () => getKey },
    clock,
    maxBytes: 100_000,
    waitingBytes: WAITING_BYTES
  })
  const bearer = signed(machineClaims(ISSUER, clock.wall(), other))
  const verify = (key: number) => verifier.verify(bearer, { key: `${key}` as MemoryKey, headBytes: () => 0 })
  for (let key = 0; key < 60; key++) await verify(key)
  const again = Array.from({ length: 60 }, (_, key) => verify(59 - key))
  return again.filter((one) => !(one instanceof Promise) && one.kind === 'token').length
}
