import fc from 'fast-check'
import t from 'tap'
import { createKeyer, deriveKeys, type Keyer } from '../../../src/base/core/cache-key.ts'
import type { Credentials } from '../../../src/base/core/credentials.ts'
import { credentials, someCredentials } from '../../helpers/credentials.ts'
import { holds } from '../../helpers/property.ts'

const SECRET = Buffer.alloc(32, 1)
const PROJECT = { endpoint: 'https://myapp.authgear.cloud', cookiePrefix: '' }
const { digest } = deriveKeys(SECRET)

const keyerOf = (project: Partial<typeof PROJECT> = {}, key = digest): Keyer =>
  createKeyer(key, { ...PROJECT, ...project })
const keyer = keyerOf()
const keyOf = (sent: Partial<Credentials>): string => keyer.cacheKey(credentials(sent))

/** No two of these may share a key. */
const different: readonly Partial<Credentials>[] = [
  {},
  ...(['bearer', 'appSession', 'appAccessToken', 'session'] as const).flatMap((field) =>
    ['', 'a', 'b', 'A', 'ab', 'a ', ' a', 'a\0', '\xe9', 'a'.repeat(300), 'a'.repeat(16_384)].map((text) => ({
      [field]: text
    }))
  ),
  { bearer: 'a', session: 'b' },
  { bearer: 'b', session: 'a' },
  { bearer: 'ab', session: '' },
  { bearer: '', session: 'ab' },
  { appSession: 'a', appAccessToken: 'b' },
  { appSession: 'ab', appAccessToken: '' },
  { appSession: 'a', session: 'b' },
  { appAccessToken: 'a', session: 'b' },
  { bearer: 'a', appSession: 'a', appAccessToken: 'a', session: 'a' },
  { bearer: 'a', appSession: 'a', appAccessToken: 'a', session: '' },
  { bearer: 'a', appSession: 'a', appAccessToken: 'a' },
  // what a length prefix and a mark of absence look like, as text
  { bearer: 'a\x01\0\0\0\x01b' },
  { bearer: 'a', appSession: '\x01\0\0\0\x01b' },
  { appSession: '\0' },
  { bearer: 'a:b' },
  { bearer: 'a', appSession: 'b-' },
  { bearer: 'a1:b' },
  { bearer: 'a', appSession: 'b--' },
  { bearer: 'a-' },
  { bearer: '-' },
  { session: '-' },
  { bearer: '\0\0\0' }
]

t.test('a key is 43 characters of base64url, the same for the same credentials', async t => {
  t.match(keyOf({ bearer: 'a' }), /^[\w-]{43}$/)
  t.equal(keyOf({ bearer: 'a', session: 'b' }), keyerOf().cacheKey(credentials({ session: 'b', bearer: 'a' })))
  t.equal(keyOf({ bearer: 'a' }), keyOf({ bearer: 'a' }), 'twice from one instance')
})

t.test("every difference gives another key: a field, its presence, its parts' ends", async t => {
  const keys = different.map(keyOf)
  keys.forEach((key, i) => t.equal(keys.indexOf(key), i, JSON.stringify(different[i]).slice(0, 60)))
})

t.test('no two different credentials share a key', async t => {
  const seen = new Map<string, string>()
  await holds(t, fc.property(someCredentials, sent => {
    const text = JSON.stringify([
      sent.bearer ?? null,
      sent.appSession ?? null,
      sent.appAccessToken ?? null,
      sent.session ?? null
    ])
    const key = keyer.cacheKey(sent)
    const known = seen.get(key)
    seen.set(key, text)
    return known === undefined || known === text
  }))
  t.equal(new Set(seen.values()).size, seen.size)
})

t.test('endpoint, cookie prefix and secret separate projects (CVE-2026-33496)', async t => {
  const keyers: Readonly<Record<string, Keyer>> = {
    'this project': keyer,
    'another endpoint': keyerOf({ endpoint: 'https://other.authgear.cloud' }),
    'another scheme': keyerOf({ endpoint: 'http://myapp.authgear.cloud' }),
    'another port': keyerOf({ endpoint: 'https://myapp.authgear.cloud:8443' }),
    'a prefix': keyerOf({ cookiePrefix: 'lab_' }),
    'a prefix that slides out of the endpoint': keyerOf({ endpoint: 'https://myapp.authgear.clou', cookiePrefix: 'd' }),
    'another secret': keyerOf({}, deriveKeys(Buffer.alloc(32, 2)).digest)
  }
  const sent = credentials({ bearer: 'a', session: 'i.b' })
  const keys = Object.values(keyers).map(keyer => keyer.cacheKey(sent))
  const digests = Object.values(keyers).map(keyer => keyer.digests(sent))
  Object.keys(keyers).forEach((what, i) => {
    t.equal(keys.findIndex(key => key === keys[i]), i, `${what}: key`)
    for (let at = 0; at < 3; at++) {
      t.equal(digests.findIndex((one) => one[at] === digests[i]?.[at]), i, `${what}: digest ${at}`)
    }
  })
})

