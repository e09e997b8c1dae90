import { parseEnv } from 'node:util'
import t from 'tap'
import { loadConfig } from '../../../src/app/config.ts'
import { environmentExample } from '../../../docs/variables.ts'
import { rows } from '../../../src/app/config.ts'
import { PRIVATE_KEY } from '../../helpers/audit.ts'

/** As `node --env-file` reads it. @param comments those that are commented out */
const assignments = (text: string, comments: boolean): NodeJS.ProcessEnv =>
  parseEnv(comments ? Array.from(text.matchAll(/^# ([A-Z_]+=.*)$/gm), ([, line]) => line).join('\n') : text)

t.test('.env.example works as it is, and each of its examples is valid', async t => {
  const example = environmentExample(rows)
  const required = assignments(example, false)
  t.equal(loadConfig(required).kind, 'ok')
  const { CACHE_SECRET: secret, ...optional } = assignments(example, true)
  t.equal(secret, '', 'no secret that could be left in place')
  const alone = Object.entries(optional).filter(
    ([name]) => !name.endsWith('_FILE') &&
      !/^(?:REDIS_|AUTHGEAR_ADMIN_|IDENTITY_PROFILE|LOGIN_|LOGOUT_|ASSERTION_|EVENTS_)/.test(name)
  )
  for (const [name, value] of alone) {
    t.equal(loadConfig({ ...required, [name]: value }).kind, 'ok', name)
  }
  const { AUTHGEAR_APP_ID: appId, AUTHGEAR_ADMIN_API_URL: url, AUTHGEAR_ADMIN_API_KEY_ID: keyId } = optional
  const { IDENTITY_PROFILE: fields } = optional
  t.equal(
    loadConfig({
      ...required,
      AUTHGEAR_APP_ID: appId,
      AUTHGEAR_ADMIN_API_URL: url,
      AUTHGEAR_ADMIN_API_KEY_ID: keyId,
      AUTHGEAR_ADMIN_API_KEY: PRIVATE_KEY,
      IDENTITY_PROFILE: fields
    }).kind,
    'ok',
    'these together'
  )
  const { LOGIN_SSO: sso, ...login } = Object.fromEntries(
    Object.entries(optional).filter(([name]) => /^LOG(?:IN_(?!URL)|OUT_)(?!.*_FILE)/.test(name))
  )
  t.equal(loadConfig({ ...required, ...login, LOGIN_SECRET: 'k'.repeat(32) }).kind, 'ok', 'and these')
  const own = { ...login, LOGIN_ALLOWED_HOSTS: '', LOGIN_SESSION: 'own', LOGIN_SSO: sso }
  t.equal(loadConfig({ ...required, ...own, LOGIN_SECRET: 'k'.repeat(32) }).kind, 'ok', 'and these')
  t.equal(loadConfig({ ...required, LOGIN_URL: optional['LOGIN_URL'] }).kind, 'ok', 'or this in their place')
  const { ASSERTION_ISSUER: issuer, ASSERTION_KEY_ROTATION: rotation } = optional
  const assertion = { ASSERTION: 'on', ASSERTION_ISSUER: issuer, ASSERTION_KEY_ROTATION: rotation }
  t.equal(loadConfig({ ...required, ...assertion }).kind, 'ok', 'and these')
})

t.test('each row documents itself in one sentence, and has one default at most', async t => {
  for (const { name, variable } of rows) {
    t.match(variable.meaning, /^[A-Z].*\.$/, name)
    t.notOk(variable.required === true && variable.fallback !== undefined, name)
  }
})
