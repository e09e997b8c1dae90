import t from 'tap'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../../helpers/audit.ts'
import { configOf, holds, load, type Row } from './helpers.ts'

const URL = 'http://authgear-admin:3002/graphql'
const API = {
  AUTHGEAR_ADMIN_API_URL: URL,
  AUTHGEAR_APP_ID: APP_ID,
  AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY,
  AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID
}

t.test('a profile has the fields that were named, in one order', async (t) => {
  const { profile, audit } = configOf(load({ ...API, IDENTITY_PROFILE: 'groups, email,email' }))
  t.strictSame(profile, {
    fields: ['email', 'groups'],
    api: { url: URL, key: { pem: PRIVATE_KEY, keyId: KEY_ID }, appId: APP_ID },
    ttlMs: 300_000,
    timeoutMs: 300,
    sendsUnverifiedEmail: false
  })
  t.ok(audit, 'the audit log is followed too')
  const some = { PROFILE_TTL: '1m', PROFILE_TIMEOUT: '50ms', IDENTITY_UNVERIFIED_EMAIL: 'send' }
  t.match(configOf(load({ ...API, IDENTITY_PROFILE: 'email', ...some })).profile, {
    ttlMs: 60_000, timeoutMs: 50, sendsUnverifiedEmail: true
  })
  t.equal(configOf(load(API)).profile, undefined, 'off unless it is asked for')
})

const REDIS = { REDIS_URL: 'redis://redis', CACHE_SECRET: 'k'.repeat(32) }

const BAD: readonly Row[] = [
  [
    { IDENTITY_PROFILE: 'email' },
    /^IDENTITY_PROFILE: is read from the Admin API: set AUTHGEAR_ADMIN_API_URL, AUTHGEAR_ADMIN_API_KEY and AUTHGEAR_APP_ID/
  ],
  [{ IDENTITY_PROFILE: 'email', AUTHGEAR_ADMIN_API_URL: URL, AUTHGEAR_APP_ID: APP_ID },
    /^AUTHGEAR_ADMIN_API_KEY: is required/],
  [{ ...API, IDENTITY_PROFILE: 'email,mail' },
    /^IDENTITY_PROFILE: "mail" is not one of email, name, username, phone, picture, groups/],
  [{ ...API, IDENTITY_PROFILE: 'email,' }, /^IDENTITY_PROFILE: "" is not one of/],
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
  [{ ...API, IDENTITY_PROFILE: 'email' }, { warns: [] }]
]

t.test('what has no effect, or lets anybody type an e-mail, is a warning', async (t) => holds(t, WARNED, REDIS))

t.test('the revocation log is kept for as long as a profile may live', async (t) => {
  const { retentionOf } = await import('../../../src/service/settings.ts')
  const config = configOf(load({ ...API, IDENTITY_PROFILE: 'email', PROFILE_TTL: '1h' }))
  t.ok(retentionOf(config) >= 3_600_000)
  t.ok(retentionOf(configOf(load(API))) < 600_000)
})
