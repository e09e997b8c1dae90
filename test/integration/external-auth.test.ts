import t, { type Test } from 'tap'
import {
  askAsGateway, type ClientRequest, createGateway, type Filter, type Outcome, writtenRules
} from '../helpers/external-auth-gateway.ts'
import { LOGIN, startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { IDENTITY_HEADERS } from '../../src/core/resolution.ts'
import { TOKEN_HEADERS } from '../../src/resource/responses.ts'
import { PROTOCOLS, startInProcessOver } from '../helpers/in-process-over.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'

const ALLOWED = ['Cookie', 'Accept', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'X-Requested-With']

const AS_SHIPPED: Partial<InProcessOptions> = { extAuthzPolicy: 'required', extAuthzLocation: 'request' }
type Asking = Pick<Filter, 'path' | 'allowedHeaders'>
const filterOf = (policy: string): Asking => ({ path: `/ext-authz/~${policy}`, allowedHeaders: ALLOWED })
const cookieOf = ({ cookie }: Readonly<{ cookie: string }>): HeaderLine => ['Cookie', `session=${cookie}`]
const NAVIGATION: readonly HeaderLine[] = [
  ['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']
]

async function start (t: Test, options: Partial<InProcessOptions> = {}): Promise<InProcess> {
  const simulator = await startSimulator(t)
  return await startInProcess(t, { authgear: simulator.url, ...AS_SHIPPED, ...options })
}

const loginOf = (returnTo?: string): string =>
  `${LOGIN.publicUrl}/_auth/login${returnTo === undefined ? '' : `?rd=${returnTo}`}`

/** What a policy says of Alice, who is an admin and verified, and of Bob, who is neither. */
const POLICIES: ReadonlyArray<readonly [policy: string, alice: number, bob: number]> = [
  ['', 200, 200],
  ['role=admin', 200, 403],
  ['role=admin,owner', 200, 403],
  ['role=owner', 403, 403],
  ['verified=true', 200, 403],
  ['anonymous=false', 200, 200],
  ['role=admin&verified=true', 200, 403],
  ['role=ad%6Din', 200, 403],
  ['login=off', 200, 200],
  ['rol=admin', 403, 403]
]

t.test('ExternalAuth: each policy holds for every path of the client', async (t) => {
  const { port } = await start(t)
  for (const [policy, alice, bob] of POLICIES) {
    for (const path of ['/', '/admin?role=', '/~role=nobody/x', '/..%2f~/x', '/x/../../~/y', '/%2e%2e/~/', '/?~']) {
      const statusOf = async (headers: readonly HeaderLine[]): Promise<number> =>
        (await askAsGateway(port, filterOf(policy), { path, headers })).status
      t.equal(await statusOf([cookieOf(demo.alice)]), alice, `${policy} ${path}, by cookie`)
      t.equal(await statusOf([['authorization', `Bearer ${demo.bob.accessToken}`]]), bob, `${policy} ${path}, by token`)
      t.equal(await statusOf([]), 401, `${policy} ${path}, nobody`)
    }
  }
})

t.test('ExternalAuth: the client’s method is asked by, and changes nothing', async (t) => {
  const { port } = await start(t)
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const as = (headers: readonly HeaderLine[]): Promise<Answer> =>
      askAsGateway(port, filterOf('role=admin'), { method, path: '/x', headers })
    t.equal((await as([cookieOf(demo.alice)])).status, 200, method)
    t.equal((await as([cookieOf(demo.bob)])).status, 403, method)
    t.equal((await as([])).status, 401, method)
  }
})

t.test('ExternalAuth: without Cookie in allowedHeaders only tokens pass', async (t) => {
  const { port } = await start(t)
  const filter: Asking = { path: '/ext-authz/~', allowedHeaders: [] }
  t.equal((await askAsGateway(port, filter, { path: '/', headers: [cookieOf(demo.alice)] })).status, 401)
  const token: HeaderLine = ['Authorization', `Bearer ${demo.alice.accessToken}`]
  t.equal((await askAsGateway(port, filter, { path: '/', headers: [token] })).status, 200)
})

