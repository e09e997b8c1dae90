import t, { type Test } from 'tap'
import { oneOf, seeded } from '../../../campaign/random.ts'
import type { TokenFailure } from '../../../../deploy/demo/authgear-simulator/server.mjs'
import { APP, sessionCookie, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { redisAt, type InProcess } from '../../../helpers/in-process.ts'
import { startRedis, type RedisServer } from '../../../helpers/redis.ts'
import { startRelay, type Relay } from '../../../helpers/relay.ts'
import { until } from '../../../helpers/until.ts'

/** `OWN_SESSION_SEED=…` for another course of events. */
const SEED = Number(process.env['OWN_SESSION_SEED'] ?? 20_261_128)
/** `OWN_SESSION_PEOPLE=500` for more. */
const PEOPLE = Number(process.env['OWN_SESSION_PEOPLE'] ?? 30)
/** `OWN_SESSION_MS=60`: milliseconds that resolver and token endpoint take. */
const AUTHGEAR_MS = Number(process.env['OWN_SESSION_MS'] ?? 0)
/** None has as many sessions as would end the oldest. */
const SESSIONS_OF_A_USER = 15
const ROUNDS = Number(process.env['OWN_SESSION_ROUNDS'] ?? 40)
/** After so many rounds all may recover. */
const REST = 5
/** Of an access token. */
const LIFE_SECONDS = 5
/** How a person's request may end. */
type Ending = 'in' | 'out' | 'unavailable'

/** What the token endpoint does to the next calls. `lost` is after it has rotated. */
const FAULTS: ReadonlyArray<TokenFailure | 'none'> =
  ['none', 'none', 'error', 'rate-limited', 'redirect', 'reset', 'lost', 'none']
/** What befalls Redis in which round, or one replica's way to it; all is back by the end of it. */
type Misfortune = 'killed' | 'paused' | 'cut off from a replica'
const MISFORTUNES: Readonly<Record<number, Misfortune>> = {
  5: 'cut off from a replica', 10: 'killed', 15: 'cut off from a replica', 20: 'paused', 30: 'killed'
}

interface Session { readonly cookie: string, readonly grant: string }
interface Seen { readonly round: number, readonly session: Session, readonly ending: Ending, readonly calm: boolean }

interface Course {
  readonly world: OwnWorld
  readonly redis: RedisServer
  /** The third replica's way to Redis. */
  readonly link: Relay
  readonly replicas: readonly InProcess[]
  readonly sessions: readonly Session[]
  readonly seen: Seen[]
  /** Why nobody could say, for each 503 of each round. */
  readonly causes: string[][]
  /** What befell each round. */
  readonly events: string[]
}

/** The UUID of a session, which its refresh token begins with. */
const grantOf = (refreshToken: unknown): string => String(refreshToken).split('.')[0] ?? ''

/** People who are signed in and known everywhere. */
async function begin (t: Test, rotation: boolean, redisTimeout = '2s'): Promise<Course> {
  // with an append-only file, as docs/login.md says it for such sessions
  const redis = await startRedis(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const link = await startRelay(t, redis.port)
  const world = await startOwnWorld(t, {
    redis,
    replicas: 2,
    client: { rotation, accessTokenSeconds: LIFE_SECONDS },
    adapter: { CACHE_TTL: '1s', REDIS_TIMEOUT: redisTimeout, leaseMs: 3000 }
  })
  const replicas = [...world.replicas, await world.start({ machine: 'replica-3', ...redisAt(link.port) })]
  const sessions: Session[] = []
  for (let i = 0; i < PEOPLE; i++) {
    const person = world.person(() => replicas[i % 3] ?? fail())
    const name = `person-${Math.floor(i / SESSIONS_OF_A_USER)}`
    if (i % SESSIONS_OF_A_USER === 0) world.authgear.controls.addUser({ id: `00000000-${name}`, name })
    await world.signIn(person, `${APP}/`, name)
    const tokens = world.relay.calls.findLast(({ form }) => form['grant_type'] === 'authorization_code')
    sessions.push({ cookie: sessionCookie(person) ?? fail(), grant: grantOf(tokens?.answer['refresh_token']) })
  }
  const { controls } = world.authgear
  controls.latency = AUTHGEAR_MS
  controls.tokens.slow(AUTHGEAR_MS)
  return { world, redis, link, replicas, sessions, seen: [], causes: [], events: [] }
}

function fail (): never {
  throw new Error('not signed in')
}

const endingOf = (who: string): Ending =>
  /^401/.test(who) ? 'out' : /^5\d\d/.test(who) ? 'unavailable' : 'in'

/** Each of them asks, at the replica that chance gives. */
async function ask (course: Course, round: number, at: (i: number) => number, calm: boolean): Promise<void> {
  const { world, replicas, sessions, seen, causes } = course
  const before = replicas.map(({ lines }) => lines.length)
  await Promise.all(sessions.map(async (session, i) => {
    const once = (): Promise<string> => world.byCookie(session.cookie, APP, replicas[at(i)])
    // a slow machine finds that a connection was closed after it had been idle for long
    const who = await once().catch(once)
    seen.push({ round, session, ending: endingOf(who), calm })
  }))
  const lines = replicas.flatMap(({ lines }, i) => lines.slice(before[i]))
  const unavailable = lines.filter(({ status }) => status === 503)
  causes[round] = [...causes[round] ?? [], ...unavailable.map(causeOf)]
}

/** What a line of the log says of a 503, in a few words. */
function causeOf ({ error }: InProcess['lines'][number]): string {
  const { code = '', message = '' } = (error ?? {}) as Readonly<{ code?: string, message?: string }>
  const [, words = code] = CAUSES.find(([pattern]) => pattern.test(message)) ?? []
  return words
}

const CAUSES: ReadonlyArray<readonly [pattern: RegExp, words: string]> = [
  [/failed repeatedly/, 'breaker open'],
  [/the queue is full/, 'too many wait'],
  [/endpoint answered 307/, '307'],
  [/answered 429/, '429'],
  [/answered 500/, '500'],
  [/did not answer within/, 'time-out'],
  [/is unreachable: check/, 'hung up'],
  [/sessions in Redis/, 'Redis away'],
  [/may have replaced/, 'doubted']
]

/** Of these Authgear did all, and hung up: Authgear says so, whenever it was. */
const lostOf = ({ world }: Course): ReadonlySet<string> => new Set(world.authgear.controls.tokens.lost.map(grantOf))

/** Whom Authgear told for good that their session is over. */
function ended ({ world }: Course): ReadonlySet<string> {
  const over = new Set<string>()
  for (const { form, answer, status } of world.relay.calls) {
    if (form['grant_type'] !== 'refresh_token') continue
    const grant = grantOf(form['refresh_token'])
    if (answer['error'] === 'invalid_grant') over.add(grant)
    else if (status === 200) over.delete(grant) // a replica that was cut off had sent an older token
  }
  return over
}

async function misfortune ({ redis, link }: Course, which: Misfortune | 'none'): Promise<() => Promise<void>> {
  switch (which) {
    case 'killed': {
      await redis.stop()
      return () => redis.restart()
    }
    case 'paused': {
      redis.pause()
      return async () => redis.resume()
    }
    case 'cut off from a replica': {
      link.to(undefined)
      return async () => link.to(redis.port)
    }
    case 'none': return async () => {}
  }
}

/** Connections and breakers come back in their own time, a session's pause after trouble by the clock of the test. */
async function recovered ({ world, replicas }: Course, which: readonly Session[]): Promise<void> {
  for (const replica of replicas) {
    await until('it is back', async () => {
      const answers = await Promise.all(which.map(({ cookie }) => world.byCookie(cookie, APP, replica)))
      if (answers.every((who) => endingOf(who) !== 'unavailable')) return true
      world.clock.advance(1001)
      return false
    })
  }
}

/** Whose session no lost answer has ended: of such a one nobody can say for a minute. */
function living (course: Course): readonly Session[] {
  const lost = lostOf(course)
  return course.sessions.filter(({ grant }) => !lost.has(grant))
}

/** Some rounds of trouble, seeded; then rest, in which all that was broken mends. */
async function run (course: Course): Promise<void> {
  const { world } = course
  const pick = seeded(SEED)
  for (const replica of [0, 1, 2]) await ask(course, 0, () => replica, false)
  for (let round = 1; round <= ROUNDS; round++) {
    world.clock.advance(500 + pick(2500))
    const fault = oneOf(pick, FAULTS)
    if (fault !== 'none') world.authgear.controls.tokens.fail(fault, 1 + pick(PEOPLE))
    const which = MISFORTUNES[round] ?? 'none'
    course.events[round] = `tokens ${fault}, Redis ${which}`
    const mend = await misfortune(course, which)
    await ask(course, round, () => pick(3), false)
    world.authgear.controls.tokens.recover()
    await mend()
    if (which !== 'none' || round % REST === 0) await recovered(course, living(course).slice(0, 1))
  }
  await recovered(course, course.sessions)
  for (let round = ROUNDS + 1; round <= ROUNDS + 3; round++) {
    for (const replica of [0, 1, 2]) await ask(course, round, () => replica, true)
    world.clock.advance(LIFE_SECONDS * 1000)
  }
}

/** How each round went. */
const story = ({ seen, events, causes }: Course): readonly string[] =>
  [...new Set(seen.map(({ round }) => round))].map((round) => {
    const all = seen.filter((one) => one.round === round)
    const count = (ending: Ending): number => all.filter((one) => one.ending === ending).length
    const why = Object.entries(counted(causes[round] ?? [])).map(([cause, times]) => `${times} ${cause}`)
    return `round ${round}: ${events[round] ?? 'peace'}: ${count('in')} in, ${count('out')} out, ` +
      `${count('unavailable')} unavailable${why.length > 0 ? ` (${why.join(', ')})` : ''}`
  })

function counted (all: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(all)].map((one) => [one, all.filter((other) => other === one).length]))
}

