import t from 'tap'
import { IDENTITY_HEADERS, readResolution, type ResolutionReading } from '../../../src/base/core/resolution.ts'
import { headersOf, identityOf, INVALID, SILENT, USER_ID } from '../../helpers/identity.ts'

const GARBAGE: ResolutionReading = { kind: 'unusable', why: 'garbage' }
const is = (resolution: typeof INVALID): ResolutionReading => ({ kind: 'resolution', resolution })
const read = (some: Readonly<Record<string, string | undefined>> = {}, ...more: readonly string[]): ResolutionReading =>
  readResolution([...headersOf(identityOf(some)), ...more])
const valid = (some: Readonly<Record<string, string | undefined>> = {}): ResolutionReading =>
  ({
    kind: 'resolution', resolution: { kind: 'valid', userId: some['user-id'] ?? USER_ID, identity: identityOf(some) }
  }) as unknown as ResolutionReading

t.test('the identity headers are these, in this order', async t => {
  t.strictSame(
    IDENTITY_HEADERS.join(' '),
    'x-authgear-session-valid x-authgear-user-id x-authgear-user-anonymous x-authgear-user-verified ' +
      'x-authgear-user-roles x-authgear-session-amr x-authgear-session-authenticated-at ' +
        'x-authgear-user-can-reauthenticate'
  )
})

t.test('somebody signed in', async t => {
  t.strictSame(read(), valid(), 'all of them')
  t.strictSame(read({ 'user-roles': undefined }), valid({ 'user-roles': undefined }), 'no roles: absent, not empty')
  t.strictSame(read({ 'user-roles': '' }), valid({ 'user-roles': '' }), 'empty roles: empty, not absent')
  const bare = Object.fromEntries(IDENTITY_HEADERS.slice(2).map(name => [name.slice(11), undefined]))
  t.strictSame(read(bare), valid(bare), 'valid and user id alone')
  t.strictSame(
    readResolution([
      'Date', 'now', ...headersOf(identityOf()).map((text, i) => (i % 2 === 0 ? text.toUpperCase() : text))
    ]),
    valid(),
    'names in any case'
  )
  t.strictSame(readResolution(headersOf(identityOf()).map((text, i) => (i % 2 === 0 ? text : `\t ${text} \t`))),
    valid(), 'blanks and tabs around values')
  t.strictSame(read({}, 'x-authgear-session-acr', 'x', 'x-authgear-session-acr', '\x01'), valid(),
    'further headers of Authgear are not read')
  t.strictSame(read({}, 'x-auth-user-id', 'eve', 'x-authgear', 'eve', 'X_Authgear_User_Id', 'eve'), valid(),
    'names that are almost right')
})

const nobody: readonly (readonly [what: string, headers: readonly string[], expected: ResolutionReading])[] = [
  ['no header at all', [], is(SILENT)],
  ['none of Authgear\'s', ['date', 'now', 'x-frame-options', 'DENY'], is(SILENT)],
  ['a name without its value', ['x-authgear-session-valid'], is(SILENT)],
  ['false', ['X-Authgear-Session-Valid', 'false'], is(INVALID)],
  ['false beside a whole identity', headersOf(identityOf({ 'session-valid': 'false' })), is(INVALID)],
  ['true without a user id', ['x-authgear-session-valid', 'true'], is(INVALID)],
  ['true with an empty user id', ['x-authgear-session-valid', 'true', 'x-authgear-user-id', ''], is(INVALID)],
  ['true with a blank user id', ['x-authgear-session-valid', 'true', 'x-authgear-user-id', '  '], is(INVALID)]
]

t.test('nobody', async t => {
  for (const [what, headers, expected] of nobody) t.strictSame(readResolution(headers), expected, what)
})

const garbage: readonly (readonly [what: string, headers: readonly string[]])[] = [
  ...['TRUE', 'True', 'FALSE', 'yes', '1', '', ' ', 'true,true', 'true, false', 'truefalse', '"true"', 'null'].map(
    (text) => [`session-valid: ${JSON.stringify(text)}`, headersOf(identityOf({ 'session-valid': text }))] as const
  ),
  ['a user id without a verdict', ['x-authgear-user-id', USER_ID]],
  ["a header of Authgear's that is not ours, alone", ['x-authgear-session-acr', 'x']],
  ...IDENTITY_HEADERS.map(
    (name, i) => [`${name} twice`, [...headersOf(identityOf()), name, identityOf()[i] ?? '']] as const
  ),
  ['one empty, then filled',
    ['x-authgear-session-valid', 'true', 'x-authgear-user-id', '', 'x-authgear-user-id', USER_ID]],
  ['a repeated name in another case', [...headersOf(identityOf()), 'X-AUTHGEAR-USER-ROLES', 'root']]
]

t.test('what is no answer of Authgear\'s is garbage, never nobody and never somebody', async t => {
  for (const [what, headers] of garbage) t.strictSame(readResolution(headers), GARBAGE, what)
})

t.test('a byte that is not printable ASCII is garbage, wherever in a value it is', async t => {
  const bytes = [
    ...Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 9), 0x7f, 0x80, 0x85, 0xa0, 0xe9, 0xff
  ]
  for (const code of bytes) {
    const byte = String.fromCharCode(code)
    for (const [where, text] of [['before', `${byte}a`], ['within', `a${byte}b`], ['after', `a${byte}`]] as const) {
      t.strictSame(read({ 'user-id': text }), GARBAGE, `${where} a user id: ${code}`)
      t.strictSame(read({ 'user-roles': text }), GARBAGE, `${where} a role: ${code}`)
    }
    t.strictSame(read({ 'session-valid': `true${byte}` }), GARBAGE, `after the verdict: ${code}`)
    t.strictSame(read({ 'session-valid': 'false', 'user-id': `a${byte}b` }), GARBAGE, `beside a refusal: ${code}`)
  }
  for (const text of ['a\tb', 'a\ufeff', '\u2028a', 'a\u0142']) {
    t.strictSame(read({ 'user-id': text }), GARBAGE, encodeURI(text))
  }
})

t.test('an identity of 12 KiB passes whole, one byte more is too large', async t => {
  const size = headersOf(identityOf({ 'user-roles': '' })).join('').length
  const room = 'r'.repeat(12 * 1024 - size)
  t.strictSame(read({ 'user-roles': room }), valid({ 'user-roles': room }), 'exactly')
  t.strictSame(read({ 'user-roles': `${room}r` }), { kind: 'unusable', why: 'too_large' }, 'one more')
  t.strictSame(read({ 'user-id': 'u'.repeat(30_000) }), { kind: 'unusable', why: 'too_large' }, 'a user id')
  t.strictSame(read({ 'user-roles': room }, 'x-authgear-session-acr', 'x'.repeat(9000)),
    valid({ 'user-roles': room }), 'what is not passed on does not count')
  t.strictSame(read({ 'session-valid': 'false', 'user-roles': `${room}r` }), is(INVALID), 'a refusal has no size')
})

t.test('a resolution cannot be changed by who gets it', async t => {
  const reading = read()
  if (reading.kind !== 'resolution' || reading.resolution.kind !== 'valid') throw new Error('that is nobody')
  t.ok(Object.isFrozen(reading.resolution) && Object.isFrozen(reading.resolution.identity))
})
