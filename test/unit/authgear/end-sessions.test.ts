import t from 'tap'
import { endAtAuthgear } from '../../../src/base/authgear/admin-api/end-sessions.ts'
import { ADMIN_API_ADVICE } from '../../../src/base/authgear/admin-api/errors.ts'

const USER = { kind: 'user', id: 'a11ce000-0000-4000-8000-000000000001' } as const
const said = (body: string) => endAtAuthgear({
  query: () => Promise.resolve({ status: 200, body, date: '' }), close: () => Promise.resolve()
}, USER)

t.test('sessions have ended only where Authgear says so of this very call', async (t) => {
  t.equal(await said('{"data":{"revokeAllSessions":{"user":{"id":"x"}}}}'), undefined)
  for (const body of [
    '', 'null', '[]', '{}', '{"data":null}', '{"data":{}}', '{"data":{"revokeAllSessions":null}}',
    '{"data":{"revokeSession":{"user":{"id":"x"}}}}', '{"data":[]}'
  ]) t.equal(await said(body), ADMIN_API_ADVICE.garbage, body)
})
