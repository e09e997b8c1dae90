import t from 'tap'
import { comesWithWebhook, createMissedWebhooks } from '../../../../src/parts/audit-log/missed-webhooks.ts'
import { labelOf } from '../../../../src/parts/audit-log/activity-types.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const ACTIVITIES: ReadonlyArray<readonly [type: string, isTold: boolean]> = [
  ['USER_DISABLED', true],
  ['USER_ANONYMOUS_PROMOTED', true],
  ['IDENTITY_EMAIL_VERIFIED', true],
  ['USER_AUTHENTICATED', true],
  ['USER_SIGNED_OUT', false],
  ['USER_SESSION_TERMINATED', false],
  ['ADMIN_API_MUTATION_ADD_ROLE_TO_USERS_EXECUTED', false],
  ['SOMETHING_NEW', false]
]
t.test('which activities come by webhook too', async (t) => {
  for (const [type, isTold] of ACTIVITIES) t.equal(comesWithWebhook(labelOf(type)), isTold, type)
})

t.test('changes count until a webhook comes, and those around it do not', async (t) => {
  const clock = manualClock()
  const second = (): number => Math.floor(clock.wall() / 1000)
  const untold = createMissedWebhooks(clock)
  t.equal(untold.count(), 0)
  untold.read('user_disabled', second())
  untold.read('user_signed_out', second())
  untold.read('identity_email_added', second())
  t.equal(untold.count(), 2)
  untold.webhookCame()
  t.equal(untold.count(), 0)
  untold.read('user_disabled', second() + 2)
  untold.read('user_disabled', second() - 3600)
  t.equal(untold.count(), 0, 'the entry is read after its webhook came')
  clock.advance(61_000)
  untold.read('user_disabled', second())
  t.equal(untold.count(), 1, 'and one a minute later had none')
})
