import t from 'tap'
import { SETS } from '../../../src/base/identity/sets.ts'
import { configOf, holds, load, type Row, warningsOf } from './helpers.ts'

const identityOf = (IDENTITY_HEADERS: string) => configOf(load({ IDENTITY_HEADERS })).identity

t.test('a set is the usual one, and its names are all that go out', async (t) => {
  for (const set of ['remote', 'forwarded', 'webauth'] as const) {
    t.strictSame(identityOf(set).headers, { usual: SETS[set], all: SETS[set] }, set)
  }
})

t.test('of several sets the first is the usual one, and the names of all go out', async (t) => {
  t.strictSame(identityOf('webauth, remote').headers, { usual: SETS.webauth, all: [...SETS.webauth, ...SETS.remote] })
  t.strictSame(identityOf('none,remote').headers, { usual: [], all: SETS.remote })
})

t.test('a map of one’s own is the usual one, and sets may stand beside it', async (t) => {
  const own = [{ name: 'X-My-User', field: 'username' }, { name: 'X-My-Mail', field: 'email' }]
  t.strictSame(identityOf('X-My-User={username},X-My-Mail={email}').headers, { usual: own, all: own })
  t.strictSame(identityOf('X-My-User={username},X-My-Mail={email},remote').headers.all, [...own, ...SETS.remote])
})

t.test('without it nothing but Authgear’s names goes out', async (t) => {
  t.strictSame(configOf(load({})).identity, {
    headers: { usual: [], all: [] }, user: 'user_id', encoding: 'percent'
  })
})

/** What is wrong, and the sentence for it. */
const WRONG: ReadonlyArray<readonly [value: string, error: RegExp]> = [
  ['nginx', /"nginx" is not a set of headers: write remote, forwarded, webauth, or Name=\{field\}/],
  ['remote,none', /"none" is not a set/],
  ['remote,', /"" is not a set/],
  ['remote,remote', /"remote-user" is listed twice/],
  ['Remote-User={email},remote', /"remote-user" is listed twice/],
  ['X-A={email},x-a={name}', /"x-a" is listed twice/],
  ['X-My-User=username', /must be a header's name and one field/],
  ['X-My-User={username}!', /must be a header's name and one field/],
  ['X-My-User={nickname}', /\{nickname\} is none of user, user_id, roles, email/],
  ['={email}', /must be a header's name and one field/],
  ['X_My_User={email}', /"X_My_User" must be 64 letters, digits and dashes/],
  ['X.My={email}', /must be 64 letters/],
  ['X-My\n={email}', /must be 64 letters/],
  [`${'x'.repeat(65)}={email}`, /must be 64 letters/],
  ...[
    'Connection', 'Keep-Alive', 'Proxy-Authorization', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade',
    'HTTP2-Settings', 'Forwarded', 'Via', 'X-Forwarded-For', 'x-forwarded-proto', 'X-Forwarded-User', 'X-Original-URL',
    'X-Real-IP', 'True-Client-IP', 'CF-Connecting-IP', 'Cookie', 'Set-Cookie', 'Authorization', 'Host',
    'Content-Length', 'Location', 'X-Authgear-User-Id', 'x-authgear-new', 'X-Forward-Auth-Assertion',
    'X-Envoy-Auth-Headers-To-Remove', 'X-HTTP-Method-Override', 'X-Accel-Redirect', 'X-Requested-With', 'Expect',
    'If-None-Match', 'Range', 'Max-Forwards', 'Early-Data'
  ].map((name) => [`${name}={email}`, /is reserved/] as const),
  [Array.from({ length: 21 }, (_, index) => `X-${index}={email}`).join(','), /names more than 20 headers/]
]

t.test('IDENTITY_HEADERS that cannot be is an error that says what to do', async (t) => {
  for (const [value, error] of WRONG) holds(t, [[{ IDENTITY_HEADERS: value }, new RegExp(`^IDENTITY_HEADERS: .*${error.source}`)]])
})

/** What may pass to another person, and by which settings. */
const REASSIGNED: readonly Row[] = [
  [{}, { warns: [] }],
  [{ IDENTITY_HEADERS: 'remote' }, { warns: [] }],
  [{ IDENTITY_HEADERS: 'remote', IDENTITY_USER: 'user_id' }, { warns: [] }],
  [{ IDENTITY_HEADERS: 'X-My-Mail={email}' }, { warns: [/^IDENTITY_HEADERS: has neither \{user\} nor \{user_id\}/] }],
  [{ IDENTITY_HEADERS: 'X-My-Name={username},remote' },
    { warns: [/^IDENTITY_HEADERS: has neither \{user\} nor \{user_id\}/] }],
  [{ IDENTITY_HEADERS: 'X-My-Mail={email},X-My-Id={user_id}' }, { warns: [] }],
  [{ IDENTITY_HEADERS: 'X-My-Mail={email},X-My-User={user}' }, { warns: [] }],
  [{ IDENTITY_HEADERS: 'none,remote' }, { warns: [] }]
]

t.test('warns of an identifier that can pass to another person', async (t) => {
  holds(t, REASSIGNED)
  const firstOf = (user: string): string | undefined => warningsOf(load({ IDENTITY_USER: user }))[0]
  t.match(firstOf('email'), /^IDENTITY_USER: an e-mail can pass to another user, who then is the same user to an app/)
  t.match(firstOf('username'), /^IDENTITY_USER: a username can pass to another user/)
})