/** By the client's path: what a gateway asks whose filter has lost its prefix, or has one without a segment. */
const LOST: ReadonlyArray<readonly [prefix: string, path: string, status: number]> = [
  ['', '/', 404],
  ['', '/admin', 404],
  ['', '/verify/', 404],
  ['', '/ext-authz', 404],
  ['', '/ext-authz/x', 403],
  ['/ext-authz', '/admin', 403],
  ['/ext-authz', '/admin/~/x', 403],
  ['/ext-authz/', '/~/x', 403],
  ['/ext-authz', '/', 403],
  ['/verify', '/admin', 404]
]

t.test('ExternalAuth: a prefix that is empty or has no segment refuses everybody', async (t) => {
  const { port } = await start(t)
  for (const [prefix, path, status] of LOST) {
    const answer = await askAsGateway(port, { path: prefix, allowedHeaders: ALLOWED }, {
      path, headers: [cookieOf(demo.alice)]
    })
    t.equal(answer.status, status, `${prefix} ${path}`)
  }
})

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
  t.test(`ExternalAuth: a login comes back to Host and path, behind "~${policy}"`, async (t) => {
    const { port } = await start(t, { login: {} })
    for (const [host, path, returnTo] of WAYS_BACK) {
      const answer = await askAsGateway(port, filterOf(policy), { host, path, headers: NAVIGATION })
      t.match(answer, { status: 302, headers: { location: loginOf(returnTo) } }, `${host} ${path}`)
      t.equal(answer.headers['location'], loginOf(returnTo), `${host} ${path}`)
    }
  })
}

