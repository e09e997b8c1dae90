import t from 'tap'
import { endAtAuthgear } from '../../../src/base/authgear/admin-api/end-sessions.ts'
import { ADMIN_API_ADVICE } from '../../../src/base/authgear/admin-api/errors.ts'

const USER = { kind: 'user', id: 'a11ce000-0000-4000-8000-000000000001' } as const
const said = (body: string) => endAtAuthgear({
  query: () => Promise.resolve({ status: 200, body, date: '' }), close: () => Promise.resolve()
}, USER)

t.test('sessions have ended only where Authgear says so of this very call', async (t) => {
  t.strictSame(await said('{"data":{"revokeAllSessions":{"user":{"id":"x"}}}}'), { kind: 'ended', userId: undefined })
  for (const body of [
    '', 'null', '[]', '{}', '{"data":null}', '{"data":{}}', '{"data":{"revokeAllSessions":null}}',
    '{"data":{"revokeSession":{"user":{"id":"x"}}}}', '{"data":[]}'
  ]) t.strictSame(await said(body), { kind: 'problem', problem: ADMIN_API_ADVICE.garbage }, body)
})

t.test('says whose sessions they were, if Authgear names a user', async (t) => {
  const idOf = async (node: string): Promise<string | undefined> => {
    const id = Buffer.from(node).toString('base64url')
    const outcome = await said(JSON.stringify({ data: { revokeAllSessions: { user: { id } } } }))
    return outcome.kind === 'ended' ? outcome.userId : outcome.problem
  }
  t.equal(await idOf(`User:${USER.id}`), USER.id)
  for (const node of ['User:', 'Session:x', 'x', '']) t.equal(await idOf(node), undefined, node)
})
