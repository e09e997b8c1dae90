import fc from 'fast-check'
import t from 'tap'
import { resources } from '../../../../src/parts/tokens/resources.ts'
import type { MemoryKey } from '../../../../src/base/core/cache-key.ts'
import { CLOCK_TOLERANCE_MS, type ResourceToken } from '../../../../src/base/core/resource-token.ts'
import { readResourceToken } from '../../../../src/parts/tokens/read-token.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { createVerifier } from '../../../../src/parts/tokens/verifier.ts'
import { holds } from '../../../helpers/property.ts'
import { HEADER, KEYS, KID, machineClaims, personClaims, RESOURCE, signed } from '../../../helpers/token-issuer.ts'
import { anything, mostly } from '../../../fuzz/helpers/hostile.ts'

const ISSUER = 'https://myapp.authgear.cloud'
const NOW = 1_795_645_996_000 as EpochMs
const RULES = { issuer: ISSUER, maxAgeMs: 3_600_000 }
const USER = 'a11ce000-0000-4000-8000-000000000001'
/** Of what is refused nothing may be repeated: each refusal is searched for this. */
const MARK = 'zqxj'

const marked = anything.map((text) => `${MARK}${text}`)
const time = fc.oneof(
  fc.integer({ min: -7200, max: 7200 }).map((s) => NOW / 1000 + s), fc.constantFrom(-1, 0, 1e11, 1e300, NaN, Infinity)
)
const value: fc.Arbitrary<unknown> = fc.oneof(
  marked, time, fc.array(fc.oneof(marked, fc.integer()), { maxLength: 3 }), fc.constantFrom(ISSUER, RESOURCE, USER, `client_id_${USER}`),
  fc.constant(undefined), fc.jsonValue()
)
const NAMES = [
  'iss', 'aud', 'exp', 'iat', 'nbf', 'jti', 'client_id', 'scope', 'sub', 'auth_time',
  'https://authgear.com/claims/user/roles', 'https://authgear.com/claims/user/is_anonymous', '__proto__', 'constructor'
]
/** A right token of either kind with up to three claims changed, or any JSON at all. */
const claims: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(fc.boolean(), fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 3 }))
      .map(([isMachine, other]) => isMachine
        ? machineClaims(ISSUER, NOW, { ...other })
        : personClaims(ISSUER, NOW, USER, { ...other }))
  },
  { weight: 1, arbitrary: fc.jsonValue() }
)
const header: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(HEADER) },
  {
    weight: 3,
    arbitrary: fc.dictionary(
      fc.constantFrom('alg', 'typ', 'kid', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip'),
      fc.oneof(marked, fc.constantFrom('none', 'HS256', 'RS256', 'at+jwt', 'JWT', KID), fc.jsonValue()),
      { maxKeys: 3 }
    ).map((other) => ({ ...HEADER, ...other }))
  },
  { weight: 1, arbitrary: fc.jsonValue() }
)

/** docs/resource-tokens.md in other words. @throws where a token is none that may be accepted */
function checkToken (token: ResourceToken, source: unknown): void {
  const { iss, aud, exp, iat, nbf, sub, client_id: clientId } = source as Record<string, unknown>
  const list: unknown[] = Array.isArray(aud) ? aud : [aud]
  const isRight = iss === ISSUER && typeof exp === 'number' && exp * 1000 > NOW && typeof iat === 'number' &&
    iat * 1000 <= NOW + CLOCK_TOLERANCE_MS && iat * 1000 + RULES.maxAgeMs > NOW &&
    (nbf === undefined || (typeof nbf === 'number' && nbf * 1000 <= NOW + CLOCK_TOLERANCE_MS)) &&
    list.length > 0 && list.every((name) => typeof name === 'string') && token.audience.join() === list.join() &&
    token.clientId === clientId && token.expiresAt <= Math.min(exp * 1000, iat * 1000 + RULES.maxAgeMs)
  if (!isRight) throw new Error(`accepted ${JSON.stringify(source)}`)
  const isMachine = sub === `client_id_${token.clientId}`
  if (isMachine !== (token.userId === undefined)) throw new Error('a machine for a person, or a person for a machine')
  if (!isMachine && (token.userId !== sub || token.userId?.startsWith('client_id_') !== false)) throw new Error(`named ${token.userId}`)
}

function checkSilence (refusal: unknown): void {
  if (JSON.stringify(refusal).includes(MARK)) throw new Error(`repeats its input: ${JSON.stringify(refusal)}`)
}

