import { createPublicKey, verify } from 'node:crypto'
import t from 'tap'
import { createAssertions, MAX_LENGTH } from '../../../../src/parts/assertion/assertions.ts'
import { createKeyRing } from '../../../../src/parts/assertion/key-ring.ts'
import { extended } from '../../../../src/parts/assertion/key-set.ts'
import type { AssertionSubject, SignOutcome } from '../../../../src/parts/assertion/types.ts'
import type { Credentials } from '../../../../src/base/core/credentials.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const NONE: Credentials = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }
const ALICE: AssertionSubject = {
  userId: '0b1e5a5e-0000-4000-8000-000000000001',
  roles: ['admin', 'editor'],
  email: undefined,
  name: undefined,
  grant: undefined,
  credentials: { ...NONE, session: 'session-1.secret' }
}
const NOW = 1_800_000_000_700

function signing () {
  const clock = manualClock(NOW)
  const schedule = { algorithm: 'ES256', rotationMs: 3_600_000 } as const
  const ring = createKeyRing(clock, schedule)
  const outcomes: SignOutcome[] = []
  const told = (outcome: SignOutcome): void => { outcomes.push(outcome) }
  const { sign } = createAssertions({ ring, issuer: 'https://auth.example.com', clock, told })
  ring.use(extended(undefined, schedule, NOW), 0)
  /** The claims of an assertion about Alice, but for these. */
  const claimsOf = (some: Partial<AssertionSubject> = {}, audience?: string): Record<string, unknown> => {
    const token = sign({ ...ALICE, ...some }, audience)?.token ?? ''
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  }
  return { clock, ring, sign, claimsOf, outcomes }
}

