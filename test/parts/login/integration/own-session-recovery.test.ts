import t from 'tap'
import type { TokenFailure } from '../../../../deploy/demo/authgear-simulator/server.mjs'
import { sumOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, sessionCookie, signedIn, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { startRedis } from '../../../helpers/redis.ts'

const LIFE_MS = 60_000
/** The breaker's pause, and a session's. */
const PAUSE_MS = 1001
const PEOPLE = 40
/** Slots of the token endpoint. */
const AT_ONCE = 16

async function signIn (world: OwnWorld, people: number): Promise<readonly string[]> {
  const cookies: string[] = []
  for (let n = 0; n < people; n++) {
    cookies.push(sessionCookie(await signedIn(world)) ?? '')
  }
  return cookies
}

/** How many are let in, and what the others are told. */
async function ask (world: OwnWorld, cookies: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(cookies.map((cookie) => world.byCookie(cookie)))
  return Object.fromEntries([...new Set(answers)].map((one) => [one, answers.filter((other) => other === one).length]))
}

const rejected = ({ replicas }: OwnWorld): Promise<number> =>
  sumOf(replicas, 'forward_auth_session_refreshes_total{outcome="rejected"}')

const TROUBLE: ReadonlyArray<readonly [mode: TokenFailure, opensBreaker: boolean]> = [
  ['reset', true], ['error', true], ['hang', true], ['rate-limited', false], ['redirect', false]
]

for (const [mode, opensBreaker] of TROUBLE) {
  t.test(`a token endpoint that is back serves all within two seconds: ${mode}`, async (t) => {
    const world = await startOwnWorld(t, {
      client: { accessTokenSeconds: LIFE_MS / 1000 },
      adapter: { LOG_LEVEL: 'error', CACHE_TTL: '1s', ...mode === 'hang' ? { AUTHGEAR_TIMEOUT: '3s' } : {} }
    })
    const { tokens } = world.authgear.controls
    // where tokens may rotate, an answer is waited for much longer
    const [scout = ''] = await signIn(world, 1)
    world.clock.advance(LIFE_MS)
    t.equal(await world.byCookie(scout), 'alice', 'they do not')
    const ended = await signIn(world, PEOPLE)
    world.clock.advance(LIFE_MS)
    const living = await signIn(world, 5)
    world.clock.advance(2 * PAUSE_MS) // nothing is remembered
    tokens.fail(mode)
    t.strictSame(await ask(world, ended), { '503 authgear_unavailable': PEOPLE })
    t.strictSame(await ask(world, living), { alice: 5 }, 'a good access token needs no token endpoint')
    t.equal(await rejected(world) > 0, opensBreaker)
    tokens.recover()
    world.clock.advance(PAUSE_MS)
    const { alice = 0 } = await ask(world, ended)
    t.ok(alice >= (opensBreaker ? 1 : PEOPLE), 'one tries for all')
    world.clock.advance(PAUSE_MS)
    t.strictSame(await ask(world, ended), { alice: PEOPLE })
  })
}

// a refresh that hangs has 30 s where its answer may be the only copy of the next token
for (const when of ['before', 'while'] as const) {
  t.test(`learns from another replica's record that tokens stay, ${when} one hangs`, async (t) => {
    const world = await startOwnWorld(t, {
      redis: await startRedis(t),
      replicas: 2,
      client: { accessTokenSeconds: LIFE_MS / 1000 },
      adapter: { LOG_LEVEL: 'error', CACHE_TTL: '1s', AUTHGEAR_TIMEOUT: '5s', leaseMs: 300 }
    })
    const [first, second] = world.replicas
    const patient = await world.start({ machine: 'patient', AUTHGEAR_TIMEOUT: '30s' })
    const [alice = '', bob = ''] = await Promise.all(['alice', 'bob'].map(async (user) => {
      const person = world.person(() => patient)
      await world.signIn(person, `${APP}/`, user)
      return sessionCookie(person) ?? ''
    }))
    world.clock.advance(LIFE_MS)
    t.equal(await world.byCookie(alice, APP, first), 'alice', 'refreshed')
    const read = async (): Promise<void> => {
      t.equal(await world.byCookie(alice, APP, second), 'alice', 'read')
    }
    if (when === 'before') await read()
    world.authgear.controls.tokens.fail('hang', 1)
    t.equal(await world.byCookie(bob, APP, second), '503 authgear_unavailable')
    if (when === 'while') await read()
    world.clock.advance(PAUSE_MS)
    t.equal(await world.byCookie(bob, APP, second), 'bob')
  })
}

t.test('a crowd whose tokens have ended is served by a slow token endpoint in turns', async (t) => {
  const world = await startOwnWorld(t, {
    client: { accessTokenSeconds: LIFE_MS / 1000 }, adapter: { LOG_LEVEL: 'error', AUTHGEAR_TIMEOUT: '3s' }
  })
  const { tokens } = world.authgear.controls
  const crowd = await signIn(world, 2 * AT_ONCE)
  world.clock.advance(LIFE_MS + 1000)
  tokens.slow(1800) // the second turn begins after more than half of the time, and ends after it
  t.strictSame(await ask(world, crowd), { alice: 2 * AT_ONCE })
  t.equal(tokens.refreshes, 2 * AT_ONCE)
})
