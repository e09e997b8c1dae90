import t from 'tap'
import {
  ALLOWED, AS_SHIPPED, askAsGateway, type Asking, cookieOf, filterOf, startShipped
} from '../helpers/ext-authz.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { personClaims, RESOURCE, signed, startIssuer } from '../helpers/token-issuer.ts'
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

t.test('the segment: each policy holds for every path of the client', async (t) => {
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

t.test('the segment: the client’s method is asked by, and changes nothing', async (t) => {
  const { port } = await startShipped(t)
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const as = (headers: readonly HeaderLine[]): Promise<Answer> =>
      askAsGateway(port, filterOf('role=admin'), { method, path: '/x', headers })
    t.equal((await as([cookieOf(demo.alice)])).status, 200, method)
    t.equal((await as([cookieOf(demo.bob)])).status, 403, method)
    t.equal((await as([])).status, 401, method)
  }
})

t.test('the segment: without Cookie in allowedHeaders only tokens pass', async (t) => {
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

t.test('the segment: a prefix that is empty or has no segment refuses everybody', async (t) => {
  const { port } = await startShipped(t)
  for (const [prefix, path, status] of LOST) {
    const answer = await askAsGateway(port, { path: prefix, allowedHeaders: ALLOWED }, {
      path, headers: [cookieOf(demo.alice)]
    })
    t.equal(answer.status, status, `${prefix} ${path}`)
  }
})

t.test('the segment: without any prefix a client’s /verify asks for a session only', async (t) => {
  const { port } = await startShipped(t)
  const bare: Asking = { path: '', allowedHeaders: ALLOWED }
  t.equal((await askAsGateway(port, bare, { path: '/verify' })).status, 401)
  t.equal((await askAsGateway(port, bare, { path: '/verify', headers: [cookieOf(demo.bob)] })).status, 200)
})

t.test('the segment: a client’s own policy header only tightens, and chooses no token', async (t) => {
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
