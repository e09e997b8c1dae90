import t from 'tap'
import { valuesOf } from '../../../../src/base/core/resolution.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { readResourceToken } from '../../../../src/parts/tokens/read-token.ts'
import { NOW } from '../../../helpers/jwt.ts'
import { machineClaims, personClaims, RESOURCE } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const USER = 'a11ce000-0000-4000-8000-000000000001'
const CLAIM = 'https://authgear.com/claims/user/'
const MAX_AGE_MS = 3_600_000
const SECOND = NOW / 1000

type Claims = Readonly<Record<string, unknown>>
const read = (claims: Claims, maxAgeMs = MAX_AGE_MS) =>
  readResourceToken(claims, { issuer: ISSUER, maxAgeMs }, NOW as EpochMs)
const machine = (other: Claims = {}) => read(machineClaims(ISSUER, NOW, other))
const person = (other: Claims = {}) => read(personClaims(ISSUER, NOW, USER, other))
const without = (name: string) => {
  const { [name]: _, ...rest } = machineClaims(ISSUER, NOW)
  return read(rest)
}

t.test('a machine is nobody, whose client, audience, scopes and times are known', async (t) => {
  const reading = machine({ jti: 'one', scope: 'read write' })
  if (reading.kind !== 'token') return t.fail(reading.why)
  const { identity, ...rest } = reading.token
  t.strictSame(rest, {
    userId: undefined,
    issuedAt: NOW,
    expiresAt: NOW + 1_800_000,
    clientId: 'machine',
    audience: [RESOURCE],
    scopes: ['read', 'write'],
    id: 'one'
  })
  t.strictSame(valuesOf(identity), ['false', '', ...Array(6).fill(undefined)])
})

t.test('a person has the identity that the resolver would name', async (t) => {
  const time = String(SECOND)
  const rows: ReadonlyArray<readonly [claims: Claims, identity: ReadonlyArray<string | undefined>]> = [
    [{}, ['true', USER, 'false', 'true', 'admin', undefined, time, 'true']],
    [{ [`${CLAIM}roles`]: ['a', 'b'] }, ['true', USER, 'false', 'true', 'a,b', undefined, time, 'true']],
    [{ [`${CLAIM}is_anonymous`]: true, [`${CLAIM}is_verified`]: false },
      ['true', USER, 'true', 'false', 'admin', undefined, time, 'true']],
    [{ [`${CLAIM}can_reauthenticate`]: false, auth_time: SECOND + 0.9 },
      ['true', USER, 'false', 'true', 'admin', undefined, time, 'false']],
    [{
      [`${CLAIM}roles`]: undefined,
      [`${CLAIM}is_anonymous`]: undefined,
      [`${CLAIM}is_verified`]: undefined,
      [`${CLAIM}can_reauthenticate`]: undefined,
      auth_time: undefined
    },
    ['true', USER, undefined, undefined, '', undefined, undefined, undefined]]
  ]
  for (const [claims, identity] of rows) {
    const reading = person(claims)
    if (reading.kind !== 'token') return t.fail(reading.why)
    t.equal(reading.token.userId, USER)
    t.strictSame(valuesOf(reading.token.identity), identity, JSON.stringify(claims))
  }
})

/** Claims that are no token of ours, and what the log says of each. */
const REFUSED: ReadonlyArray<readonly [claims: Claims, why: RegExp]> = [
  [{ iss: `${ISSUER}/` }, /^iss /],
  [{ iss: undefined }, /^iss /],
  [{ cnf: { jkt: 'x' } }, /^cnf: .* bound to a key/],
  [{ cnf: undefined }, /^cnf: /],
  [{ iat: undefined }, /^iat or exp /],
  [{ exp: undefined }, /^iat or exp /],
  [{ iat: String(SECOND) }, /^iat or exp /],
  [{ exp: -1 }, /^iat or exp /],
  [{ iat: -1 }, /^iat or exp /],
  [{ exp: 1e11 }, /^iat or exp /],
  [{ exp: null }, /^iat or exp /],
  [{ nbf: SECOND + 6 }, /^nbf is not over/],
  [{ nbf: 'now' }, /^nbf is not over/],
  [{ nbf: null }, /^nbf is not over/],
  [{ iat: SECOND + 6, exp: SECOND + 60 }, /^iat is in the future/],
  [{ client_id: undefined }, /^client_id /],
  [{ client_id: '' }, /^client_id /],
  [{ client_id: 'a b' }, /^client_id /],
  [{ client_id: 'é' }, /^client_id /],
  [{ client_id: ['machine'] }, /^client_id /],
  [{ client_id: 'c'.repeat(257) }, /^client_id /],
  [{ jti: undefined }, /^jti /],
  [{ jti: '' }, /^jti /],
  [{ jti: 'a\nb' }, /^jti /],
  [{ jti: 'j'.repeat(257) }, /^jti /],
  [{ scope: ['read'] }, /^scope /],
  [{ scope: null }, /^scope /],
  [{ scope: ' ' }, /^scope /],
  [{ scope: 'read  write' }, /^scope /],
  [{ scope: ' read' }, /^scope /],
  [{ scope: 'read ' }, /^scope /],
  [{ scope: 'a"b' }, /^scope /],
  [{ scope: 'a\\b' }, /^scope /],
  [{ scope: 'lire é' }, /^scope /],
  [{ aud: undefined }, /^aud /],
  [{ aud: [] }, /^aud /],
  [{ aud: [RESOURCE, 1] }, /^aud /],
  [{ aud: { 0: RESOURCE } }, /^aud /]
]

