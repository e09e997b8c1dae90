import t from 'tap'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../../helpers/audit.ts'
import { configOf, errorsOf, load, warningsOf } from './helpers.ts'

const URL = 'http://authgear-admin:3002/graphql'
const API = {
  AUTHGEAR_ADMIN_API_URL: URL,
  AUTHGEAR_APP_ID: APP_ID,
  AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY,
  AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID
}

t.test('a profile has the fields that were named, in one order', (t) => {
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
  t.end()
})

const BAD: ReadonlyArray<readonly [what: string, env: NodeJS.ProcessEnv, error: RegExp]> = [
  ['no Admin API', { IDENTITY_PROFILE: 'email' },
    /^IDENTITY_PROFILE: is read from the Admin API: set AUTHGEAR_ADMIN_API_URL, AUTHGEAR_ADMIN_API_KEY and AUTHGEAR_APP_ID/],
  ['no key', { IDENTITY_PROFILE: 'email', AUTHGEAR_ADMIN_API_URL: URL, AUTHGEAR_APP_ID: APP_ID },
    /^AUTHGEAR_ADMIN_API_KEY: is required/],
  ['a field that there is not', { ...API, IDENTITY_PROFILE: 'email,mail' },
    /^IDENTITY_PROFILE: "mail" is not one of email, name, username, phone, picture, groups/],
  ['a field without a name', { ...API, IDENTITY_PROFILE: 'email,' }, /^IDENTITY_PROFILE: "" is not one of/],
  ['a life of nothing', { ...API, IDENTITY_PROFILE: 'email', PROFILE_TTL: '0' }, /^PROFILE_TTL: /],
  ['a wait without end', { ...API, IDENTITY_PROFILE: 'email', PROFILE_TIMEOUT: '1m' }, /^PROFILE_TIMEOUT: /],
  ['an e-mail that anybody may type as the user',
    { ...API, IDENTITY_PROFILE: 'email', IDENTITY_USER: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send' },
    /^IDENTITY_USER: is email, and IDENTITY_UNVERIFIED_EMAIL=send: /],
  ['another word', { ...API, IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'yes' },
    /^IDENTITY_UNVERIFIED_EMAIL: "yes" is not one of omit, send/]
]

for (const [what, env, error] of BAD) {
  t.test(`a profile with ${what} is an error`, (t) => {
    const errors = errorsOf(load(env))
    t.equal(errors.length, 1, errors.join('\n'))
    t.match(errors[0], error)
    t.end()
  })
}

const WARNED: ReadonlyArray<readonly [what: string, env: NodeJS.ProcessEnv, warning: RegExp | undefined]> = [
  ['PROFILE_TTL alone', { PROFILE_TTL: '1m' }, /^PROFILE_TTL: has no effect without IDENTITY_PROFILE/],
  ['no e-mail', { ...API, IDENTITY_PROFILE: 'name', IDENTITY_UNVERIFIED_EMAIL: 'omit' },
    /^IDENTITY_UNVERIFIED_EMAIL: has no effect where/],
  ['any e-mail', { ...API, IDENTITY_PROFILE: 'email', IDENTITY_UNVERIFIED_EMAIL: 'send' },
    /^IDENTITY_UNVERIFIED_EMAIL: is send: /],
  ['verified e-mails', { ...API, IDENTITY_PROFILE: 'email' }, undefined]
]

for (const [what, env, warning] of WARNED) {
  t.test(`a profile with ${what}: ${warning === undefined ? 'no warning' : 'a warning'}`, (t) => {
    const warnings = warningsOf(load(env)).filter((text) => /PROFILE|IDENTITY/.test(text))
    if (warning === undefined) t.strictSame(warnings, [])
    else t.match(warnings, [warning])
    t.end()
  })
}

t.test('the revocation log is kept for as long as a profile may live', async (t) => {
  const { retentionOf } = await import('../../../src/service/settings.ts')
  const config = configOf(load({ ...API, IDENTITY_PROFILE: 'email', PROFILE_TTL: '1h' }))
  t.ok(retentionOf(config) >= 3_600_000)
  t.ok(retentionOf(configOf(load(API))) < 600_000)
})
