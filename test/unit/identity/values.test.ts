import t from 'tap'
import type { IdentityField } from '../../../src/base/identity/sets.ts'
import { valueOf } from '../../../src/base/identity/values.ts'
import type { Profile } from '../../../src/base/identity/profile.ts'
import { identityOf } from '../../helpers/identity.ts'

const PROFILE: Profile = {
  email: 'alice@example.com', name: '李小龍', username: 'alice', phone: '+85251000000', picture: 'https://x.example/a.png'
}
const person = (profile: Profile = PROFILE) => ({ userId: 'user-1', identity: identityOf(), profile })
const PERCENT = { user: 'user_id', encoding: 'percent', groups: 'roles' } as const
const RFC8187 = { user: 'user_id', encoding: 'rfc8187', groups: 'roles' } as const

t.test('each field holds what it names', async (t) => {
  const expected: Readonly<Record<IdentityField, string>> = {
    user: 'user-1',
    user_id: 'user-1',
    roles: 'admin,editor',
    email: 'alice@example.com',
    name: '%E6%9D%8E%E5%B0%8F%E9%BE%8D',
    username: 'alice',
    phone: '+85251000000',
    picture: 'https://x.example/a.png',
    groups: 'admin,editor'
  }
  for (const [field, value] of Object.entries(expected)) {
    t.equal(valueOf(field as IdentityField, person(), PERCENT), value, field)
  }
})

t.test('groups are those of the profile that has them, and no role is one', async (t) => {
  const ofProfile = { ...PERCENT, groups: 'profile' } as const
  t.equal(valueOf('groups', person({ groups: ['a', 'b'] }), ofProfile), 'a,b')
  t.equal(valueOf('groups', person(), ofProfile), '', 'a user without groups, or a profile that cannot be read')
  t.equal(valueOf('groups', person(), PERCENT), 'admin,editor', 'IDENTITY_PROFILE does not name groups')
})

t.test('the user header has the identifier that the operator chose, or is empty', async (t) => {
  for (const user of ['username', 'email'] as const) {
    t.equal(valueOf('user', person(), { ...PERCENT, user }), PROFILE[user])
    t.equal(valueOf('user', person({}), { ...PERCENT, user }), '', 'never the id instead')
  }
  t.equal(valueOf('user', { ...person(), userId: undefined }, PERCENT), '', 'a machine')
})

/** A value, percent-encoded, and by RFC 8187. */
const ENCODED: ReadonlyArray<readonly [text: string, percent: string, rfc8187: string]> = [
  ['Alice Adams', 'Alice Adams', 'Alice Adams'],
  ['100%', '100%25', '100%'],
  ['é', '%C3%A9', "UTF-8''%C3%A9"],
  ['a é;"', 'a %C3%A9;"', "UTF-8''a%20%C3%A9%3B%22"],
  ['علي', '%D8%B9%D9%84%D9%8A', "UTF-8''%D8%B9%D9%84%D9%8A"],
  ['😀', '%F0%9F%98%80', "UTF-8''%F0%9F%98%80"],
  ['\ud800', '%EF%BF%BD', "UTF-8''%EF%BF%BD"],
  ['a\r\nX-Evil: 1', 'a%0D%0AX-Evil: 1', "UTF-8''a%0D%0AX-Evil%3A%201"],
  ['\0\x7f', '%00%7F', "UTF-8''%00%7F"],
  ["UTF-8''x", "UTF-8''x", "UTF-8''UTF-8%27%27x"],
  ["utf-8'en'x", "utf-8'en'x", "UTF-8''utf-8%27en%27x"]
]

t.test('a value is printable ASCII, by either encoding', async (t) => {
  for (const [name, percent, rfc8187] of ENCODED) {
    t.equal(valueOf('name', person({ name }), PERCENT), percent, JSON.stringify(name))
    t.equal(valueOf('name', person({ name }), RFC8187), rfc8187, JSON.stringify(name))
  }
})

t.test('no two texts are written alike, and decoding gives the text back', async (t) => {
  const texts = [...ENCODED.map(([text]) => text), '%C3%A9', '100%25', "UTF-8''%C3%A9", 'UTF-8', "'"]
    .filter((text) => text !== '\ud800') // it is none, and is replaced
  for (const encoding of [PERCENT, RFC8187]) {
    const values = texts.map((name) => valueOf('name', person({ name }), encoding))
    t.equal(new Set(values).size, texts.length)
  }
  t.strictSame(texts.map((name) => decodeURIComponent(valueOf('name', person({ name }), PERCENT))), texts)
})

t.test('a value that is longer than 4 KiB goes out empty, never cut', async (t) => {
  t.equal(valueOf('name', person({ name: 'a'.repeat(4096) }), PERCENT).length, 4096)
  t.equal(valueOf('name', person({ name: 'a'.repeat(4097) }), PERCENT), '')
  t.equal(valueOf('name', person({ name: 'é'.repeat(700) }), PERCENT), '')
})
