import t from 'tap'
import { errorsOf, holds, load, type Row, warningsOf, SECRET, testRotation } from '../../../unit/config/helpers.ts'
import { loginOf, signInOf } from '../settings.ts'

const login = {
  AUTHGEAR_ENDPOINT: 'https://auth.example.com',
  LOGIN_CLIENT_ID: 'client-1',
  LOGIN_PUBLIC_URL: 'https://app.example.com',
  LOGIN_SECRET: SECRET
}

t.test('three variables switch the login on; the rest has its default', async t => {
  const loaded = load(login)
  t.strictSame(loginOf(login), {
    clientId: 'client-1',
    publicUrl: 'https://app.example.com',
    path: '/_auth',
    allowedHosts: ['app.example.com'],
    secret: SECRET,
    previousSecret: undefined,
    logoutRedirectUri: 'https://app.example.com/_auth/logged-out'
  })
  t.strictSame(warningsOf(loaded), [])
})

t.test('the secret may come from a file', async t => {
  const { LOGIN_SECRET: _, ...rest } = login
  t.equal(loginOf({ ...rest, LOGIN_SECRET_FILE: '/s' }, { '/s': `${SECRET}\n` })?.secret, SECRET)
})

t.test('each can be set', async t => {
  t.match(
    loginOf({
      ...login,
      LOGIN_PATH: '/sso/v1',
      LOGIN_ALLOWED_HOSTS: 'b.example.com:443, *.apps.example.com,',
      LOGOUT_REDIRECT_URI: 'https://www.example.com/bye?x=1'
    }),
    {
      path: '/sso/v1',
      allowedHosts: ['app.example.com', 'b.example.com', '*.apps.example.com'],
      logoutRedirectUri: 'https://www.example.com/bye?x=1'
    }
  )
  t.match(loginOf({ ...login, LOGIN_PUBLIC_URL: 'https://app.example.com:443/' }), {
    publicUrl: 'https://app.example.com'
  })
})

t.test('reports everything that is missing at once', async t => {
  t.match(errorsOf(load({ LOGIN_CLIENT_ID: 'x' })), [
    /^LOGIN_PUBLIC_URL: is required with LOGIN_CLIENT_ID/, /^LOGIN_SECRET: is required.*openssl rand/
  ])
  for (const [name, value] of [
    ['LOGIN_PUBLIC_URL', 'https://a.example.com'],
    ['LOGIN_PATH', '/x'],
    ['LOGIN_ALLOWED_HOSTS', 'a.example.com'],
    ['LOGIN_SECRET', SECRET],
    ['LOGOUT_REDIRECT_URI', 'https://a.example.com/']
  ] as const) {
    t.match(errorsOf(load({ [name]: value })), [new RegExp(`^${name}: works only with LOGIN_CLIENT_ID`)])
  }
})

