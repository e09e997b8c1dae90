import t from 'tap'
import { checkRotation } from '../../../../src/parts/login/doctor.ts'
import { loginOf } from '../settings.ts'

const env = {
  LOGIN_CLIENT_ID: 'web', LOGIN_PUBLIC_URL: 'https://app.example.com', LOGIN_SECRET: 'n'.repeat(32)
}

t.test('LOGIN_SECRET_PREVIOUS has its finding', async (t) => {
  const run = async (more: object) =>
    await checkRotation({ login: loginOf({ ...env, ...more }), loginUrl: undefined })
  t.match(await run({}), { kind: 'skipped' })
  t.match(await checkRotation({ login: undefined, loginUrl: '/login' }), { kind: 'skipped' })
  t.match(await run({ LOGIN_SECRET_PREVIOUS: 'o'.repeat(32) }), {
    kind: 'looked', findings: [['rotation', /^LOGIN_SECRET_PREVIOUS is needed until 10 minutes after/]]
  })
})