t.test('reads a token only by the rules, and repeats nothing of one that it refuses', async (t) => {
  let accepted = 0
  await holds(t, fc.property(claims, (claims) => {
    if (typeof claims !== 'object' || claims === null) return
    const reading = readResourceToken(claims as Record<string, unknown>, RULES, NOW)
    if (reading.kind === 'refused') return checkSilence(reading)
    accepted++
    checkToken(reading.token, claims)
  }), 2500)
  t.ok(accepted > 50, `a token is not rare: ${accepted}`)
})

/** Of a token whose signature is right. */
const asIs = (text: string): string => text
const damage = fc.oneof(
  { weight: 6, arbitrary: fc.constant(asIs) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(), anything).map(([at, put]) => (text: string) =>
      text.slice(0, at % text.length) + put + text.slice(at % text.length))
  },
  { weight: 1, arbitrary: fc.nat(3).map((parts) => (text: string) => text.split('.').slice(0, parts).join('.')) }
)

t.test('verifies only a whole token signed for this header, and never rejects', async (t) => {
  const clock = { wall: () => NOW, monotonic: () => 0 }
  const getKey = async (): Promise<typeof KEYS.publicKey> => KEYS.publicKey
  const keyOf = async (kid: string): Promise<typeof getKey | undefined> => kid === KID ? getKey : undefined
  const verifier = createVerifier({
    rules: RULES, keySet: { keyOf, current: () => getKey }, clock, maxBytes: 2 ** 20, waitingBytes: 2 ** 20
  })
  let accepted = 0
  let count = 0
  await holds(t, fc.asyncProperty(claims, header, damage, async (claims, header, damage) => {
    const token = damage(signed(claims, header))
    const key = String(count++) as MemoryKey
    const verification = await verifier.verify(token, { key, headBytes: () => token.length })
    if (verification.kind === 'unavailable') throw verification.error
    if (verification.kind === 'refused') return checkSilence(verification)
    accepted++
    const { alg, typ, kid } = header as Record<string, unknown>
    const isType = typeof typ === 'string' && ['at+jwt', 'application/at+jwt'].includes(typ.toLowerCase())
    if (alg !== 'RS256' || !isType || kid !== KID) throw new Error(`accepted ${JSON.stringify(header)}`)
    checkToken(verification.token, JSON.parse(JSON.stringify(claims)))
    const again = verifier.verify(token, { key, headBytes: () => 0 })
    if (again instanceof Promise || again.kind !== 'token') throw new Error('was not remembered')
  }), 300)
  t.ok(accepted > 10, `a token is not rare: ${accepted}`)
})

const uri = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(RESOURCE, 'https://mcp.example.com/mcp', 'https://a.example:8443/x', 'http://a.example')
  },
  ...[(text: string) => `https://${text}`, (text: string) => `${RESOURCE}/${text}`, (text: string) => text]
    .map((put) => ({ weight: 1, arbitrary: anything.map(put) }))
)
const rare = fc.oneof(fc.constantFrom('openid', 'profile'), anything)
const scopes = fc.array(mostly(['read:orders', 'write'], rare), { maxLength: 3 })
const asText = fc.array(fc.tuple(uri, scopes).map(([uri, list]) => list.length === 0 ? uri : `${uri}#${list.join()}`), {
  maxLength: 4
}).map((entries) => entries.join(' '))
const asJson = fc.oneof(
  fc.array(fc.record({ uri, scopes, name: anything }, { requiredKeys: [] }), { maxLength: 4 }), fc.jsonValue()
).map((list) => JSON.stringify(list))

t.test('takes for RESOURCES only URIs that Authgear may have, each once', async (t) => {
  let taken = 0
  await holds(t, fc.property(fc.oneof(asText, asJson, asJson.map((text) => `[${text}`)), (text) => {
    const read = resources.parse(text, () => '')
    if (!('value' in read)) return
    taken++
    const uris = read.value.map(({ uri }) => uri)
    if (uris.length === 0 || new Set(uris).size !== uris.length) throw new Error('none, or one twice')
    for (const uri of uris) {
      const { protocol, username, search, hash, host } = new URL(uri)
      if (protocol !== 'https:' || username + search + hash !== '' || host === '' || !/^[!-~]+$/.test(uri)) {
        throw new Error(`took ${uri}`)
      }
    }
    for (const scope of read.value.flatMap(({ scopes }) => scopes)) {
      if (!/^[!-~]+$/.test(scope) || /[",\\]/.test(scope) || scope === 'profile') throw new Error(`took scope ${scope}`)
    }
  }), 1500)
  t.ok(taken > 25, `a list is not rare: ${taken}`)
})