t.test('LOGIN_URL is an address or a path, and stands in for LOGIN_CLIENT_ID', async (t) => {
  for (const url of ['/login', '/login?rd=/', 'https://app.example.com/sign-in', 'http://localhost:3000/']) {
    t.equal(signInOf({ LOGIN_URL: url })?.loginUrl, url)
  }
  for (const url of ['//evil.example', 'javascript:alert(1)', 'login', '/a b', '/"x', '/\\x', 'https://u@x.example']) {
    t.match(errorsOf(load({ LOGIN_URL: url })), [/^LOGIN_URL: /], url)
  }
  t.match(errorsOf(load({ ...login, LOGIN_URL: '/login' })), [/^LOGIN_URL: is the app's own login/])
})

const BAD: readonly Row[] = [
  [{ LOGIN_CLIENT_ID: 'a b' }, /^LOGIN_CLIENT_ID: .*ASCII without spaces/],
  [{ LOGIN_SECRET: 'short' }, /^LOGIN_SECRET: .*shorter than 32 bytes/],
  [{ LOGIN_PUBLIC_URL: 'http://app.example.com' }, /^LOGIN_PUBLIC_URL: .*must begin with https/],
  [{ LOGIN_PUBLIC_URL: 'app.example.com' }, /^LOGIN_PUBLIC_URL: .*must begin with https/],
  [{ LOGIN_PUBLIC_URL: 'https://app.example.com:8443' }, /^LOGIN_PUBLIC_URL: .*leave out port/],
  [{ LOGIN_PUBLIC_URL: 'https://app.example.com/x' }, /^LOGIN_PUBLIC_URL: .*leave out port, path/],
  [{ LOGIN_PUBLIC_URL: 'https://me@app.example.com' }, /^LOGIN_PUBLIC_URL: .*leave out port, path and user/],
  [{ LOGIN_PUBLIC_URL: 'https://App.example.com' }, /^LOGIN_PUBLIC_URL: .*lower case/],
  [{ LOGIN_PUBLIC_URL: 'https://app.example.com.' }, /^LOGIN_PUBLIC_URL: .*check the host name/],
  [{ LOGIN_PUBLIC_URL: 'https://0x7f.1' }, /^LOGIN_PUBLIC_URL: .*as browsers write it/],
  [{ LOGIN_PATH: '_auth' }, /^LOGIN_PATH: .*must begin with a slash/],
  [{ LOGIN_PATH: '/' }, /^LOGIN_PATH: .*must begin with a slash/],
  [{ LOGIN_PATH: '/_auth/' }, /^LOGIN_PATH: .*end without one/],
  [{ LOGIN_PATH: '/a/../b' }, /^LOGIN_PATH: .*letters, digits/],
  [{ LOGIN_PATH: '/verify' }, /^LOGIN_PATH: .*path of this service already/],
  [{ LOGIN_PATH: '/.well-known' }, /^LOGIN_PATH: .*letters, digits/],
  [{ LOGIN_PATH: '/.well-known/forward-auth' }, /^LOGIN_PATH: .*letters, digits/],
  [{ LOGIN_PATH: '/ext-authz/x' }, /^LOGIN_PATH: .*path of this service already/],
  [{ LOGIN_ALLOWED_HOSTS: ',' }, /^LOGIN_ALLOWED_HOSTS: .*names no host/],
  [{ LOGIN_ALLOWED_HOSTS: 'App.example.com' }, /^LOGIN_ALLOWED_HOSTS: .*not in lower case/],
  [{ LOGIN_ALLOWED_HOSTS: 'app.example.com.' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGIN_ALLOWED_HOSTS: 'https://app.example.com' }, /^LOGIN_ALLOWED_HOSTS: .*leave out scheme/],
  [{ LOGIN_ALLOWED_HOSTS: 'app.example.com:8443' }, /^LOGIN_ALLOWED_HOSTS: .*port other than 443/],
  [{ LOGIN_ALLOWED_HOSTS: 'аpp.example.com' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGIN_ALLOWED_HOSTS: '*.com' }, /^LOGIN_ALLOWED_HOSTS: .*top-level domain/],
  [{ LOGIN_ALLOWED_HOSTS: '*' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGIN_ALLOWED_HOSTS: 'a.*.example.com' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGIN_ALLOWED_HOSTS: '0x7f.1' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGIN_ALLOWED_HOSTS: '127.1' }, /^LOGIN_ALLOWED_HOSTS: .*not a host name/],
  [{ LOGOUT_REDIRECT_URI: '/_auth/logged-out' }, /^LOGOUT_REDIRECT_URI: .*begins with https/],
  [{ LOGOUT_REDIRECT_URI: 'https://a@b.example.com/' }, /^LOGOUT_REDIRECT_URI: .*user name/],
  [{ LOGOUT_REDIRECT_URI: 'https://b.example.com/#x' }, /^LOGOUT_REDIRECT_URI: .*fragment/]
]

t.test('a wrong value is refused by name, and nothing else is', async (t) => holds(t, BAD, login))

const FAR: readonly Row[] = [
  [{ AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud', LOGIN_ALLOWED_HOSTS: 'app.example.com' },
    { warns: [/cookie of myapp.authgear.cloud cannot reach app.example.com/] }],
  [
    { AUTHGEAR_ENDPOINT: 'https://auth.example.com', LOGIN_ALLOWED_HOSTS: 'app.example.com,*.example.com,a.b.example.com' },
    { warns: [] }
  ],
  [{ AUTHGEAR_ENDPOINT: 'https://auth.example.com', LOGIN_ALLOWED_HOSTS: 'app.example.com,app.example.org' },
    { warns: [/cannot reach app.example.org/] }],
  [{ AUTHGEAR_ENDPOINT: 'https://auth.example.com', LOGIN_ALLOWED_HOSTS: '*.example.org' },
    { warns: [/cannot reach \*.example.org/] }],
  [{ AUTHGEAR_ENDPOINT: 'http://localhost:3000', LOGIN_ALLOWED_HOSTS: 'app.example.com' }, { warns: [/cannot reach/] }]
]

t.test('warns of hosts that no cookie of Authgear can reach', async (t) => holds(t, FAR, login))

testRotation(t, 'LOGIN_SECRET', { ...login, LOGIN_SECRET: SECRET }, (env, files) => loginOf(env, files)?.previousSecret)

t.test('a slip in a name says which one was meant', async (t) => {
  for (const [name, meant] of [
    ['LOGNI_CLIENT_ID', 'LOGIN_CLIENT_ID'],
    ['LOGINS_SECRET', 'LOGIN_SECRET'],
    ['LOGOUT_REDIRECT_URL', 'LOGOUT_REDIRECT_URI']
  ] as const) {
    const error = `${name}: is not a variable of this service: did you mean ${meant}?`
    t.strictSame(errorsOf(load({ [name]: 'hunter2' })), [error])
  }
})