t.test('what is remembered of a user has a name for each purpose, form, user and project', async (t) => {
  const names = [
    keyer.userKey('profile', 'alice', 'name'),
    keyer.userKey('user', 'alice', 'name'),
    keyer.userKey('profile', 'alice', 'email'),
    keyer.userKey('profile', 'bob', 'name'),
    keyer.userKey('profile', 'alic', 'namee'),
    keyerOf({ endpoint: 'https://other.authgear.cloud' }).userKey('profile', 'alice', 'name')
  ]
  t.equal(new Set(names).size, names.length)
  t.equal(keyerOf().userKey('profile', 'alice', 'name'), names[0], 'the same on every replica')
})

const digestsOf = (sent: Partial<Credentials>): readonly string[] => keyer.digests(credentials(sent))

t.test('a credential is named by one digest, a session id by another', async t => {
  const counts: readonly (readonly [what: string, sent: Partial<Credentials>, count: number])[] = [
    ['nothing', {}, 0],
    ['a bearer token', { bearer: 'a' }, 1],
    ['a bearer token with a dot, which is no session id', { bearer: 'a.b' }, 1],
    ['a session cookie and its id', { session: 'id.secret' }, 2],
    ['a session cookie without an id', { session: 'secret' }, 1],
    ['an empty session cookie, which everybody may send', { session: '' }, 0],
    ['a dot at the beginning is no id', { session: '.secret' }, 1],
    ['an app session', { appSession: 'a' }, 1],
    ['everything', { bearer: 'a', appAccessToken: 'b', appSession: 'i.c', session: 'j.d' }, 6],
    ['the same token twice', { bearer: 'a', appAccessToken: 'a' }, 1]
  ]
  for (const [what, sent, count] of counts) {
    t.equal(digestsOf(sent).length, count, what)
    t.equal(new Set(digestsOf(sent)).size, count, `${what}: all different`)
    t.ok(digestsOf(sent).every(text => /^[\w-]{22}$/.test(text)), `${what}: 22 characters`)
  }
})

t.test('revoking a credential names the same digest, wherever it was sent', async t => {
  t.strictSame(digestsOf({ bearer: 'a' }), digestsOf({ appAccessToken: 'a' }), 'a token in a header and in a cookie')
  t.equal(digestsOf({ session: 'id.one' })[1], digestsOf({ session: 'id.two' })[1], 'two secrets of one session')
  t.not(digestsOf({ session: 'id.one' })[0], digestsOf({ session: 'id.two' })[0])
  t.equal(digestsOf({ session: 'id.one' })[1], keyer.sessionDigest('id'), 'as an entry of the audit log names it')
  t.equal(digestsOf({ session: 'id.a.b' })[1], digestsOf({ session: 'id.c' })[1], 'the id ends at the first dot')
  t.not(digestsOf({ session: 'a' })[0], digestsOf({ bearer: 'a' })[0], 'a cookie is no token')
  t.not(digestsOf({ session: 'a' })[0], digestsOf({ appSession: 'a' })[0])
  t.not(digestsOf({ session: 'id.x' })[1], digestsOf({ session: 'id' })[0], 'an id is no cookie')
  t.notOk(digestsOf({ bearer: 'a' }).some((text) => keyOf({ bearer: 'a' }).startsWith(text)),
    'no digest is the beginning of a key')
})

t.test('one secret gives a key for each purpose, and they do not tell each other', async t => {
  const { of, ...keys } = deriveKeys(SECRET)
  const parts = ['record', 'another'].map(of)
  const all = [...Object.values(keys), ...parts, SECRET].map(key => Buffer.from(key).toString('hex'))
  t.equal(new Set(all).size, all.length)
  t.ok(all.every(hex => hex.length === 64), '32 bytes each')
  t.match(deriveKeys(SECRET), keys, 'the same on every replica')
  t.strictSame(['record', 'another'].map(deriveKeys(SECRET).of), parts)
  t.notSame(deriveKeys(Buffer.alloc(33, 1)).digest, keys.digest)
})

t.test('keys and digests of one text for several purposes are several', async (t) => {
  const keys = deriveKeys(Buffer.alloc(32, 7))
  t.equal(new Set([keys.digest, keys.sealing, keys.log].map((key) => Buffer.from(key).toString('hex'))).size, 3)
  const keyer = createKeyer(keys.digest, { endpoint: 'https://a.example', cookiePrefix: '' })
  const [token] = keyer.digests(credentials({ bearer: 'same' }))
  const [session] = keyer.digests(credentials({ session: 'same' }))
  const [appSession, sessionId] = keyer.digests(credentials({ appSession: 'same.x' }))
  t.equal(new Set([token, session, appSession, sessionId]).size, 4)
  t.equal(keyer.memoryKey(credentials({ bearer: 'a' })), keyer.memoryKey(credentials({ bearer: 'a' })))
  t.not(keyer.memoryKey(credentials({ bearer: 'a' })), keyer.memoryKey(credentials({ bearer: 'b' })))
  t.match(keyer.memoryKey(credentials({ bearer: 'a' })), /^[\w-]{22}$/)
})

t.test('two users never share a key, whatever characters their ids have', async (t) => {
  // each pair is alike in the low byte of its characters
  for (const [one, other] of [['\u0141', 'A'], ['\u{1f600}', '\0=\0'], ['\u0100', '\0']] as const) {
    t.not(keyer.userKey('user', one, 'app.example.com'), keyer.userKey('user', other, 'app.example.com'))
  }
})
