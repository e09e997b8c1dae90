import { readFileSync } from 'node:fs'
import t from 'tap'
import { readWebhook, type WebhookReading } from '../../../src/base/authgear/webhook-events.ts'

const USER = 'a11ce000-0000-4000-8000-000000000001'
const event = (type: string, more: object = {}): string =>
  JSON.stringify({
    id: '1', seq: 1, type, payload: { user: { id: USER } }, context: { app_id: 'app', user_id: USER }, ...more
  })
const usersOf = (reading: WebhookReading): unknown =>
  reading.kind === 'revokes'
    ? reading.revocations.map(({ target }) => target.kind === 'user' && target.userId)
    : reading.kind

const REVOKING = [
  'user.disabled', 'user.reenabled', 'user.deletion_scheduled', 'user.deletion_unscheduled', 'user.deleted',
  'user.anonymization_scheduled', 'user.anonymization_unscheduled', 'user.anonymized', 'user.reauthenticated',
  'user.profile.updated', 'user.authenticated', 'identity.email.verified', 'identity.email.unverified',
  'identity.email.added', 'identity.oauth.connected', 'identity.anything.new'
]

t.test('events that change a user\'s identity revoke that user', async (t) => {
  for (const type of REVOKING) t.same(usersOf(readWebhook(event(type), undefined)), [USER], type)
})

t.test('a promotion revokes the anonymous and the new user', async (t) => {
  const body = event('user.anonymous.promoted', { payload: { user: { id: 'new' }, anonymous_user: { id: 'old' } } })
  t.same(usersOf(readWebhook(body, undefined)), ['new', 'old'])
})

t.test('other events and unknown types are of no consequence', async (t) => {
  for (const type of [
    'user.created', 'user.signed_out', 'x', '', 'identity', 'user.disabled.x', 'USER.DISABLED', '__proto__'
  ]) {
    t.equal(readWebhook(event(type), undefined).kind, 'ignored', type)
  }
})

t.test('for two seconds nothing of the user is remembered, but after a mere sign-in', async (t) => {
  for (const [type, quietMs] of [
    ['user.disabled', 2000],
    ['identity.email.verified', 2000],
    ['user.authenticated', 0]
  ] as const) {
    t.match(readWebhook(event(type), undefined), { revocations: [{ quietMs }] }, type)
  }
})

t.test('what ends a user ends what the user was given; what changes a user does not', async (t) => {
  const ending = REVOKING.filter((type) => {
    const reading = readWebhook(event(type), undefined)
    return reading.kind === 'revokes' && reading.revocations.every(({ ends }) => ends === 0)
  })
  t.strictSame(ending, [
    'user.disabled', 'user.deletion_scheduled', 'user.deleted', 'user.anonymization_scheduled', 'user.anonymized'
  ])
})

t.test('another app’s event is told apart where AUTHGEAR_APP_ID is set', async (t) => {
  t.equal(readWebhook(event('user.disabled'), 'app').kind, 'revokes')
  for (const context of [{ app_id: 'other' }, {}, undefined, null, 'app']) {
    t.equal(readWebhook(event('user.disabled', { context }), 'app').kind, 'other_app', JSON.stringify(context))
  }
})

t.test('reports an unreadable event, and never takes it for "nothing to revoke"', async (t) => {
  for (const body of [
    '',
    'null',
    '[]',
    '{',
    '"x"',
    '{}',
    '{"type":1}',
    event('user.disabled', { payload: {}, context: { app_id: 'app' } }),
    event('user.disabled', { payload: { user: { id: 7 } }, context: {} }),
    event('user.disabled', { payload: { user: { id: '\ud800' } }, context: {} }),
    event('user.disabled', { payload: { user: { id: 'u'.repeat(257) } }, context: {} })
  ]) {
    t.equal(readWebhook(body, undefined).kind, 'unreadable', body)
  }
  t.same(
    usersOf(readWebhook(event('user.disabled', { payload: {} }), undefined)), [USER], 'the context names the user too'
  )
})

t.test('every webhook recorded from Authgear is read, and names the user it is about', async (t) => {
  const recorded: ReadonlyArray<{ type?: string, body?: string }> = JSON.parse(
    readFileSync(new URL('../../fixtures/webhooks.json', import.meta.url), 'utf8')
  )
  const bodies = recorded.filter(({ body }) => body !== undefined)
  t.ok(bodies.length >= 15, `${bodies.length} recorded`)
  for (const { type, body = '' } of bodies) {
    const about: string = JSON.parse(body).payload.user.id
    t.same(usersOf(readWebhook(body, 'app')), type === 'user.created' ? 'ignored' : [about], type ?? '')
  }
})
