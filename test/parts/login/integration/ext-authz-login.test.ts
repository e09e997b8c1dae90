import t from 'tap'
import {
  ALLOWED, AS_SHIPPED, askAsGateway, type Asking, type ClientRequest, cookieOf, filterOf, startShipped
} from '../../../helpers/ext-authz.ts'
import { LOGIN } from '../../../helpers/in-process.ts'
import { PROTOCOLS, startInProcessOver } from '../../../helpers/in-process-over.ts'
import { sendRaw } from '../../../helpers/raw-http.ts'
import { ask, type Answer, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'

const NAVIGATION: readonly HeaderLine[] = [
  ['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']
]

const loginOf = (returnTo?: string): string =>
  `${LOGIN.LOGIN_PUBLIC_URL}/_auth/login${returnTo === undefined ? '' : `?rd=${returnTo}`}`

/** A navigation of nobody's, and where the login comes back to; undefined: to the site's first page. */
const WAYS_BACK: ReadonlyArray<readonly [host: string, path: string, returnTo: string | undefined]> = [
  ['app.example.com', '/', 'https://app.example.com/'],
  ['app.example.com', '', 'https://app.example.com/'],
  ['app.example.com', '/deep/link?a=1&b=2', 'https://app.example.com/deep/link?a=1&b=2'],
  ['app.example.com:443', '/x', 'https://app.example.com/x'],
  ['app.example.com', '/~role=admin/x', 'https://app.example.com/~role=admin/x'],
  ['app.example.com', '/a/../b', 'https://app.example.com/b'],
  ['app.example.com', '/a%2Fb', 'https://app.example.com/a%2Fb'],
  ['app.example.com', '//evil.example/x', 'https://app.example.com//evil.example/x'],
  ['app.example.com', '/@evil.example/x', 'https://app.example.com/@evil.example/x'],
  ['b.apps.example.com', '/x', 'https://b.apps.example.com/x'],
  // no host of LOGIN_ALLOWED_HOSTS, or none at all
  ['evil.example', '/x', undefined],
  ['app.example.com.evil.example', '/x', undefined],
  ['app.example.com@evil.example', '/x', undefined],
  ['app.example.com:8080', '/x', undefined],
  ['evil.example/app.example.com', '/x', undefined],
  ['app.example.com', '/\\evil.example', undefined]
]

for (const policy of ['', 'role=admin&verified=true']) {
  t.test(`the segment: a login comes back to Host and path, behind "~${policy}"`, async (t) => {
    const { port } = await startShipped(t, { ...LOGIN })
    for (const [host, path, returnTo] of WAYS_BACK) {
      const answer = await askAsGateway(port, filterOf(policy), { host, path, headers: NAVIGATION })
      t.match(answer, { status: 302, headers: { location: loginOf(returnTo) } }, `${host} ${path}`)
      t.equal(answer.headers['location'], loginOf(returnTo), `${host} ${path}`)
    }
  })
}

t.test('the segment: what a client writes into X-Forwarded-* is not believed', async (t) => {
  const { port, lines } = await startShipped(t, { ...LOGIN })
  const spoofed: readonly HeaderLine[] = [
    ['X-Forwarded-Host', 'b.apps.example.com'], ['X-Forwarded-Uri', '/evil'], ['X-Forwarded-Method', 'POST'],
    ['X-Forwarded-Proto', 'http'], ['X-Forwarded-For', '198.51.100.66']
  ]
  const everything: Asking = { path: '/ext-authz/~', allowedHeaders: [...ALLOWED, ...spoofed.map(([name]) => name)] }
  const { headers } = await askAsGateway(port, everything, { path: '/x', headers: [...NAVIGATION, ...spoofed] })
  t.equal(headers['location'], loginOf('https://app.example.com/x'))
  const refusals = lines.filter(({ reason }) => reason === 'no_credentials')
  t.equal(refusals.length, 1)
  t.notMatch(JSON.stringify(refusals), '198.51.100.66', 'nor is its address')
})

t.test('the segment: nobody is sent to log in where it would change nothing', async (t) => {
  const { port } = await startShipped(t, { ...LOGIN })
  const as = (client: Omit<ClientRequest, 'headers'>, policy = '', headers = NAVIGATION): Promise<Answer> =>
    askAsGateway(port, filterOf(policy), { headers, ...client })
  t.equal((await as({ path: '/x', method: 'POST' })).status, 401)
  t.equal((await as({ path: '/x' }, 'login=off')).status, 401)
  t.equal((await as({ path: '/x' }, '', [['Accept', 'application/json']])).status, 401, 'a program')
  t.equal((await as({ path: '/_auth/login' })).status, 401, 'the login itself is asked about: no circle')
  t.equal((await as({ path: '/x' }, '', [...NAVIGATION, cookieOf(demo.bob)])).status, 200)
  t.equal((await as({ path: '/x' }, 'role=admin', [...NAVIGATION, cookieOf(demo.bob)])).status, 403)
})

t.test('the segment: a peer that is no trusted proxy gets the site’s first page', async (t) => {
  const { port } = await startShipped(t, { ...LOGIN, TRUSTED_PROXIES: 'none' })
  const { headers } = await askAsGateway(port, filterOf(''), { path: '/x', headers: NAVIGATION })
  t.equal(headers['location'], loginOf())
})

t.test('two Host lines name no way back', async (t) => {
  const { port } = await startShipped(t, { ...LOGIN })
  const lines = ['Host: app.example.com', 'Host: b.apps.example.com', 'Accept: text/html', 'Sec-Fetch-Mode: navigate']
  const answer = await sendRaw(port, `GET /ext-authz/~/x HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const locations = (answer?.headers ?? []).filter(([name]) => name.toLowerCase() === 'location')
  t.ok(answer?.status === 400 || locations[0]?.[1] === loginOf(), JSON.stringify(answer))
})

for (const protocol of PROTOCOLS) {
  t.test(`the way back is the same over ${protocol}`, async (t) => {
    const simulator = await startSimulator(t)
    const service = await startInProcessOver(t, protocol, makeTls(t), {
      AUTHGEAR_ENDPOINT: simulator.url, ...AS_SHIPPED, ...LOGIN
    })
    const authority = protocol === 'HTTP/2' ? ':authority' : 'host'
    const headers = Object.fromEntries(NAVIGATION.map(([name, value]) => [name.toLowerCase(), value]))
    const asked = { path: '/ext-authz/~/x?y=1', headers: { ...headers, [authority]: 'app.example.com' } }
    const answer = await service.ask(asked)
    t.equal(answer.headers['location'], loginOf('https://app.example.com/x?y=1'))
  })
}

t.test('EXT_AUTHZ_LOCATION=forwarded: Host and path are nobody’s words, as before', async (t) => {
  const { port } = await startShipped(t, { ...LOGIN, EXT_AUTHZ_LOCATION: 'forwarded' })
  const filter: Asking = { path: '/ext-authz/~', allowedHeaders: [...ALLOWED, 'X-Forwarded-Host', 'X-Forwarded-Uri'] }
  const bare = await askAsGateway(port, filter, { path: '/x', headers: NAVIGATION })
  t.equal(bare.headers['location'], loginOf())
  const vouched = await askAsGateway(port, filter, {
    path: '/x', headers: [...NAVIGATION, ['X-Forwarded-Host', 'b.apps.example.com'], ['X-Forwarded-Uri', '/y']]
  })
  t.equal(vouched.headers['location'], loginOf('https://b.apps.example.com/y'))
})

t.test('EXT_AUTHZ_LOCATION=request changes nothing at /verify', async (t) => {
  const { port } = await startShipped(t, { ...LOGIN })
  const forwarded: readonly HeaderLine[] = [['X-Forwarded-Host', 'b.apps.example.com'], ['X-Forwarded-Uri', '/y']]
  const { headers } = await ask(port, { path: '/verify', headers: [...NAVIGATION, ...forwarded] })
  t.equal(headers['location'], loginOf('https://b.apps.example.com/y'))
})
