import t, { type Test } from 'tap'
import { type AdminApiLimits, openAdminApi } from '../../src/base/authgear/admin-api/client.ts'
import { endAtAuthgear } from '../../src/base/authgear/admin-api/end-sessions.ts'
import { createUsers } from '../../src/parts/profile/users.ts'
import { createAuditClient } from '../../src/parts/audit-log/client.ts'
import type { AuditEntry } from '../../src/parts/audit-log/entry.ts'
import { claimsOf, type EpochMs } from '../../src/base/core/token-expiry.ts'
import { listOf, objectOf } from '../../src/base/core/json.ts'
import { until } from '../helpers/until.ts'
import { bearer, grantOf, resolved, signedIn, type Tokens } from './sign-ins.ts'
import { openSuite } from './suite.ts'

const suite = await openSuite('admin-api')
const { server } = suite
const LIMITS = { connections: 1, deadlineMs: 10_000, maxBodyBytes: 2 ** 20 }
const clock = { wall: () => Date.now() as EpochMs }

const openAudit = (t: Test) => {
  const open = (limits: AdminApiLimits) => openAdminApi(server.adminApi, limits)
  const audit = createAuditClient({ openAdminApi: open, clock, deadlineMs: 10_000 })
  t.teardown(() => audit.close())
  return audit
}

/** The entries about a person that have come, once there is one of that type. */
async function entriesOf (t: Test, userId: string, type: string): Promise<readonly AuditEntry[]> {
  const audit = openAudit(t)
  const types = [...(await audit.types()).filter((name) => name.startsWith('USER_')), type]
  let entries: readonly AuditEntry[] = []
  await until(`an entry ${type}`, async () => {
    const page = await audit.page({ from: Math.floor(Date.now() / 1000) - 60, to: undefined, types })
    entries = page.entries.filter(({ data }) => JSON.stringify(data).includes(userId))
    return entries.some((one) => one.type === type)
  })
  return entries
}

const grantIn = ({ id }: Tokens): string =>
  Buffer.from(String(claimsOf(id)?.['sid']), 'base64url').toString().replace('offline_grant:', '')

const isAlive = async ({ access }: Tokens): Promise<boolean> =>
  (await resolved(server, bearer(access))) === '200 session-valid true'

/** What an entry says ended. */
function sessionsIn (entries: readonly AuditEntry[], type: string): readonly string[] {
  const payload = objectOf(entries.find((one) => one.type === type)?.data['payload'])
  return listOf(payload?.['sessions']).map((one) => `${String(objectOf(one)?.['type'])} ${String(objectOf(one)?.['id'])}`)
}

t.test('the Admin API refuses, always in the same way', async (t) => {
  const ask = async (token: string): Promise<string> => {
    const api = openAdminApi({ ...server.adminApi, token: async () => token }, LIMITS)
    const { status } = await api.query('{__typename}', {}).finally(() => api.close())
    return String(status)
  }
  suite.says(t, 'a token that is none', await ask('junk'), '403')
  const [head = '', payload = ''] = (await server.adminApi.token()).split('.')
  suite.says(t, 'a signature that is none', await ask(`${head}.${payload}.AAAA`), '403')
})

t.test('errors hide behind 200', async (t) => {
  const api = openAdminApi(server.adminApi, LIMITS)
  t.teardown(() => api.close())
  const { status, body } = await api.query('{auditLogs(first:1){edges{node{nothing}}}}', {})
  suite.says(t, 'an unknown field', `${status} ${body.includes('"errors"') ? 'errors' : 'no errors'}`, '200 errors')
})

t.test('users', async (t) => {
  const person = await server.createPerson()
  const api = openAdminApi(server.adminApi, LIMITS)
  t.teardown(() => api.close())
  const nobody = 'a0000000-0000-4000-8000-00000000ffff'
  const readings = await createUsers(api, { name: true, groups: true }).read([person.id, nobody])
  t.match(readings.get(person.id), { kind: 'user', record: { isDisabled: false, attributes: { email: person.email } } })
  t.match(readings.get(nobody), { kind: 'none' })
})

t.test('the audit log knows the types that the service asks about', async (t) => {
  const types = await openAudit(t).types()
  for (const type of [
    'USER_SIGNED_OUT', 'USER_SESSION_TERMINATED', 'USER_DISABLED', 'USER_REAUTHENTICATED', 'USER_AUTHENTICATED',
    'ADMIN_API_MUTATION_REVOKE_SESSION_EXECUTED', 'ADMIN_API_MUTATION_SET_DISABLED_STATUS_EXECUTED'
  ]) t.ok(types.includes(type), type)
  suite.says(t, 'types in all', String(types.length), '129')
})

