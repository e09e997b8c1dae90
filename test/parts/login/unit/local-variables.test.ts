import t from 'tap'
import { errorsOf, load, warningsOf } from '../../../unit/config/helpers.ts'
import { loginOf } from '../settings.ts'

const ORIGIN = 'http://localhost:8080'
const LOGIN = {
  AUTHGEAR_ENDPOINT: 'http://localhost:4300',
  LOGIN_CLIENT_ID: 'demo',
  LOGIN_PUBLIC_URL: ORIGIN,
  LOGIN_SECRET: 's'.repeat(32)
}

t.test('a login on localhost returns to no other host', async (t) => {
  const loaded = load(LOGIN)
  t.match(loginOf(LOGIN), { publicUrl: ORIGIN, logoutRedirectUri: `${ORIGIN}/_auth/logged-out` })
  t.strictSame(loginOf(LOGIN)?.allowedHosts, [], 'nor to https on the same name')
  t.strictSame(warningsOf(loaded), [])
})

const TAKEN: readonly string[] = [
  'http://localhost', 'http://localhost/', 'http://localhost:8080/', 'http://127.0.0.1:8080', 'http://app.localhost:1',
  'http://a.b.localhost:65535'
]

t.test('names that RFC 6761 keeps for this machine, and its address', async (t) => {
  for (const text of TAKEN) {
    const AUTHGEAR_ENDPOINT = `http://${new URL(text).hostname}:4300`
    const login = loginOf({ ...LOGIN, AUTHGEAR_ENDPOINT, LOGIN_PUBLIC_URL: text })
    t.equal(login?.publicUrl, text.replace(/\/$/, ''))
  }
})

/** What looks like this machine and may be another, or is no origin as browsers write it. */
const REFUSED: readonly string[] = [
  'http://app.example.com', 'http://localhost.example.com:8080', 'http://localhost.:8080', 'http://xlocalhost:8080',
  'http://x-localhost', 'http://localhost@evil.example', 'http://localhost:8080@evil.example', 'http://u@localhost',
  'http://evil.example#.localhost', 'http://evil.example?.localhost', 'http://evil.example/.localhost',
  'http://evil.example\\.localhost', 'http://.localhost', 'http://-.localhost', 'http://*.localhost', 'HTTP://localhost',
  'http://LOCALHOST', 'http:localhost', 'http:/localhost', 'http:///localhost', 'http://localhost/x',
  'http://localhost?x', 'http://localhost#x', 'http://localhost:', 'http://localhost:0', 'http://localhost:08080',
  'http://localhost:80', 'http://localhost:65536', 'http://127.0.0.1.nip.io', 'http://127.0.0.2', 'http://127.1',
  'http://0x7f.0.0.1', 'http://2130706433', 'http://0177.0.0.1', 'http://0.0.0.0:8080', 'http://[::]:8080',
  'http://[::ffff:10.0.0.1]:8080', 'http://10.0.0.7:8080', 'http://192.168.0.1', 'http://app.local', 'http://app.test',
  'http://localhost.localdomain', 'http://ｌocalhost', 'http://lоcalhost', 'http://local%68ost',
  'ws://localhost:8080', 'https://localhost:8443'
]

t.test('nothing else is taken without HTTPS', async (t) => {
  for (const text of REFUSED) {
    const AUTHGEAR_ENDPOINT = 'http://localhost:4300'
    t.match(errorsOf(load({ ...LOGIN, AUTHGEAR_ENDPOINT, LOGIN_PUBLIC_URL: text })), [/^LOGIN_PUBLIC_URL: /], text)
  }
})

const FAR: ReadonlyArray<readonly [endpoint: string, publicUrl: string]> = [
  ['https://auth.example.com', ORIGIN],
  ['http://authgear:3000', ORIGIN],
  ['http://127.0.0.1:4300', ORIGIN],
  ['http://auth.localhost:4300', 'http://app.localhost:8080']
]

t.test('Authgear must be on the same name, so no real project ever gets there', async (t) => {
  for (const [AUTHGEAR_ENDPOINT, LOGIN_PUBLIC_URL] of FAR) {
    const errors = errorsOf(load({ ...LOGIN, AUTHGEAR_ENDPOINT, LOGIN_PUBLIC_URL }))
    t.match(errors, [/^LOGIN_PUBLIC_URL: .*https:/], AUTHGEAR_ENDPOINT)
  }
})

t.test('nor do other hosts, over https, belong to a login on this machine', async (t) => {
  t.match(errorsOf(load({ ...LOGIN, LOGIN_ALLOWED_HOSTS: 'app.example.com' })), [/^LOGIN_ALLOWED_HOSTS: .*http/])
})