t.test('a claim that cannot be one is refused, and named without its value', async (t) => {
  for (const [claims, why] of REFUSED) {
    t.match(machine(claims), { kind: 'refused', reason: 'invalid_session', why }, JSON.stringify(claims).slice(0, 60))
  }
  for (const [name, why] of [['iss', /^iss /], ['iat', /^iat or exp/], ['jti', /^jti /], ['aud', /^aud /]] as const) {
    t.match(without(name), { kind: 'refused', why }, `no ${name}`)
  }
})

/** Of a person: `sub` names one, and never a client. */
const NOBODY: readonly Claims[] = [
  { sub: undefined },
  { sub: '' },
  { sub: 7 },
  { sub: 'a user' },
  { sub: 'client_id_another' },
  { sub: 'client_id_' },
  { sub: 'u'.repeat(257) },
  { [`${CLAIM}roles`]: 'admin' },
  { [`${CLAIM}roles`]: ['admin', 1] },
  { [`${CLAIM}roles`]: ['admin,owner'] },
  { [`${CLAIM}roles`]: ['x admin'] },
  { [`${CLAIM}roles`]: ['admin x'] },
  { [`${CLAIM}roles`]: [''] },
  { [`${CLAIM}roles`]: null },
  { [`${CLAIM}roles`]: Array(1024).fill('r'.repeat(7)).with(0, 'r'.repeat(9)) },
  { [`${CLAIM}is_anonymous`]: 'false' },
  { [`${CLAIM}is_verified`]: 1 },
  { [`${CLAIM}can_reauthenticate`]: null },
  { auth_time: 'now' },
  { auth_time: -1 },
  { auth_time: null }
]

t.test('a person whose id, roles, flags or sign-in cannot be one is refused', async (t) => {
  for (const claims of NOBODY) {
    t.match(person(claims), {
      kind: 'refused', reason: 'invalid_session', why: /^sub, auth_time or a claim about the user/
    }, JSON.stringify(claims).slice(0, 60))
  }
})

/** Each at its bound. */
const ALLOWED: readonly Claims[] = [
  { nbf: SECOND + 5 },
  { nbf: SECOND - 60 },
  { iat: SECOND + 5 },
  { client_id: 'c'.repeat(256), sub: `client_id_${'c'.repeat(256)}` },
  { client_id: '!~', sub: 'client_id_!~' },
  { jti: 'j'.repeat(256) },
  { aud: RESOURCE },
  { aud: [RESOURCE, 'https://other.example.com'] },
  { scope: '!#[]~' },
  { exp: 1e11 - 1 }
]

t.test('a token at each bound is one', async (t) => {
  for (const claims of ALLOWED) t.match(machine(claims), { kind: 'token' }, JSON.stringify(claims).slice(0, 60))
  t.match(person({ [`${CLAIM}roles`]: Array(1024).fill('r'.repeat(7)).with(0, 'r'.repeat(8)) }), { kind: 'token' }, '8 KiB')
  t.match(person({ sub: 'u'.repeat(256), auth_time: 0 }), { kind: 'token' })
})

t.test('one audience is a list of one, and no scope is none', async (t) => {
  t.match(machine({ aud: RESOURCE }), { token: { audience: [RESOURCE] } })
  for (const scope of ['', undefined]) t.strictSame(scopesOf(machine({ scope })), [])
})

const scopesOf = (reading: ReturnType<typeof read>) => reading.kind === 'token' ? reading.token.scopes : reading

t.test('a token ends at exp, and no later than RESOURCE_TOKEN_MAX_AGE after iat', async (t) => {
  const issued = (agoMs: number, lifeMs: number, maxAgeMs: number) => {
    const [iat, exp] = [(NOW - agoMs) / 1000, (NOW - agoMs + lifeMs) / 1000]
    return read(machineClaims(ISSUER, NOW, { iat, exp }), maxAgeMs)
  }
  t.match(issued(0, 60_000, 120_000), { token: { issuedAt: NOW, expiresAt: NOW + 60_000 } })
  t.match(issued(0, 60_000, 30_000), { token: { expiresAt: NOW + 30_000 } })
  t.match(issued(59_000, 60_000, 120_000), { token: { expiresAt: NOW + 1000 } })
  const ended = { kind: 'refused', reason: 'expired_credentials' }
  t.match(issued(60_000, 60_000, 120_000), { ...ended, why: 'exp is over' })
  t.match(issued(61_000, 60_000, 30_000), { ...ended, why: 'exp is over' }, 'both are over: exp is said')
  t.match(issued(30_000, 60_000, 30_000), { ...ended, why: /^it is older than RESOURCE_TOKEN_MAX_AGE/ })
})