t.test('an assertion about a user', async (t) => {
  const { sign, ring, outcomes } = signing()
  const assertion = sign(ALICE, undefined)
  const [header = '', payload = '', signature = ''] = assertion?.token.split('.') ?? []
  const key = ring.signer()
  if (key === undefined) throw new Error('no key')
  t.strictSame(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'ES256', kid: key.kid, typ: 'JWT' })
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  t.match(claims.sid, /^[\w-]{22}$/)
  t.strictSame(claims, {
    iss: 'https://auth.example.com',
    aud: 'https://auth.example.com',
    sub: ALICE.userId,
    iat: 1_799_999_985,
    exp: 1_800_000_060,
    sid: claims.sid,
    roles: ['admin', 'editor']
  })
  t.ok(verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    { key: createPublicKey({ key: { ...key.jwk }, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url')
  ))
  t.match(assertion, { issuedAt: 1_800_000_000_000, renewAt: 1_800_000_030_000 })
  t.strictSame(outcomes, ['signed'])
})

t.test('a clock 15 s behind, or 30 s ahead, needs no leeway', async (t) => {
  const { claimsOf } = signing()
  const { iat, exp } = claimsOf() as { iat: number, exp: number }
  t.ok(iat <= NOW / 1000 - 15, 'an app behind')
  t.ok(exp - 30 > NOW / 1000 + 29, 'an app ahead, as long as it goes out')
})

t.test('says what the route, the profile and a resource token add', async (t) => {
  const { claimsOf } = signing()
  t.match(claimsOf({ email: 'a@example.com', name: 'Älice 愛' }, 'grafana'), {
    aud: 'grafana', email: 'a@example.com', name: 'Älice 愛'
  })
  const grant = { clientId: 'agent', scopes: ['read:a', 'write:b'] }
  t.match(claimsOf({ grant }), { sub: ALICE.userId, client_id: 'agent', scope: 'read:a write:b' })
  t.match(claimsOf({ grant: { clientId: 'agent', scopes: [] } }), { scope: '' })
  t.strictSame(claimsOf({ roles: [] })['roles'], [])
})

t.test('a machine is its client, and no user can look like one', async (t) => {
  const { sign, claimsOf, outcomes } = signing()
  const grant = { clientId: 'robot', scopes: [] }
  t.match(claimsOf({ userId: undefined, grant }), { sub: 'client:robot', client_id: 'robot' })
  t.equal(sign({ ...ALICE, userId: 'client:robot' }, undefined), undefined)
  t.equal(sign({ ...ALICE, userId: undefined }, undefined), undefined)
  t.strictSame(outcomes, ['signed', 'unfit', 'unfit'])
})

t.test('what does not fit is left out, and named', async (t) => {
  const { sign, claimsOf } = signing()
  const roles = Array.from({ length: 400 }, (_, index) => `role-number-${index}`)
  const scopes = roles
  const cases: ReadonlyArray<readonly [some: Partial<AssertionSubject>, omitted: readonly string[] | undefined]> = [
    [{ roles: roles.slice(0, 100), email: 'a@example.com' }, undefined],
    [{ roles, email: 'a@example.com' }, ['roles']],
    [{ roles, grant: { clientId: 'c', scopes } }, ['roles', 'scope']],
    [{ roles, name: '愛'.repeat(2000) }, ['roles', 'name']],
    [{ name: '"'.repeat(2000), email: 'x'.repeat(4000) }, ['roles', 'name', 'email']]
  ]
  for (const [some, omitted] of cases) {
    const claims = claimsOf(some)
    t.strictSame(claims['omitted'], omitted)
    t.ok((sign({ ...ALICE, ...some }, undefined)?.token.length ?? Infinity) <= MAX_LENGTH)
    for (const name of omitted ?? []) t.notOk(name in claims, `${name} is not there`)
  }
  t.equal(sign(ALICE, 'a'.repeat(MAX_LENGTH)), undefined)
})

t.test('no length of roles makes an assertion longer than its bound', async (t) => {
  const { sign } = signing()
  const lengths = Array.from({ length: 600 }, (_, count) =>
    sign({ ...ALICE, roles: ['r'.repeat(2300 + count)] }, undefined)?.token.length ?? Infinity)
  t.equal(Math.max(...lengths), MAX_LENGTH)
})

t.test('sid names a session, and nobody else shares it', (t) => {
  const { claimsOf } = signing()
  const sid = (credentials: Partial<Credentials>, some: Partial<AssertionSubject> = {}): unknown =>
    claimsOf({ ...some, credentials: { ...NONE, ...credentials } })['sid']
  const own = sid({ session: 'session-1.secret' })
  t.test('the same, whatever token is beside it', async (t) => {
    t.equal(sid({ session: 'session-1.renewed' }), own)
    t.equal(sid({ session: 'session-1.secret', appAccessToken: 't1' }), own)
    t.equal(sid({ appSession: 'o'.repeat(32), appAccessToken: 't1' }), sid({ appSession: 'o'.repeat(32) }))
    t.equal(sid({ bearer: 't1' }), sid({ appAccessToken: 't1' }))
  })
  t.test('another one for each session, token and user', async (t) => {
    const all = [
      own,
      sid({ session: 'session-2.secret' }),
      sid({ bearer: 't1' }),
      sid({ bearer: 'session-1' }),
      sid({ session: '.secret' }),
      sid({ session: 'session-1.secret' }, { userId: 'somebody-else' }),
      sid({ session: 'session-1.secret', bearer: 't1' }, { grant: { clientId: 'c', scopes: [] } })
    ]
    t.equal(new Set(all).size, all.length - 1)
    t.equal(all.at(-1), sid({ bearer: 't1' }), 'a resource token counts, not the cookie beside it')
  })
  t.end()
})

t.test('an assertion lasts from whole second to whole second', async (t) => {
  const { sign, clock } = signing()
  clock.setWall(1_800_000_000_999)
  t.match(sign(ALICE, undefined), { issuedAt: 1_800_000_000_000, renewAt: 1_800_000_030_000 })
  clock.setWall(1_800_000_001_000)
  t.match(sign(ALICE, undefined), { issuedAt: 1_800_000_001_000 })
})
