import t from 'tap'
import { adminEnvironment } from '../../../helpers/audit.ts'
import { configOf, holds, load, type Row } from '../../../unit/config/helpers.ts'

const whole = adminEnvironment('http://authgear-admin:3002')
const REDIS = { REDIS_URL: 'redis://redis', CACHE_SECRET: 'k'.repeat(32) }

const ROWS: readonly Row[] = [
  [{ ...whole, AUTHGEAR_AUDIT_POLL: '11s' }, /^AUTHGEAR_AUDIT_POLL: .*out of bounds/],
  [{ AUTHGEAR_AUDIT_POLL: '1s' }, { warns: [/^AUTHGEAR_AUDIT_POLL: has no effect without AUTHGEAR_ADMIN_API_URL$/] }],
  [whole, { warns: [/^AUTHGEAR_ADMIN_API_URL: without Redis/] }],
  [{ ...whole, ...REDIS }, { warns: [] }]
]

t.test('how often it is read has bounds, and without Redis each replica reads it', async (t) => holds(t, ROWS))

t.test('it is on with the Admin API alone', async (t) => {
  const isOn = (env: NodeJS.ProcessEnv): boolean => configOf(load(env)).parts.some(({ name }) => name === 'audit-log')
  t.ok(isOn(whole))
  t.notOk(isOn({}))
})