t.test('an entry names the grant whose session an administrator ended', async (t) => {
  const { browser, person } = await signedIn(server)
  const grant = grantIn(await grantOf(server, browser, { x_sso_enabled: undefined }))
  await server.endGrant(grant)
  const entries = await entriesOf(t, person.id, 'USER_SESSION_TERMINATED')
  t.strictSame(sessionsIn(entries, 'USER_SESSION_TERMINATED'), [`offline_grant ${grant}`])
})

t.test('an entry names every session that an administrator ended at once', async (t) => {
  const { browser, person } = await signedIn(server)
  const grant = grantIn(await grantOf(server, browser))
  await server.endAllSessions(person)
  const entries = await entriesOf(t, person.id, 'USER_SESSION_TERMINATED')
  const said = sessionsIn(entries, 'USER_SESSION_TERMINATED')
  t.ok(said.includes(`offline_grant ${grant}`))
  const kinds = [...new Set(said.map((one) => one.split(' ')[0]))].toSorted()
  suite.says(t, 'kinds of sessions', kinds.join(' '), 'idp offline_grant')
})

t.test('ends the sessions of a user, or one session', async (t) => {
  const api = openAdminApi(server.adminApi, LIMITS)
  t.teardown(() => api.close())
  const { browser, person } = await signedIn(server)
  const ended = { kind: 'ended', userId: person.id }
  const one = await grantOf(server, browser, { x_sso_enabled: undefined })
  t.strictSame(await endAtAuthgear(api, { kind: 'session', id: grantIn(one) }), ended)
  t.equal(await isAlive(one), false)
  const other = await grantOf(server, browser, { x_sso_enabled: undefined })
  t.equal(await isAlive(other), true)
  t.strictSame(await endAtAuthgear(api, { kind: 'user', id: person.id }), ended)
  t.equal(await isAlive(other), false)
})

t.test('a user or a session that nobody knows has ended nothing', async (t) => {
  const api = openAdminApi(server.adminApi, LIMITS)
  t.teardown(() => api.close())
  for (const kind of ['user', 'session'] as const) {
    t.strictSame(await endAtAuthgear(api, { kind, id: 'a0000000-0000-4000-8000-00000000ffff' }), {
      kind: 'problem', problem: `it has no such ${kind}, or failed`
    })
  }
})

t.test('an entry names the grant whose refresh token was revoked', async (t) => {
  const { browser, person } = await signedIn(server)
  const tokens = await grantOf(server, browser, { x_sso_enabled: undefined })
  await server.call('main', '/oauth2/revoke', { method: 'POST', form: { token: tokens.refresh, client_id: 'own' } })
  const entries = await entriesOf(t, person.id, 'USER_SIGNED_OUT')
  t.strictSame(sessionsIn(entries, 'USER_SIGNED_OUT'), [`offline_grant ${grantIn(tokens)}`])
  const types = entries.map(({ type }) => type).filter((type) => type !== 'USER_CREATED').toSorted()
  suite.says(t, 'entries of a sign-in and a revocation', types.join(' '), 'USER_AUTHENTICATED USER_SIGNED_OUT')
})

t.test('a window holds its first second, and not its last', async (t) => {
  const { person } = await signedIn(server)
  const [entry] = await entriesOf(t, person.id, 'USER_AUTHENTICATED')
  const second = entry?.second ?? 0
  const audit = openAudit(t)
  const has = async (from: number, to: number): Promise<boolean> => {
    const { entries } = await audit.page({ from, to, types: ['USER_AUTHENTICATED'] })
    return entries.some(({ data }) => JSON.stringify(data).includes(person.id))
  }
  t.strictSame([await has(second, second + 1), await has(second - 1, second)], [true, false])
  const { entries, total } = await audit.page({ from: second - 3600, to: undefined, types: await audit.types() }, 2)
  t.ok(entries.length === 2 && total > 2)
  t.ok((entries[0]?.second ?? 0) >= (entries[1]?.second ?? 0), 'the newest first, those of a second in no order')
})

t.test('an entry names the user who was given a role, and the new role', async (t) => {
  const person = await server.createPerson()
  await server.giveRoles(person, [`c${Date.now()}`])
  const type = 'ADMIN_API_MUTATION_ADD_USER_TO_ROLES_EXECUTED'
  const entries = await entriesOf(t, person.id, type)
  t.equal(objectOf(entries.find((one) => one.type === type)?.data['payload'])?.['user_id'], person.id)
})

suite.end()
