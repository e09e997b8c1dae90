import t from 'tap'
import { claimsOf } from '../../../../src/base/core/token-expiry.ts'
import { ANY_PORT } from '../../../helpers/in-process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { APP, cookieOf, startOwnWorld } from '../../../helpers/own-world.ts'
import { startInProcessOver, WITH_GRPC } from '../../../helpers/in-process-over.ts'
import { ask } from '../../../helpers/request.ts'
import { demo } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'

const HOST = 'app.example.com'
const AS_ALICE = { status: 200, headers: { 'x-authgear-user-id': demo.alice.id } }

for (const protocol of WITH_GRPC) {
  t.test(`a session of our own is one on every way to ask, over ${protocol}`, async (t) => {
    const world = await startOwnWorld(t, { redis: await startRedis(t) })
    const resource = 'https://api.example.com'
    const tls = protocol === 'HTTP/2' ? makeTls(t) : undefined
    const replica = await startInProcessOver(t, protocol, tls, { ...world.environment, RESOURCES: resource })
    const cookie = cookieOf(await world.signedIn(), APP)
    const at = (path: string, host = HOST, more = {}) =>
      replica.ask({ path, headers: { cookie, 'x-forwarded-host': host, 'x-forwarded-uri': '/', ...more } })
    for (const path of ['/verify', '/verify?role=admin', `/resource-or-session?resource=${resource}`]) {
      t.match(await at(path), AS_ALICE, path)
      t.equal((await at(path, 'wiki.other.org')).status, 401, `${path} at another host`)
      t.match(await at(path, HOST, { authorization: 'Bearer junk' }), AS_ALICE, `${path} beside an app's own token`)
    }
    t.equal((await at('/verify?role=nobody')).status, 403)
    t.equal((await at(`/resource?resource=${resource}`)).status, 401, 'no token')
  })
}

t.test('a gateway\'s prefix says by its own request which host it is about', async (t) => {
  const world = await startOwnWorld(t, {
    adapter: { EXT_AUTHZ_POLICY: 'required', EXT_AUTHZ_LOCATION: 'request' }
  })
  const sent = await ask(world.replicas[0]?.port ?? 0, {
    path: '/ext-authz/~/deep', host: HOST, headers: [['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate']]
  })
  t.match(sent, { status: 302, headers: { location: `${APP}/_auth/login?rd=${APP}/deep` } })
})

t.test('a host without an origin is logged, and its page has no button to sign in', async (t) => {
  const world = await startOwnWorld(t)
  const [replica] = world.replicas
  const headers = [
    ['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate'], ['X-Forwarded-Host', 'nas.example.com']
  ] as const
  const { status, body } = await ask(replica?.port ?? 0, { path: '/verify', headers })
  t.equal(status, 401)
  t.match(body, 'Signing in is not set up for the address that your browser shows.')
  t.notMatch(body, '/_auth/login')
  t.match(replica?.lines.find(({ host }) => host === 'nas.example.com'), { level: 'warn', msg: /add it to LOGIN_PUBLIC_URL/ })
})

t.test('/identify says who it is', async (t) => {
  const world = await startOwnWorld(t, { adapter: { IDENTIFY_LISTEN: ANY_PORT } })
  const cookie = cookieOf(await world.signedIn(), APP)
  const identify = (lines: ReadonlyArray<readonly [string, string]>) =>
    ask(world.replicas[0]?.identifyPort ?? 0, { path: '/identify', headers: lines })
  t.match(await identify([['Cookie', cookie], ['X-Forwarded-Host', HOST]]), AS_ALICE)
  const nobody = await identify([['Cookie', cookie], ['X-Forwarded-Host', 'wiki.other.org']])
  t.match(nobody, { status: 200, headers: { 'x-authgear-session-valid': 'false' } })
})

t.test('an assertion names the session, and no two sessions alike', async (t) => {
  const world = await startOwnWorld(t, { adapter: { ASSERTION: 'on', ASSERTION_ISSUER: 'https://auth.example.com' } })
  const sids = []
  for (let n = 0; n < 2; n++) {
    const answer = await world.verify(cookieOf(await world.signedIn(), APP))
    sids.push(claimsOf(String(answer.headers['x-forward-auth-assertion']))?.['sid'])
  }
  t.equal(new Set(sids).size, 2)
  t.ok(sids.every((sid) => typeof sid === 'string' && sid !== ''))
})
