import t from 'tap'
import {
  ALLOWED, AS_SHIPPED, askAsGateway, type Asking, cookieOf, createGateway, filterOf, type Outcome, startShipped,
  writtenRules
} from '../helpers/external-auth-gateway.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { personClaims, RESOURCE, signed, startIssuer } from '../helpers/token-issuer.ts'
import { IDENTITY_HEADERS } from '../../src/core/resolution.ts'
import { TOKEN_HEADERS } from '../../src/resource/responses.ts'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'

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
  const { port } = await startShipped(t)
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
  const { port } = await startShipped(t)
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const as = (headers: readonly HeaderLine[]): Promise<Answer> =>
      askAsGateway(port, filterOf('role=admin'), { method, path: '/x', headers })
    t.equal((await as([cookieOf(demo.alice)])).status, 200, method)
    t.equal((await as([cookieOf(demo.bob)])).status, 403, method)
    t.equal((await as([])).status, 401, method)
  }
})

t.test('ExternalAuth: without Cookie in allowedHeaders only tokens pass', async (t) => {
  const { port } = await startShipped(t)
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
  const { port } = await startShipped(t)
  for (const [prefix, path, status] of LOST) {
    const answer = await askAsGateway(port, { path: prefix, allowedHeaders: ALLOWED }, {
      path, headers: [cookieOf(demo.alice)]
    })
    t.equal(answer.status, status, `${prefix} ${path}`)
  }
})

t.test('ExternalAuth: without any prefix a client’s /verify asks for a session only', async (t) => {
  const { port } = await startShipped(t)
  const bare: Asking = { path: '', allowedHeaders: ALLOWED }
  t.equal((await askAsGateway(port, bare, { path: '/verify' })).status, 401)
  t.equal((await askAsGateway(port, bare, { path: '/verify', headers: [cookieOf(demo.bob)] })).status, 200)
})

t.test('ExternalAuth: a client’s own policy header only tightens, and chooses no token', async (t) => {
  const issuer = await startIssuer(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: issuer.url, ...AS_SHIPPED, RESOURCES: RESOURCE })
  const token = signed(personClaims(issuer.url, Date.now(), 'alice'))
  const statusOf = async (segment: string, policy: string): Promise<number> => {
    const headers: readonly HeaderLine[] = [['authorization', `Bearer ${token}`], ['x-forward-auth-policy', policy]]
    return (await ask(port, { path: `/ext-authz/~${segment}/page`, headers })).status
  }
  const named = `resource=${encodeURIComponent(RESOURCE)}`
  t.equal(await statusOf('', named), 401)
  t.equal(await statusOf('', `${named}&scope=read:orders`), 401)
  t.equal(await statusOf(named, ''), 200, 'the segment does')
  t.equal(await statusOf(named, 'scope=write:orders'), 403)
  const { port: sessions } = await startShipped(t)
  for (const [policy, status] of [['role=nobody', 403], [named, 403]] as const) {
    const headers: readonly HeaderLine[] = [cookieOf(demo.alice), ['x-forward-auth-policy', policy]]
    t.equal((await ask(sessions, { path: '/ext-authz/~/page', headers })).status, status, policy)
  }
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
  ['/administrators', 401, 0, 0],
  ['/~role=none/x', 401, 0, 0],
  ['/;/admin', 500, 500, 500],
  ['/x/..;/admin', 500, 500, 500],
  ['/x/%2e%2e%3b/admin', 500, 500, 500],
  ['/x/..%2fadmin', 500, 500, 500],
  ['/%2Fadmin', 500, 500, 500],
  ['/x/..%5cadmin', 500, 500, 500],
  ['/%61dmin', 500, 500, 500],
  ['//admin', 500, 500, 500],
  ['/x/../admin', 500, 500, 500],
  ['/file.txt?a=//x/../%2f', 401, 0, 0],
  ['/_auth/login', 0, 0, 0],
  ['/_auth/login/x', 401, 0, 0]
]
/** Of those paths, what is another rule's for a gateway that compares beginnings only. */
const BEGINNINGS_ONLY = new Set([
  '/ADMIN/z', ...PATHS.filter(([, nobody]) => nobody === 500).map(([path]) => path)
])

for (const knowsExpressions of [true, false]) {
  t.test(`what snippet writes, at a gateway ${knowsExpressions ? 'with' : 'without'} expressions`, async (t) => {
    const { port } = await startShipped(t)
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
  const { port } = await startShipped(t)
  const gateway = createGateway(port, writtenRules('--policy', '/admin=role=admin'), true)
  for (const path of ['/', '/admin']) {
    const outcome: Outcome = await gateway({ path, headers: [...SPOOFED, cookieOf(demo.alice)] })
    if (outcome.kind !== 'app') throw new Error(JSON.stringify(outcome))
    t.strictSame(outcome.headers.filter(([, value]) => value === 'spoofed'), [], path)
    t.ok(outcome.headers.some(([name, value]) => name === 'X-Authgear-User-Id' && value === demo.alice.id), path)
  }
})
