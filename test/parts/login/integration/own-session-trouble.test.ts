import t, { type Test } from 'tap'
import type { TokenFailure } from '../../../../deploy/demo/authgear-simulator/types.d.mts'
import { type InProcessOptions, SECRET } from '../../../helpers/in-process.ts'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { last } from '../../../helpers/person.ts'
import { APP, cookieOf, type OwnWorld, type OwnWorldOptions, startOwnWorld } from '../../../helpers/own-world.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

const LIFE_MS = 300_000

async function start (t: Test, options: OwnWorldOptions = {}): Promise<OwnWorld & { cookie: string }> {
  const world = await startOwnWorld(t, options)
  return { ...world, cookie: cookieOf(await world.signedIn(), APP) }
}

const reasonOf = ({ headers }: { headers: Readonly<Record<string, unknown>> }): unknown =>
  headers['x-forward-auth-reason']

const TROUBLE: ReadonlyArray<readonly [mode: TokenFailure, outcome: string, reason: string]> = [
  ['error', 'error', 'authgear_unavailable'],
  ['rate-limited', 'limited', 'authgear_unavailable'],
  ['redirect', 'error', 'authgear_unavailable'],
  ['hang', 'timeout', 'authgear_unavailable'],
  ['reset', 'error', 'authgear_unavailable']
]

for (const [mode, outcome, reason] of TROUBLE) {
  t.test(`the token endpoint in trouble signs nobody out: ${mode}`, async (t) => {
    const world = await start(t, { adapter: mode === 'hang' ? { AUTHGEAR_TIMEOUT: '3s' } : {} })
    const { clock, cookie, authgear: { controls: { tokens } } } = world
    // where tokens may rotate, an answer is waited for much longer
    clock.advance(LIFE_MS * 1.1)
    t.equal((await world.verify(cookie)).status, 200, 'they do not')
    tokens.fail(mode)
    clock.advance(LIFE_MS * 0.9)
    t.equal((await world.verify(cookie)).status, 200, 'the old token goes on to its end')
    await until('it was tried', () => tokens.refreshes > 1)
    clock.advance(LIFE_MS * 0.2)
    const answer = await world.verify(cookie)
    t.match([answer.status, reasonOf(answer)], [503, reason])
    t.match(world.replicas[0]?.lines.at(-1), { error: { code: 'TOKEN_CALL_FAILED' }, check: /AUTHGEAR_ENDPOINT/ })
    t.ok(await metricOf(world.replicas[0] as never, `forward_auth_session_refreshes_total{outcome="${outcome}"}`) > 0)
    const calls = tokens.calls
    t.equal((await world.verify(cookie)).status, 503)
    t.equal(tokens.calls, calls, 'a session is not tried again at once')
    tokens.recover()
    clock.advance(1001)
    t.equal((await world.verify(cookie)).status, 200)
  })
}

t.test('CACHE_STALE_IF_ERROR goes on where a token cannot be refreshed', async (t) => {
  const world = await start(t, { adapter: { CACHE_STALE_IF_ERROR: '10m' } })
  const { clock, cookie, authgear: { controls } } = world
  clock.advance(LIFE_MS * 0.5)
  t.equal((await world.verify(cookie)).status, 200)
  controls.tokens.fail('error')
  clock.advance(LIFE_MS)
  const stale = await world.verify(cookie)
  t.match([stale.status, reasonOf(stale)], [200, 'allowed_stale'])
  clock.advance(600_000)
  t.equal((await world.verify(cookie)).status, 503, 'and no longer')
})

t.test('what the resolver refused is not stale, whatever the token endpoint says', async (t) => {
  const world = await start(t, { adapter: { CACHE_STALE_IF_ERROR: '10m' } })
  const { clock, cookie, authgear: { controls } } = world
  t.equal((await world.verify(cookie)).status, 200)
  controls.revokeSessions('alice')
  controls.tokens.fail('error')
  clock.advance(60_000)
  t.equal((await world.verify(cookie)).status, 503)
  controls.fail('reset')
  clock.advance(2000)
  t.equal((await world.verify(cookie)).status, 503, 'nothing is remembered')
  controls.recover()
  controls.tokens.recover()
  clock.advance(2000)
  t.equal((await world.verify(cookie)).status, 401)
})

