import { randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import t, { type Test } from 'tap'
import {
  APP, cookieName, isOnTheWayBack, sessionCookie, startOwnWorld, type OwnWorld
} from '../../../helpers/own-session-world.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { runs } from '../../../helpers/runs.ts'

const MANY = runs(1000, 10_000)
const AT_ONCE = 32

/** So many, some at once. */
async function each (count: number, one: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let i = next++; i < count; i = next++) await one(i)
  }))
}

const keysIn = async (redis: RedisServer): Promise<number> => Number(await redis.cli('DBSIZE'))

function agentOf (t: Test): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  t.teardown(() => agent.destroy())
  return agent
}

const NAVIGATION = [
  ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept', 'text/html'],
  ['X-Forwarded-Host', 'app.example.com'], ['X-Forwarded-Proto', 'https'], ['X-Forwarded-For', '203.0.113.66']
] as const

/** One network, such as an office: the address of all people here. */
const OFFICE = { 'x-forwarded-for': '203.0.113.7' }
/** The address of one who tries codes. */
const STRANGER = { 'x-forwarded-for': '198.51.100.66' }
const isLogin = ({ url }: Pick<Hop, 'url'>): boolean => url.includes('/_auth/login')

/** One more code that nobody ever got, with a state of this browser's own. @returns the answer's status */
async function tryJunk (browser: Person, headers = STRANGER): Promise<number> {
  const hops = await browser.open(`${APP}/_auth/login?rd=${APP}/`, { headers, until: isLogin })
  const state = new URL(String(last(hops).headers['location'])).searchParams.get('state') ?? ''
  const query = new URLSearchParams({ state, code: randomBytes(24).toString('base64url') }).toString()
  return last(await browser.open(`${APP}/_auth/callback?${query}`, { headers, until: () => true })).status
}

const inMemory = async ({ replicas }: OwnWorld): Promise<number> => {
  const text = await replicas[0]?.service.metrics.render() ?? ''
  const lines = text.split('\n').filter((line) => /^forward_auth_(?:cache_entries|own_sessions|sessions)\b/.test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

t.test(`${MANY} logins that never end are kept nowhere`, async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, adapter: { LOG_LEVEL: 'error' } })
  const agent = agentOf(t)
  const [{ port } = { port: 0 }] = world.replicas
  const before = [await keysIn(redis), await inMemory(world)] as const
  const statuses = new Set<number>()
  await each(MANY, async (i) => {
    const path = `/_auth/login?rd=${APP}/${i}`
    statuses.add((await ask(port, { agent, path, host: 'app.example.com', headers: NAVIGATION })).status)
  })
  t.strictSame([...statuses], [302])
  t.ok(await keysIn(redis) <= before[0] + 5, 'Redis has no key more for them')
  t.equal(await inMemory(world), before[1], 'nor has memory')
  t.equal(world.relay.calls.length, 0)
  t.equal(world.authgear.counters.resolutions, 0)
})

t.test('junk cookies at full speed cost Authgear nothing and fill nothing', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, adapter: { LOG_LEVEL: 'error', CACHE_MAX_MEMORY: '2m' } })
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const calls = [world.relay.calls.length, world.authgear.counters.resolutions]
  const before = await keysIn(redis)
  const statuses = new Map<number, number>()
  await each(MANY, async (i) => {
    const value = i % 10 === 0 ? 'x'.repeat(i % 4000) : randomBytes(32).toString('base64url')
    const { status } = await world.verify({ cookie: `${cookieName(APP)}=${value}` })
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  })
  t.strictSame([...statuses.keys()], [401])
  t.strictSame([world.relay.calls.length, world.authgear.counters.resolutions], calls, 'Authgear heard of none')
  t.ok(await keysIn(redis) <= before + 5)
  t.equal(await world.who(person), 'alice', 'and who is signed in stays so')
})

t.test('junk codes with good states leave Authgear\'s calls a minute to everybody else', async (t) => {
  const world = await startOwnWorld(t)
  // an Authgear that sees one address for all of us: 120 calls a minute
  world.relay.hideAddresses()
  world.authgear.controls.tokens.limit()
  const statuses = new Set<number>()
  await Promise.all(Array.from({ length: 300 }, async () => statuses.add(await tryJunk(world.person()))))
  t.ok(![...statuses].some((status) => status === 200 || status === 500))
  t.ok(world.relay.calls.length <= 90, `${world.relay.calls.length} calls by 300 junk codes of one address`)
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  t.equal(await world.who(person), 'alice', 'somebody else can sign in meanwhile')
})

