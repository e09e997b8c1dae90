import t from 'tap'
import { readUsers } from '../../../../src/parts/profile/users.ts'
import {
  cleanGroups, cleanIdentifier, cleanName, cleanPicture, profileOf
} from '../../../../src/parts/profile/read.ts'
import type { ProfileRules } from '../../../../src/parts/profile/types.ts'
import { NO_PROFILE, PROFILE_FIELDS, type Profile } from '../../../../src/base/identity/profile.ts'
import { recordedProfiles, responseOf, userIdOf } from '../recorded.ts'

const ALL: ProfileRules = { fields: PROFILE_FIELDS, sendsUnverifiedEmail: false }

function profileOfRecorded (name: string, rules: ProfileRules = ALL): Profile {
  const recorded = recordedProfiles.find((one) => one.name === name)
  if (recorded === undefined) throw new Error(name)
  const [id = ''] = recorded.ids.map(userIdOf)
  const reading = readUsers(responseOf(recorded), [id], false).get(id)
  if (reading?.kind !== 'user') throw new Error(`${name}: ${reading?.kind}`)
  return profileOf(reading.record, rules)
}

const PEOPLE: ReadonlyArray<readonly [name: string, profile: Profile]> = [
  ['user/full', {
    email: 'alice-mwwrzenb@example.com',
    name: 'Alice Example (Al)',
    username: 'alicemwwrzenb',
    picture: 'https://example.com/alice.png',
    groups: ['staff']
  }],
  ['user/unverified-email', {}],
  ['user/two-emails-second-verified', {}],
  ['user/two-emails-after-choosing-second', { email: 'carol-second-mwwrzenb@example.com' }],
  ['user/username-only', { username: 'davemwwrzenb' }],
  ['user/phone-only', {}],
  ['user/chinese-name', { name: '陳小明' }],
  ['user/arabic-name', { name: 'محمد العربي' }],
  ['user/given-family-nickname', { name: "José O'Brien-Łuḱ (🙂)" }],
  ['user/picture-authgearimages/https', { picture: 'https://auth.lab.test/_images/lab/0123456789abcdef/profile' }],
  ['user/anonymous', {}],
  ['user/disabled', {}],
  ['user/validity-over', {}],
  ['user/anonymized', {}]
]

for (const [name, profile] of PEOPLE) {
  t.test(`the profile of ${name}`, async (t) => { t.strictSame({ ...profileOfRecorded(name) }, profile) })
}

t.test('an e-mail that is not verified goes out where the operator says so', async (t) => {
  const rules = { ...ALL, sendsUnverifiedEmail: true }
  t.equal(profileOfRecorded('user/unverified-email', rules).email, 'bob-mwwrzenb@example.com')
  t.equal(profileOfRecorded('user/phone-only', rules).phone, undefined, 'and a phone number does not')
  t.equal(profileOfRecorded('user/disabled', rules), NO_PROFILE, 'of a disabled user nothing does')
})

t.test('only what was asked for is there', async (t) => {
  for (const field of PROFILE_FIELDS) {
    const profile = profileOfRecorded('user/full', { ...ALL, fields: [field] })
    t.ok(Object.keys(profile).every((name) => name === field), field)
  }
  const phone = { phone_number: '+85251000001', phone_number_verified: true }
  const record = { isDisabled: false, attributes: phone, formattedName: null, groups: [] }
  t.strictSame({ ...profileOf(record, ALL) }, { phone: '+85251000001' })
})

const NAMES: ReadonlyArray<readonly [what: string, value: unknown, name: string | undefined]> = [
  ['a line break and a zero-width space', 'a\r\nX-Evil: 1\u200bb', 'a X-Evil: 1b'],
  ['controls', '\0a\x1b[31mb\x7fc\x85d\t e', 'a[31mbcd  e'],
  ['marks of direction', '\u202egnp.exe\u2066\u200f', 'gnp.exe'],
  ['a byte-order mark and soft hyphens', '\ufeffA\u00adB', 'AB'],
  ['line and paragraph separators', 'a\u2028b\u2029c', 'a b c'],
  ['a lone surrogate', 'a\ud83db', 'ab'],
  ['another normal form', 'Jose\u0301', 'Jos\u00e9'],
  ['2,000 characters beyond the BMP', '🙂'.repeat(2000), '🙂'.repeat(256)],
  ['spaces around', '  Alice  ', 'Alice'],
  ['nothing but spaces and controls', ' \u200b\r\n ', undefined],
  ['a number', 7, undefined]
]

for (const [what, value, name] of NAMES) {
  t.test(`a name with ${what}`, async (t) => { t.equal(cleanName(value), name) })
}

t.test('an identifier is as it is, or missing: two users never become one', async (t) => {
  for (const good of ['a@example.com', 'jürgen@bücher.example', '陳', 'o\u2019brien', 'a b', 'x'.repeat(256)]) {
    t.equal(cleanIdentifier(good), good)
  }
  const bad = ['', 'a\r\nb', 'a\u200bb', ' a', 'a ', 'Jose\u0301', 'a\0', '\u202ea', 'a\ud83d', 'x'.repeat(257), 7]
  for (const value of bad) t.equal(cleanIdentifier(value), undefined, JSON.stringify(value))
})

t.test('a picture is an address of the web in ASCII', async (t) => {
  t.equal(cleanPicture('https://exämple.com/ä b.png'), 'https://xn--exmple-cua.com/%C3%A4%20b.png')
  t.equal(cleanPicture('http://example.com/a.png'), 'http://example.com/a.png')
  const long = `https://example.com/${'a'.repeat(2048)}`
  for (const value of ['javascript:alert(1)', 'data:image/png;base64,AA', 'authgearimages:///a', '//x/a', '', 7, long]) {
    t.equal(cleanPicture(value), undefined, String(value).slice(0, 40))
  }
})

t.test('groups are keys by Authgear’s grammar, sorted, and all or none of them', async (t) => {
  const given = ['staff', 'b:c_1', 'a,b', 'x\r\n', '', 7, null, 'staff', '1a', 'x'.repeat(41)]
  t.strictSame(cleanGroups(given), ['b:c_1', 'staff'])
  t.equal(cleanGroups([]), undefined)
  const many = Array.from({ length: 200 }, (_, n) => `group_${String(n).padStart(30, '0')}`)
  t.equal(cleanGroups(many), undefined, 'over 4 KiB')
  t.equal(cleanGroups(many.slice(0, 100))?.length, 100)
})
