import t from 'tap'
import { errorsOf, load, warningsOf } from '../../../unit/config/helpers.ts'
import { loginOf } from '../settings.ts'

const own = {
  AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
  LOGIN_CLIENT_ID: 'client-1',
  LOGIN_SESSION: 'own',
  LOGIN_PUBLIC_URL: 'https://app.example.com,https://wiki.other.org, http://localhost:8080',
  LOGIN_SECRET: 's'.repeat(32)
}

t.test('several origins, on any domain and on this machine, without a warning', async t => {
  const loaded = load(own)
  t.match(loginOf(own), {
    publicUrl: 'https://app.example.com',
    own: {
      origins: ['https://app.example.com', 'https://wiki.other.org', 'http://localhost:8080'], sso: true, hasLogoutUri: false
    }
  })
  t.strictSame(warningsOf(loaded), [])
  t.equal(loginOf({ ...own, LOGIN_SSO: 'off' })?.own?.sso, false)
})

for (const [what, some, error] of [
  ['several origins for Authgear\'s session', { ...own, LOGIN_SESSION: 'authgear' }, /^LOGIN_PUBLIC_URL: names several/],
  ['one twice', { ...own, LOGIN_PUBLIC_URL: 'https://a.example.com,https://a.example.com' }, /twice/],
  ['one that is none', { ...own, LOGIN_PUBLIC_URL: 'https://a.example.com,http://b.example.com' }, /^LOGIN_PUBLIC_URL/],
  ['hosts to come back to', { ...own, LOGIN_ALLOWED_HOSTS: 'a.example.com' }, /^LOGIN_ALLOWED_HOSTS: has no effect/],
  ['no seal', { ...own, REDIS_URL: 'redis://r', CACHE_SECRET: 'none' }, /^CACHE_SECRET: is none/],
  ['an unknown session', { ...own, LOGIN_SESSION: 'mine' }, /^LOGIN_SESSION/],
  ['LOGIN_SSO without', { ...own, LOGIN_PUBLIC_URL: 'https://a.example.com', LOGIN_SESSION: 'authgear', LOGIN_SSO: 'off' },
    /^LOGIN_SSO: works only/]
] as const) {
  t.test(`is refused: ${what}`, async t => {
    t.ok(errorsOf(load(some)).some((one) => error.test(one)), errorsOf(load(some)).join('\n'))
  })
}