t.test('junk codes of one browser keep nobody of its network from signing in', async (t) => {
  const world = await startOwnWorld(t)
  const browser = world.person()
  const statuses: number[] = []
  for (let i = 0; i < 30; i++) statuses.push(await tryJunk(browser, OFFICE))
  t.strictSame(statuses, [...Array(10).fill(400), ...Array(20).fill(503)], 'ten, and then it is refused itself')
  t.ok(world.relay.calls.length <= 10, `${world.relay.calls.length} calls`)
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  t.equal(await world.who(person), 'alice')
  world.clock.advance(60_000)
  t.equal(await tryJunk(browser, OFFICE), 400, 'a minute later it may try again')
})

t.test('junk codes of many browsers keep nobody of their network from signing in', async (t) => {
  const world = await startOwnWorld(t)
  for (let i = 0; i < 10; i++) await tryJunk(world.person(), OFFICE)
  const junk = Array.from({ length: 20 }, () => tryJunk(world.person(), OFFICE))
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  t.equal(await world.who(person), 'alice')
  await Promise.all(junk)
})

t.test('a browser that signed in before waits for no junk of its network', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  for (let i = 0; i < 10; i++) await tryJunk(world.person(), OFFICE)
  const gate = world.relay.holdAnswers()
  const junk = tryJunk(world.person(), OFFICE)
  await gate.arrived(1)
  const back = person.open(`${APP}/_auth/login?rd=${APP}/`, { headers: OFFICE })
  await Promise.race([gate.arrived(2), back]) // its code is at Authgear while the junk is
  gate.release()
  t.equal(last(await back).status, 200)
  await junk
})

t.test('junk codes end nobody\'s refresh', async (t) => {
  const world = await startOwnWorld(t)
  world.relay.hideAddresses()
  world.authgear.controls.tokens.limit()
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  world.clock.advance(200_000)
  const browser = world.person()
  for (let i = 0; i < 150; i++) await tryJunk(browser)
  world.clock.advance(90_000) // in the last fifth of the access token's life
  t.equal(await world.who(person), 'alice')
  world.clock.advance(20_000)
  t.equal(await world.who(person), 'alice', 'it was refreshed')
})

t.test('one browser that signs in again and again keeps no more than one session', async (t) => {
  const redis = await startRedis(t)
  // with SSO Authgear would end the new session with the one that it replaces
  const world = await startOwnWorld(t, { redis, adapter: { LOG_LEVEL: 'error', LOGIN_SSO: 'off' } })
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const first = sessionCookie(person) ?? ''
  for (let i = 0; i < 30; i++) {
    world.clock.advance(10_000)
    await person.open(`${APP}/_auth/login?rd=${APP}/`)
  }
  t.equal(await world.who(person), 'alice')
  const lives = await Promise.all((await redis.cli('KEYS', '*') as string[]).map((key) => redis.cli('PTTL', key)))
  const long = lives.filter((life) => Number(life) > 20 * 60_000)
  t.ok(long.length <= 3, `${long.length} keys stay for longer than a session's end has to be remembered`)
  t.ok(sessionCookie(person) === first || /^401/.test(await world.byCookie(first)), 'the replaced one is over')
  const grants = world.relay.calls.filter(({ form }) => form['grant_type'] === 'authorization_code').length
  const revoked = world.relay.calls.filter(({ path }) => path.startsWith('/oauth2/revoke')).length
  t.ok(grants - revoked <= 2, 'the list of sessions in Authgear\'s settings does not fill up')
})

t.test('headers as long as a server takes are no way to make it wait', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const hops = await person.open(`${APP}/_auth/login?rd=${APP}/${'a'.repeat(6000)}`, { until: isOnTheWayBack })
  t.ok(hops.every(({ status }) => status < 500))
  const cookie = Array.from({ length: 200 }, (_, i) => `c${i}=${'x'.repeat(40)}`).join('; ')
  t.match((await world.verify({ cookie })).status, 401)
})