/** All calls about one session: which token was sent, and what came of it. */
function historyOf ({ world }: Course, grant: string): string {
  const calls = world.relay.calls.filter(({ form }) => grantOf(form['refresh_token']) === grant)
  const end = (token: unknown): string => String(token).slice(-4)
  return calls.map(({ form, status, answer, isLost }) => {
    const brought = answer['error'] ?? end(answer['refresh_token'])
    return `${end(form['refresh_token'])}: ${isLost ? 'hung up' : `${status} ${brought}`}`
  }).join(', ')
}

for (const rotation of [false, true]) {
  t.test(`nobody is logged out but by Authgear, with rotation ${rotation ? 'on' : 'off'}`, async (t) => {
    const course = await begin(t, rotation)
    await run(course)
    const over = ended(course)
    const out = course.seen.filter(({ ending }) => ending === 'out')
    const wrongly = out.filter(({ session }) => !over.has(session.grant))
    t.strictSame(wrongly.map(({ round, session }) => `round ${round}: ${session.grant}`), [], 'each 401 is Authgear\'s')
    const lost = lostOf(course)
    const unexplainedEnds = [...over].filter((grant) => !lost.has(grant))
    t.strictSame(unexplainedEnds, [], 'and each of those is a lost answer')
    if (!rotation) t.equal(over.size, 0, 'without rotation nothing is lost')
    for (const grant of unexplainedEnds) t.comment(historyOf(course, grant))
    const unexplained = course.causes.flat().filter((cause) => !CAUSES.some(([, words]) => words === cause))
    t.strictSame(unexplained, [], 'each 503 has a cause that was made')
    const waiting = course.seen.filter(({ calm, ending }) => calm && ending === 'unavailable')
    t.strictSame(waiting, [], 'once all is well again nobody waits')
    const inside = course.seen.filter(({ calm, ending }) => calm && ending === 'in')
    t.ok(new Set(inside.map(({ session }) => session)).size >= PEOPLE - over.size)
    for (const line of story(course)) t.comment(line)
    t.comment(`seed ${SEED}: ${course.seen.length} answers, ${over.size} ended, ${course.world.relay.calls.length} calls`)
  })
}

t.test('in peace one call a session and life, at whichever replica people are', async (t) => {
  const course = await begin(t, false, '5s') // nothing is away: who is slow is the machine
  const { world } = course
  const pick = seeded(SEED)
  for (const replica of [0, 1, 2]) await ask(course, 0, () => replica, true)
  const before = world.relay.calls.length
  const seconds = 60
  for (let second = 0; second < seconds; second++) {
    world.clock.advance(1000)
    await ask(course, second, () => pick(3), true)
  }
  t.ok(course.seen.every(({ ending }) => ending === 'in'), 'nobody ever waits')
  t.strictSame(counted(course.causes.flat()), {})
  const calls = world.relay.calls.slice(before)
  t.ok(calls.every(({ status }) => status === 200))
  // a token is replaced in the second half of its life, and no token twice
  const lives = PEOPLE * seconds / (LIFE_SECONDS * 0.675)
  t.ok(calls.length <= 1.1 * lives, `${calls.length} calls for ${lives} lives`)
})
