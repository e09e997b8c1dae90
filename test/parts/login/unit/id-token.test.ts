import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet } from 'jose'
import t from 'tap'
import { isOfSameSession, readIdToken } from '../../../../src/parts/login/oidc/id-token.ts'
import { sessionIdOf } from '../../../../src/base/core/session-id.ts'
import { KeysUnavailable } from '../../../../src/base/errors.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { jwkOf, KEYS, KID, signed } from '../../../helpers/token-issuer.ts'

const RULES = { issuer: 'https://auth.example.com', clientId: 'web', nonce: 'a nonce' }
const CLOCK = manualClock()
const NOW = Math.floor(CLOCK.wall() / 1000)
const SID = Buffer.from('offline_grant:8e1b28c4-f226-4d27-86c8-c6c37bfb3b28').toString('base64url')
const HEADER = { alg: 'RS256', kid: KID, typ: 'JWT' }
const CLAIMS = {
  iss: RULES.issuer,
  aud: ['web'],
  nonce: 'a nonce',
  sub: 'alice',
  sid: SID,
  auth_time: NOW - 60,
  iat: NOW,
  exp: NOW + 300
}
const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 })
const getKey = createLocalJWKSet({ keys: [jwkOf(KEYS.publicKey, KID) as never] })
const keySet = { keyOf: async (kid: string) => kid === KID ? getKey : undefined }
const read = (token: string) => readIdToken(token, RULES, keySet, CLOCK)
const said = async (token: string): Promise<string> => {
  const reading = await read(token)
  return reading.kind === 'refused' ? reading.why : reading.kind
}

t.test('who signed in, when and in which session', async (t) => {
  const claims = { ...CLAIMS, amr: ['pwd', 'mfa'] }
  t.strictSame(await read(signed(claims, HEADER)), {
    kind: 'signed-in', signedIn: { userId: 'alice', sid: SID, authTime: NOW - 60, amr: ['pwd', 'mfa'] }
  })
  t.equal(await said(signed({ ...CLAIMS, aud: 'web' }, HEADER)), 'signed-in', 'one text')
  t.equal(await said(signed({ ...CLAIMS, exp: NOW - 59 }, HEADER)), 'signed-in', 'clocks differ')
  const ahead = { ...CLAIMS, iat: NOW + 60, auth_time: NOW + 60 }
  t.equal(await said(signed(ahead, HEADER)), 'signed-in', 'the other way, too')
})

const without = (name: keyof typeof CLAIMS) => ({ ...CLAIMS, [name]: undefined })

for (const [what, claims, why] of [
  ['another issuer', { ...CLAIMS, iss: 'https://evil.example' }, 'iss'],
  ['another client', { ...CLAIMS, aud: ['other'] }, 'aud'],
  ['two clients', { ...CLAIMS, aud: ['web', 'other'] }, 'aud'],
  ['the same client twice', { ...CLAIMS, aud: ['web', 'web'] }, 'aud'],
  ['no client', without('aud'), 'aud'],
  ['another nonce', { ...CLAIMS, nonce: 'another' }, 'nonce'],
  ['no nonce', without('nonce'), 'nonce'],
  ['its end', { ...CLAIMS, exp: NOW - 61 }, 'exp'],
  ['no end', without('exp'), 'exp'],
  ['a birth tomorrow', { ...CLAIMS, iat: NOW + 86_400, exp: NOW + 86_700 }, 'iat'],
  ['a birth beyond what clocks differ by', { ...CLAIMS, iat: NOW + 61 }, 'iat'],
  ['a sign-in that is to come', { ...CLAIMS, auth_time: NOW + 61 }, 'auth_time'],
  ['nobody', without('sub'), 'sub'],
  ['an empty user', { ...CLAIMS, sub: '' }, 'sub'],
  ['no session', without('sid'), 'sid'],
  ['a session of another kind', { ...CLAIMS, sid: Buffer.from('idp:x').toString('base64url') }, 'sid'],
  ['no time', without('auth_time'), 'auth_time'],
  ['a time that is none', { ...CLAIMS, auth_time: 'now' }, 'auth_time']
] as const) {
  t.test(`rejects an ID token with ${what}`, async (t) => {
    t.equal(await said(signed(claims, HEADER)), why)
  })
}

t.test('rejects an ID token of another key or algorithm', async (t) => {
  t.equal(await said(signed(CLAIMS, HEADER, OTHER.privateKey)), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
  t.equal(await said(signed(CLAIMS, { ...HEADER, kid: 'unknown' })), 'kid')
  t.equal(await said(signed(CLAIMS, { alg: 'RS256' })), 'kid')
  for (const alg of ['none', 'HS256', 'RS512', 'PS256', 'ES256']) {
    t.equal(await said(signed(CLAIMS, { ...HEADER, alg })), 'alg', alg)
  }
  for (const junk of ['', 'x', 'a.b.c', signed(CLAIMS, HEADER).split('.').slice(0, 2).join('.')]) {
    t.not(await said(junk), 'signed-in', junk.slice(0, 10))
  }
})

t.test('where Authgear\'s keys are not to be had nobody can say', async (t) => {
  const none = { keyOf: async () => { throw new KeysUnavailable('none') } }
  await t.rejects(readIdToken(signed(CLAIMS, HEADER), RULES, none, CLOCK), KeysUnavailable)
})

t.test('the session that a sid names', async (t) => {
  t.equal(sessionIdOf(SID), '8e1b28c4-f226-4d27-86c8-c6c37bfb3b28')
  for (const text of ['', 'x', 'offline_grant:', 'offline_grant:a b', 'idp:x']) {
    t.equal(sessionIdOf(Buffer.from(text).toString('base64url')), undefined)
  }
  const token = signed(CLAIMS, HEADER)
  t.ok(isOfSameSession(token, { userId: 'alice', sid: SID }))
  for (const other of [{ userId: 'bob', sid: SID }, { userId: 'alice', sid: 'x' }]) {
    t.notOk(isOfSameSession(token, other))
  }
})