t.test('an access token that Authgear dropped alone is replaced by a refresh', async (t) => {
  const world = await start(t)
  world.authgear.controls.expireAccessTokens()
  world.clock.advance(60_000)
  t.equal((await world.verify(world.cookie)).status, 200)
  t.equal(world.authgear.controls.tokens.refreshes, 1)
})

t.test('an account outside its validity is refused, and its session lives on', async (t) => {
  const world = await start(t)
  world.authgear.controls.setOutsideValidity('alice', true)
  world.clock.advance(60_000)
  t.match(reasonOf(await world.verify(world.cookie)), 'invalid_session')
  world.authgear.controls.setOutsideValidity('alice', false)
  world.clock.advance(60_000)
  t.equal((await world.verify(world.cookie)).status, 200)
})

t.test('with rotation a lost answer costs a login, once the access token has ended', async (t) => {
  const world = await start(t, { client: { rotation: true } })
  const { clock, cookie, authgear: { controls: { tokens } } } = world
  tokens.fail('lost', 1)
  clock.advance(LIFE_MS * 0.9)
  t.equal((await world.verify(cookie)).status, 200)
  await until('it was tried', () => tokens.refreshes === 1)
  clock.advance(2000)
  t.equal((await world.verify(cookie)).status, 200, 'the old access token goes on')
  clock.advance(LIFE_MS)
  t.equal((await world.verify(cookie)).status, 401)
})

t.test('a login that meets Authgear\'s limit of calls is finished a second later', async (t) => {
  const world = await start(t)
  world.authgear.controls.tokens.fail('rate-limited', 1)
  const person = world.person()
  const page = last(await person.open(`${APP}/x`))
  t.match(last(await world.signIn(person, page, 'alice')), { status: 200, url: `${APP}/x` })
})

t.test('a login that cannot be finished works at the same address a moment later', async (t) => {
  const world = await start(t)
  const person = world.person()
  const page = last(await person.open(`${APP}/x`))
  world.authgear.controls.tokens.fail('rate-limited', 2) // one try more is made at once
  const failed = last(await person.send(page.url, { user: 'alice' }))
  t.match([failed.status, reasonOf(failed)], [503, 'login_unavailable'])
  t.match(last(await person.open(failed.url)), { status: 200, url: `${APP}/x` }, 'the code is not used up')
})

t.test('another user in the resolver\'s answer than in the ID token is nobody', async (t) => {
  const { controls, url } = await startSimulator(t)
  const redis = await startRedis(t)
  const shared = await start(t, { adapter: { REDIS_URL: redis.url } })
  const token = shared.tokens().accessTokens.at(-1) ?? ''
  controls.addUser({ id: 'eve', name: 'eve', sessions: [{ accessTokens: [token] }] })
  await shared.add({
    REDIS_URL: redis.url, AUTHGEAR_RESOLVER_URL: `${url}/resolve`
  })
  shared.clock.advance(60_000)
  const answer = await shared.verify(shared.cookie, {}, 1)
  t.match([answer.status, answer.headers['x-authgear-user-id']], [503, undefined])
  t.match(shared.replicas[1]?.lines.at(-1), { error: { code: 'AUTHGEAR_GARBAGE' } })
})

t.test('a rotation of CACHE_SECRET signs nobody out', async (t) => {
  const redis = await startRedis(t)
  const NEW = 'the secret after the rotation, 32 bytes or more'
  const common: InProcessOptions = { REDIS_URL: redis.url, CACHE_TTL: '1s', secretCheckMs: 50 }
  const world = await start(t, { adapter: common })
  const { clock, cookie } = world
  await world.add({ ...common, CACHE_SECRET: NEW, CACHE_SECRET_PREVIOUS: SECRET })
  clock.advance(2000)
  for (const replica of [0, 1]) t.equal((await world.verify(cookie, {}, replica)).status, 200, 'beside each other')
  await world.replicas[0]?.close()
  await until('the new one is written', async () => {
    clock.advance(2000)
    t.equal((await world.verify(cookie, {}, 1)).status, 200)
    const keys = await redis.cli('KEYS', 'test:own:*:session') as string[]
    const heads = await Promise.all(keys.map((key) => redis.cli('GETRANGE', key, '0', '9')))
    return heads.length === 2 && heads.includes('9999999999')
  })
  await world.add({ ...common, CACHE_SECRET: NEW })
  t.equal((await world.verify(cookie, {}, 2)).status, 200, 'the new secret alone is enough')
})