t.test('ExternalAuth: what a client writes into X-Forwarded-* is not believed', async (t) => {
  const { port, lines } = await start(t, { login: {} })
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

t.test('ExternalAuth: nobody is sent to log in where it would change nothing', async (t) => {
  const { port } = await start(t, { login: {} })
  const as = (client: Omit<ClientRequest, 'headers'>, policy = '', headers = NAVIGATION): Promise<Answer> =>
    askAsGateway(port, filterOf(policy), { headers, ...client })
  t.equal((await as({ path: '/x', method: 'POST' })).status, 401)
  t.equal((await as({ path: '/x' }, 'login=off')).status, 401)
  t.equal((await as({ path: '/x' }, '', [['Accept', 'application/json']])).status, 401, 'a program')
  t.equal((await as({ path: '/_auth/login' })).status, 401, 'the login itself is asked about: no circle')
  t.equal((await as({ path: '/x' }, '', [...NAVIGATION, cookieOf(demo.bob)])).status, 200)
  t.equal((await as({ path: '/x' }, 'role=admin', [...NAVIGATION, cookieOf(demo.bob)])).status, 403)
})

t.test('ExternalAuth: a peer that is no trusted proxy gets the site’s first page', async (t) => {
  const { port } = await start(t, { login: {}, trustedProxies: [] })
  const { headers } = await askAsGateway(port, filterOf(''), { path: '/x', headers: NAVIGATION })
  t.equal(headers['location'], loginOf())
})

t.test('two Host lines name no way back', async (t) => {
  const { port } = await start(t, { login: {} })
  const lines = ['Host: app.example.com', 'Host: b.apps.example.com', 'Accept: text/html', 'Sec-Fetch-Mode: navigate']
  const answer = await sendRaw(port, `GET /ext-authz/~/x HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const locations = (answer?.headers ?? []).filter(([name]) => name.toLowerCase() === 'location')
  t.ok(answer?.status === 400 || locations[0]?.[1] === loginOf(), JSON.stringify(answer))
})

for (const protocol of PROTOCOLS) {
  t.test(`the way back is the same over ${protocol}`, async (t) => {
    const simulator = await startSimulator(t)
    const service = await startInProcessOver(t, protocol, makeTls(t), {
      authgear: simulator.url, ...AS_SHIPPED, login: {}
    })
    const authority = protocol === 'HTTP/2' ? ':authority' : 'host'
    const headers = Object.fromEntries(NAVIGATION.map(([name, value]) => [name.toLowerCase(), value]))
    const asked = { path: '/ext-authz/~/x?y=1', headers: { ...headers, [authority]: 'app.example.com' } }
    const answer = await service.ask(asked)
    t.equal(answer.headers['location'], loginOf('https://app.example.com/x?y=1'))
  })
}

t.test('EXT_AUTHZ_LOCATION=forwarded: Host and path are nobody’s words, as before', async (t) => {
  const { port } = await start(t, { login: {}, extAuthzLocation: 'forwarded' })
  const filter: Asking = { path: '/ext-authz/~', allowedHeaders: [...ALLOWED, 'X-Forwarded-Host', 'X-Forwarded-Uri'] }
  const bare = await askAsGateway(port, filter, { path: '/x', headers: NAVIGATION })
  t.equal(bare.headers['location'], loginOf())
  const vouched = await askAsGateway(port, filter, {
    path: '/x',
    headers: [...NAVIGATION, ['X-Forwarded-Host', 'b.apps.example.com'], ['X-Forwarded-Uri', '/y']]
  })
  t.equal(vouched.headers['location'], loginOf('https://b.apps.example.com/y'))
})

t.test('EXT_AUTHZ_LOCATION=request changes nothing at /verify', async (t) => {
  const { port } = await start(t, { login: {} })
  const forwarded: readonly HeaderLine[] = [['X-Forwarded-Host', 'b.apps.example.com'], ['X-Forwarded-Uri', '/y']]
  const { headers } = await ask(port, { path: '/verify', headers: [...NAVIGATION, ...forwarded] })
  t.equal(headers['location'], loginOf('https://b.apps.example.com/y'))
})

const SPOOFED: readonly HeaderLine[] = [
  ...IDENTITY_HEADERS, ...TOKEN_HEADERS, 'x-authgear-session-acr'
].flatMap((name): HeaderLine[] => [[name, 'spoofed'], [name.replaceAll('-', '_'), 'spoofed']])

/** What a gateway that knows expressions makes of each path, for nobody, Bob and Alice; 0: the app gets it. */
const PATHS: ReadonlyArray<readonly [path: string, nobody: number, bob: number, alice: number]> = [
  ['/', 401, 0, 0],
  ['/page?role=x', 401, 0, 0],
  ['/admin', 401, 403, 0],
  ['/admin/z?x=1', 401, 403, 0],
  ['/ADMIN/z', 401, 403, 0],
  ['/administrators', 401, 403, 0],
  ['/~role=none/x', 401, 0, 0],
  ['/;/admin', 500, 500, 500],
  ['/x/..;/admin', 500, 500, 500],
  ['/x/%2e%2e%3b/admin', 500, 500, 500],
  ['/_auth/login', 0, 0, 0],
  ['/_auth/login/x', 401, 0, 0]
]
/** Of those paths, what is another rule's for a gateway that compares beginnings only. */
const BEGINNINGS_ONLY = new Set(['/ADMIN/z', '/administrators', '/;/admin', '/x/..;/admin', '/x/%2e%2e%3b/admin'])

for (const knowsExpressions of [true, false]) {
  t.test(`what snippet writes, at a gateway ${knowsExpressions ? 'with' : 'without'} expressions`, async (t) => {
    const { port } = await start(t)
    const rules = writtenRules('--policy', '/admin=role=admin', '--login')
    const gateway = createGateway(port, rules, knowsExpressions)
    const statusOf = async (path: string, who: readonly HeaderLine[]): Promise<number> => {
      const outcome = await gateway({ path, headers: [...SPOOFED, ...who] })
      return outcome.kind === 'app' ? 0 : outcome.status
    }
    for (const [path, nobody, bob, alice] of PATHS) {
      if (!knowsExpressions && BEGINNINGS_ONLY.has(path)) {
        t.equal(await statusOf(path, []), 401, `${path}, nobody: the catch-all holds`)
        continue
      }
      t.equal(await statusOf(path, []), nobody, `${path}, nobody`)
      t.equal(await statusOf(path, [cookieOf(demo.bob)]), bob, `${path}, Bob`)
      t.equal(await statusOf(path, [cookieOf(demo.alice)]), alice, `${path}, Alice`)
    }
  })
}

t.test('what snippet writes lets no identity header of the client’s through', async (t) => {
  const { port } = await start(t)
  const gateway = createGateway(port, writtenRules('--policy', '/admin=role=admin'), true)
  for (const path of ['/', '/admin']) {
    const outcome: Outcome = await gateway({ path, headers: [...SPOOFED, cookieOf(demo.alice)] })
    if (outcome.kind !== 'app') throw new Error(JSON.stringify(outcome))
    t.strictSame(outcome.headers.filter(([, value]) => value === 'spoofed'), [], path)
    t.ok(outcome.headers.some(([name, value]) => name === 'X-Authgear-User-Id' && value === demo.alice.id), path)
  }
})
