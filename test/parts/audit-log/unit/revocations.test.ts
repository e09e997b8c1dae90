import t from 'tap'
import { effectOf, labelOf, typesToRead } from '../../../../src/parts/audit-log/activity-types.ts'
import { readPage, readTypes } from '../../../../src/parts/audit-log/client.ts'
import type { AuditEntry } from '../../../../src/parts/audit-log/entry.ts'
import { deletionsOf, revocationsOf } from '../../../../src/parts/audit-log/revocations.ts'
import type { CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import type { Revocation } from '../../../../src/base/revocation/types.ts'
import { recordedAnswer } from '../recorded.ts'

const digest = (id: string): CredentialDigest => id as CredentialDigest

const show = ({ target, quietMs }: Revocation): string => {
  switch (target.kind) {
    case 'user': return `user ${target.userId.slice(0, 4)} ${quietMs}`
    case 'credential': return `session ${target.digest.slice(0, 4)} ${quietMs}`
    case 'client': return `client ${target.clientId} ${quietMs}`
    case 'token': return `token ${quietMs}`
    case 'block': return `block ${target.name}`
    case 'everything': return `everything ${quietMs}`
  }
}

const all = (entries: readonly AuditEntry[]): string[] => [
  ...new Set(entries.flatMap((entry) => revocationsOf(entry, digest)).map(show))
]

/**
 * What each recorded action makes void: users and sessions by the first characters of their ids, quiet for so many
 * milliseconds.
 */
const RECORDED: ReadonlyArray<readonly [what: string, revoked: readonly string[]]> = [
  ['login in a browser (HTML forms)', ['user 55e6 0']],
  ['sign-out: POST /logout (confirmation page, x_action=logout)', ['user 55e6 200', 'session 0f0c 200']],
  ['sign-out: GET /oauth2/end_session with session + same_site_strict', ['user 55e6 200', 'session 1fe4 200']],
  ['sign-out: end_session of an IdP session with an SSO offline grant in its group',
    ['user 55e6 200', 'session ffdd 200', 'session 7378 200']],
  ['/oauth2/revoke of a refresh token', ['user 55e6 200', 'session 30cf 200']],
  ['/oauth2/revoke of the same refresh token again', []],
  ['/oauth2/revoke of an opaque access token', []],
  ['settings: terminate one other session', ['user 8680 200', 'session b2ad 200']],
  ['settings: terminate all other sessions', ['user 8680 200', 'session 39cf 200', 'session d5d2 200']],
  ['settings: user changes own password', []],
  ['new login in the same browser (prompt=login) replaces the session', ['user 1664 0']],
  ['login of ANOTHER user in the same browser replaces the session', ['user b048 0']],
  ['authorization code + token (offline grant is made)', []],
  ['token refresh (grant_type=refresh_token)', []],
  ['wrong password at login', []],
  ['admin revokeSession (idp)', ['user 762b 200', 'session 2d7f 200']],
  ['admin revokeSession (offline_grant)', ['user 762b 200', 'session 39fb 200']],
  ['admin revokeSession (idp with SSO offline grant in its group)',
    ['user 762b 200', 'session 1969 200', 'session 9afa 200']],
  ['admin revokeSession (SSO offline grant; IdP session in its group)',
    ['user 762b 200', 'session 5e27 200', 'session 6b2a 200']],
  ['admin revokeAllSessions (1 idp + 1 offline grant)', ['user 762b 200', 'session 513c 200', 'session 38d4 200']],
  ['admin revokeAllSessions (no session left)', ['user 762b 200']],
  ['admin createSession', []],
  ['admin setDisabledStatus true (1 idp + 1 grant alive)', ['user 762b 200']],
  ['admin setDisabledStatus false', ['user 762b 200']],
  ['admin setDisabledStatus temporarily', ['user 762b 200']],
  ['admin setAccountValidUntil (in the past)', ['user 762b 200']],
  ['admin scheduleAccountDeletion', ['user 762b 200']],
  ['admin unscheduleAccountDeletion', ['user 762b 200']],
  ['admin resetPassword', ['user 762b 200']],
  ['admin setPasswordExpired', ['user 762b 200']],
  ['admin setVerifiedStatus', ['user 762b 200']],
  ['admin updateUser', ['user 762b 200']],
  ['createRole', []],
  ['addRoleToUsers (2 users)', ['user dc48 200', 'user 4058 200']],
  ['addRoleToUsers again (no change)', ['user dc48 200']],
  ['removeRoleFromUsers', ['user 4058 200']],
  ['addUserToRoles', ['user 4058 200']],
  ['removeUserFromRoles', ['user 4058 200']],
  ['updateRole (key changed, user1 and user2 have it)', ['everything 0']],
  ['updateRole (name only)', ['everything 0']],
  ['createGroup', []],
  ['addUserToGroups', ['user dc48 200']],
  ['removeUserFromGroups', ['user dc48 200']],
  ['addGroupToUsers (2 users)', ['user dc48 200', 'user 4058 200']],
  ['removeGroupFromUsers', ['user 4058 200']],
  ['addRoleToGroups (user1 is in the group)', ['everything 0']],
  ['removeRoleFromGroups', ['everything 0']],
  ['addGroupToRoles', ['everything 0']],
  ['removeGroupFromRoles', ['everything 0']],
  ['updateGroup (key)', ['everything 0']],
  ['deleteGroup (user1 in it, role in it)', ['user dc48 200']],
  ['deleteRole (user1, user2 have it)', ['user dc48 200', 'user 4058 200']],
  ['failed mutation: addUserToRoles with an unknown key', []],
  ['two mutation fields in one request, the second fails (rollback)', []],
  ['two mutation fields in one request, both fine', ['user 4058 200', 'user dc48 200']],
  ['anonymizeUser (1 idp + 1 grant alive)', ['user dc48 200']],
  ['deleteUser (1 idp + 1 grant alive)', ['user 4058 200']],
  ['admin deleteAuthorization (kills the bearer)', ['everything 0', 'client web 0']],
  ['deleteRole (user has it only through a group)', ['everything 0']]
]

t.test('what the recorded actions make void', async (t) => {
  for (const [what, revoked] of RECORDED) {
    const { entries, total } = readPage(recordedAnswer(`${what} -- auditLogs afterwards`))
    t.equal(entries.length, total, 'all of it was recorded')
    t.same(all(entries.toSorted((a, b) => a.seq < b.seq ? -1 : 1)), revoked, what)
  }
})

const recordedTypes = (): readonly string[] => readTypes(
  recordedAnswer('introspection: enums AuditLogActivityType and SortDirection', (text) =>
    text.replace('"AuditLogActivityType":', '"__type":')
  )
)

t.test('every recorded type has its row, and those of consequence are asked for', async (t) => {
  const types = recordedTypes()
  t.equal(types.length, 129)
  t.same(types.filter((type) => effectOf(type) === undefined), [])
  t.same(types.filter((type) => labelOf(type) === 'unknown'), [])
  t.same(typesToRead([...types, 'SOMETHING_NEW']).length,
    types.filter((type) => effectOf(type) !== 'nothing').length + 1, 'and what nobody knows')
})

const entry = (type: string, payload: unknown, context: object = {}): AuditEntry => ({
  seq: '0000000000000001', second: 0, type, data: { payload, context }
})
const MUTATION = (name: string): string => `ADMIN_API_MUTATION_${name}_EXECUTED`

const ODD: ReadonlyArray<readonly [what: string, entry: AuditEntry, revoked: readonly string[]]> = [
  ['a deleted user, in the context alone', entry('USER_DELETED', {}, { user_id: 'dead' }), ['user dead 200']],
  ['a promotion names two', entry('USER_ANONYMOUS_PROMOTED', { user: { id: 'newu' }, anonymous_user: { id: 'oldu' } }),
    ['user newu 200', 'user oldu 200']],
  ['an unknown type that names a user', entry('USER_TELEPORTED', { user: { id: 'newu' } }), ['user newu 200']],
  ['an unknown type that names nobody', entry('PROJECT_TELEPORTED', {}), []],
  ['a sign-out that names nobody', entry('USER_SIGNED_OUT', {}), ['everything 0']],
  ['a payload that is no object', entry('USER_DISABLED', 'x'), ['everything 0']],
  ['ids that are no text', entry('USER_DISABLED', { user: { id: 7 }, user_id: '' }), ['everything 0']],
  ['a sign-out of sessions without their user',
    entry('USER_SIGNED_OUT', { sessions: [{ id: 'sess' }, { id: 3 }, null] }), ['session sess 200']],
  ['a role that nobody had', entry(MUTATION('DELETE_ROLE'), { role_user_ids: null, role_group_ids: null }), []],
  ['a role of a group', entry(MUTATION('DELETE_ROLE'), { role_user_ids: ['user'], role_group_ids: ['group'] }),
    ['everything 0']],
  ['an empty list of users', entry(MUTATION('ADD_ROLE_TO_USERS'), { role_key: 'r', user_ids: [] }), []],
  ['an authorization of a client and a user',
    entry(MUTATION('DELETE_AUTHORIZATION'), { authorization: { clientID: 'agent' } }, { user_id: 'user' }),
    ['user user 200']],
  ['an authorization of nobody', entry(MUTATION('DELETE_AUTHORIZATION'), {}), ['everything 0']],
  ['a new role', entry(MUTATION('CREATE_ROLE'), { role: {} }), []],
  ['a deleted client', entry(MUTATION('DELETE_DYNAMIC_CLIENT'), { client_id: 'dcrc_1', source: 'dcr' }),
    ['client dcrc_1 0']],
  ['a deleted client, in the context alone',
    entry(MUTATION('DELETE_DYNAMIC_CLIENT'), {}, { client_id: 'https://agent.example/client' }),
    ['client https://agent.example/client 0']],
  ['a deleted client that nobody names', entry(MUTATION('DELETE_DYNAMIC_CLIENT'), {}), ['everything 0']]
]

t.test('odd entries void too much rather than too little', async (t) => {
  for (const [what, one, revoked] of ODD) t.same(all([one]), revoked, what)
})

t.test('an authorization that is taken away ends the tokens it gave', async (t) => {
  const authorization = { clientID: 'agent' }
  const endedBy = (context: object): readonly unknown[] =>
    revocationsOf(entry(MUTATION('DELETE_AUTHORIZATION'), { authorization }, context), digest)
      .filter(({ ends }) => ends === 0).map(({ target }) => target)
  t.strictSame(endedBy({ user_id: null }), [{ kind: 'client', clientId: 'agent' }], 'as Authgear writes it')
  t.strictSame(endedBy({ user_id: 'u' }), [{ kind: 'user', userId: 'u' }])
})

/** Of the release of September 2026; specified, not recorded. A stranger can cause most of them. */
const OF_NO_CONSEQUENCE = [
  'OAUTH_CLIENT_REGISTERED',
  'OAUTH_CLIENT_RESOLVED',
  'OAUTH_CLIENT_REGISTRATION_FAILED',
  'OAUTH_CLIENT_RESOLUTION_FAILED',
  MUTATION('CREATE_INITIAL_ACCESS_TOKEN'),
  MUTATION('REVOKE_INITIAL_ACCESS_TOKEN')
]

t.test('nobody asks for registrations of clients', async (t) => {
  t.strictSame(typesToRead([...OF_NO_CONSEQUENCE, MUTATION('DELETE_DYNAMIC_CLIENT')]), [
    MUTATION('DELETE_DYNAMIC_CLIENT')
  ])
})

t.test('a deleted client ends the tokens that it was given', async (t) => {
  const [first] = revocationsOf(entry(MUTATION('DELETE_DYNAMIC_CLIENT'), { client_id: 'dcrc_1' }), digest)
  t.strictSame([first?.target, first?.ends], [{ kind: 'client', clientId: 'dcrc_1' }, 0])
})

/** What the entry says, and who is blocked by it. */
const DELETIONS: ReadonlyArray<readonly [payload: object, context: object, blocked: readonly string[]]> = [
  [{ client_id: 'dcrc_1', source: 'dcr' }, { client_id: 'dcrc_1' }, ['dcrc_1']],
  [{ client_id: 'of another form', source: 'dcr' }, {}, ['of another form']],
  [{ client_id: 'dcrc_1' }, {}, ['dcrc_1']],
  [{ client_id: 'dcrc_1', source: 'dcr' }, { client_id: 'the portal' }, ['dcrc_1']],
  [{}, { client_id: 'dcrc_1' }, ['dcrc_1']],
  [{ client_id: 'https://agent.example/a.json', source: 'cimd' }, {}, []],
  [{ client_id: 'dcrc_1', source: 'cimd' }, {}, []],
  [{ client_id: 'https://agent.example', source: 'dcr' }, {}, []],
  [{ client_id: 'machine' }, {}, []],
  [{ client_id: 7, source: 'dcr' }, {}, []],
  [{}, {}, []]
]

t.test('a registered client that was deleted is blocked from then on, and no other', async (t) => {
  for (const [payload, context, blocked] of DELETIONS) {
    const deleted = { ...entry(MUTATION('DELETE_DYNAMIC_CLIENT'), payload, context), second: 5 }
    t.strictSame(deletionsOf(deleted), blocked.map((clientId) => ({ clientId, at: 5000 })), JSON.stringify(payload))
  }
  t.strictSame(deletionsOf(entry('OAUTH_CLIENT_REGISTERED', { client_id: 'dcrc_1', source: 'dcr' })), [])
})

t.test('what ends a session ends resource tokens of its user, a change does not', async (t) => {
  const isEnding = (type: string): boolean =>
    revocationsOf({ type, data: { payload: { user: { id: 'u' } } } } as unknown as AuditEntry, digest)
      .some(({ target, ends }) => target.kind === 'user' && ends === 0)
  t.strictSame(recordedTypes().filter(isEnding).toSorted(), [
    ...['ANONYMIZE_USER', 'DELETE_AUTHORIZATION', 'DELETE_USER', 'RESET_PASSWORD', 'REVOKE_ALL_SESSIONS',
      'REVOKE_SESSION', 'SCHEDULE_ACCOUNT_ANONYMIZATION', 'SCHEDULE_ACCOUNT_DELETION'].map(MUTATION),
    'USER_ANONYMIZATION_SCHEDULED', 'USER_ANONYMIZED', 'USER_DELETED', 'USER_DELETION_SCHEDULED', 'USER_DISABLED',
    'USER_SESSION_TERMINATED', 'USER_SIGNED_OUT'
  ])
  t.ok(isEnding('A_TYPE_OF_TOMORROW'))
})
