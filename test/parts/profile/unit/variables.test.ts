import t from 'tap'
import { settingsOf, variables } from '../../../../src/parts/profile/variables.ts'
import { logRetentionOf, retentionOf } from '../../../../src/app/settings.ts'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../../../helpers/audit.ts'
import { configOf, holds, load, readRows, type Row } from '../../../unit/config/helpers.ts'

const URL = 'http://authgear-admin:3002/graphql'
const API = {
  AUTHGEAR_ADMIN_API_URL: URL,
  AUTHGEAR_APP_ID: APP_ID,
  AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY,
  AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID
}

t.test('a profile has the fields that were named, in one order', async (t) => {
  const settings = (env: NodeJS.ProcessEnv) => settingsOf(readRows(variables, env), () => true)
  t.strictSame(settings({ IDENTITY_PROFILE: 'groups, email,email' }), {
    fields: ['email', 'groups'], isLent: false, ttlMs: 300_000, timeoutMs: 300, sendsUnverifiedEmail: false
  })
  const some = { PROFILE_TTL: '1m', PROFILE_TIMEOUT: '50ms', IDENTITY_UNVERIFIED_EMAIL: 'send' }
  t.match(settings({ IDENTITY_PROFILE: 'email', ...some }), {
    ttlMs: 60_000, timeoutMs: 50, sendsUnverifiedEmail: true
  })
  t.equal(settings({}), undefined, 'off unless it is asked for')
})

t.test('profiles come from userinfo where there is no Admin API', async (t) => {
  const ofProfile = (env: NodeJS.ProcessEnv) => configOf(load(env)).parts.find(({ name }) => name === 'profile')
  const lent = ofProfile({ ...OWN, IDENTITY_PROFILE: 'email' })
  t.match(lent, { claims: { knowsFacts: ['email'], notes: [/userinfo.*RESOURCES/] } })
  const api = ofProfile({ ...OWN, ...API, IDENTITY_PROFILE: 'email,groups' })
  t.match(api, { claims: { knowsFacts: ['email', 'groups'] } })
  t.strictSame(api?.claims.notes, [])
})

t.test('it is on, and other parts have the same account of the Admin API', async (t) => {
  const { adminApi, parts } = configOf(load({ ...API, IDENTITY_PROFILE: 'email' }))
  t.ok(parts.some(({ name }) => name === 'profile'))
  t.strictSame(adminApi, { url: URL, key: { pem: PRIVATE_KEY, keyId: KEY_ID }, appId: APP_ID })
})

const OWN = {
  LOGIN_SESSION: 'own',
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: 'https://app.example.com',
  LOGIN_SECRET: 's'.repeat(32)
}
const REDIS = { REDIS_URL: 'redis://redis', CACHE_SECRET: 'k'.repeat(32) }

const BAD: readonly Row[] = [
  [
    { IDENTITY_PROFILE: 'email' },
    /^IDENTITY_PROFILE: .*: set LOGIN_SESSION=own .*, or AUTHGEAR_ADMIN_API_URL, AUTHGEAR_ADMIN_API_KEY and AUTHGEAR_APP_ID/
  ],
  [{ ...OWN, IDENTITY_PROFILE: 'email,groups' }, /^IDENTITY_PROFILE: names groups, .*: set AUTHGEAR_ADMIN_API_URL/],
  [{ ...OWN, IDENTITY_PROFILE: 'email', ALLOW: 'group=staff' },
    /^ALLOW: .*: set IDENTITY_PROFILE=groups, with AUTHGEAR_ADMIN_API_URL/],
  [{ ...OWN, IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send', ALLOW: 'email_domain=example.com' },
    /^ALLOW: .*without IDENTITY_UNVERIFIED_EMAIL=send/],
  [{ IDENTITY_PROFILE: 'email', AUTHGEAR_ADMIN_API_URL: URL, AUTHGEAR_APP_ID: APP_ID },
    /^AUTHGEAR_ADMIN_API_KEY: is required/],
  [{ ...API, IDENTITY_PROFILE: 'email,mail' },
    /^IDENTITY_PROFILE: "mail" is not one of email, name, username, phone, picture, groups/],
  [{ ...API, IDENTITY_PROFILE: 'email,' }, /^IDENTITY_PROFILE: "" is not one of/],
  [{ ...API, IDENTITY_PROFILE: 'email', PROFILE_TLL: '1m' }, /^PROFILE_TLL: .*did you mean PROFILE_TTL/],
  [{ ...API, IDENTITY_PROFILE: 'email', PROFILE_TTL: '0' }, /^PROFILE_TTL: /],
  [{ ...API, IDENTITY_PROFILE: 'email', PROFILE_TIMEOUT: '1m' }, /^PROFILE_TIMEOUT: /],
  [{ ...API, IDENTITY_PROFILE: 'email', IDENTITY_USER: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send' },
    /^IDENTITY_USER: is email, and IDENTITY_UNVERIFIED_EMAIL=send: /],
  [{ ...API, IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'yes' },
    /^IDENTITY_UNVERIFIED_EMAIL: "yes" is not one of omit, send/]
]

t.test('a profile that cannot be is an error', async (t) => holds(t, BAD))

const WARNED: readonly Row[] = [
  [{ PROFILE_TTL: '1m' }, { warns: [/^PROFILE_TTL: has no effect without IDENTITY_PROFILE/] }],
  [{ ...API, IDENTITY_PROFILE: 'name', IDENTITY_UNVERIFIED_EMAIL: 'omit' },
    { warns: [/^IDENTITY_UNVERIFIED_EMAIL: has no effect where/] }],
  [{ ...API, IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send' },
    { warns: [/^IDENTITY_UNVERIFIED_EMAIL: is send: /] }],
  [{ ...API, IDENTITY_PROFILE: 'email' }, { warns: [] }],
  [{ ...OWN, IDENTITY_PROFILE: 'email', ALLOW: 'email_domain=example.com' }, { warns: [] }],
  [{ ...API, IDENTITY_PROFILE: 'email', IDENTITY_USER: 'email' }, { warns: [/^IDENTITY_USER: an e-mail/] }],
  [{ IDENTITY_USER: 'email' },
    { warns: [/^IDENTITY_USER: an e-mail/, /^IDENTITY_USER: is email, which IDENTITY_PROFILE does not name/] }],
  [{ IDENTITY_USER: 'username' },
    { warns: [/^IDENTITY_USER: a username/, /^IDENTITY_USER: is username, which IDENTITY_PROFILE does not name/] }]
]

t.test('what has no effect, or lets anybody type an e-mail, is a warning', async (t) => holds(t, WARNED, REDIS))

t.test('revocations are kept for as long as a profile may live', async (t) => {
  const hour = configOf(load({ ...API, IDENTITY_PROFILE: 'email', PROFILE_TTL: '1h' }))
  const without = configOf(load(API))
  for (const retention of [retentionOf, logRetentionOf]) {
    t.ok(retention(hour) >= 3_600_000)
    t.ok(retention(without) < 600_000)
  }
})
