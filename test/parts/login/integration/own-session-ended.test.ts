import t, { type Test } from 'tap'
import { systemClock } from '../../../../src/base/clock.ts'
import { claimsOf } from '../../../../src/base/core/token-expiry.ts'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import type { InProcessOptions } from '../../../helpers/in-process.ts'
import { sumOf } from '../../../helpers/in-process-on-clock.ts'
import { APP, cookieOf, type OwnWorld, startOwnWorld } from '../../../helpers/own-world.ts'
import type { Person } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { demo } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

interface Session { readonly person: Person, readonly cookie: string, readonly sid: string }

const REPLICAS = [0, 1] as const
const uuidOf = ({ sid }: Session): string => Buffer.from(sid, 'base64url').toString().replace('offline_grant:', '')

/** Two replicas that remember for longer than a test takes: nothing but a revocation ends what they know. */
async function startFleet (t: Test, optionsOf: (authgear: string) => Partial<InProcessOptions> = () => ({})) {
  const redis = await startRedis(t)
  // the poll goes by timers: by the machine's own time
  const world = await startOwnWorld(t, {
    simulator: { adminApi, now: systemClock.wall }, adapter: { clock: systemClock }, replicas: 0
  })
  for (const n of REPLICAS) {
    await world.add({
      REDIS_URL: redis.url, CACHE_TTL: '10m', machine: `replica-${n}`, ...optionsOf(world.authgear.url)
    })
  }
  return world
}

async function signedIn (world: OwnWorld, user: string): Promise<Session> {
  const person = await world.signedIn(user)
  const sid = String(claimsOf(world.tokens().idTokens.at(-1) ?? '')?.['sid'])
  return { person, cookie: cookieOf(person, APP), sid }
}

/** `200 memory`, or `401 invalid_session`. */
async function seen (world: OwnWorld, { cookie }: Session, replica: number): Promise<string> {
  const { status, headers } = await world.verify(cookie, {}, replica)
  return `${status} ${String(headers[status === 200 ? 'x-forward-auth-source' : 'x-forward-auth-reason'])}`
}

async function remembered (world: OwnWorld, sessions: readonly Session[]): Promise<void> {
  for (const replica of REPLICAS) {
    for (const session of sessions) {
      await until('it is remembered', async () => await seen(world, session, replica) === '200 memory')
    }
  }
}

/** One of alice's, another one of hers in another browser, and one of bob's. */
async function threeSessions (world: OwnWorld): Promise<readonly [Session, Session, Session]> {
  return [await signedIn(world, 'alice'), await signedIn(world, 'alice'), await signedIn(world, 'bob')]
}

/**
 * It is over on every replica, and another user's is not even asked about again.
 * @param same what the user's other one is
 */
async function overAlone (
  t: Test,
  world: OwnWorld,
  [one, hers, his]: readonly [Session, Session, Session],
  same: RegExp
): Promise<void> {
  for (const replica of REPLICAS) {
    await until('it is over there', async () => await seen(world, one, replica) === '401 invalid_session')
    t.match(await seen(world, hers, replica), same, `the user's other one, at ${replica}`)
    t.equal(await seen(world, his, replica), '200 memory', `another user's, at ${replica}`)
  }
}

/** The value of Authgear's own cookie in that browser. */
const authgearSession = ({ authgear }: OwnWorld, { person }: Session): string =>
  /(?:^|; )session=([^;]+)/.exec(person.cookies(new URL(authgear.url).host))?.[1] ?? ''

const EVENTS: ReadonlyArray<readonly [string, (world: OwnWorld, session: Session) => void]> = [
  ['USER_SESSION_TERMINATED', ({ authgear }, session) => authgear.controls.endGrant(uuidOf(session))],
  ['USER_SIGNED_OUT', (world, session) => world.authgear.controls.signOut(authgearSession(world, session))]
]

for (const [event, end] of EVENTS) {
  t.test(`${event} in the audit log ends exactly one own session, everywhere`, async (t) => {
    const world = await startFleet(t, (authgear) => auditEnvironment(authgear, '250ms'))
    const all = await threeSessions(world)
    // a sign-in is an entry too, of which nothing is remembered for a moment
    const polls = () => sumOf(world.replicas, 'forward_auth_audit_polls_total{outcome="ok"}')
    const before = await polls()
    await until('the sign-ins are read', async () => await polls() >= before + 3)
    await remembered(world, all)
    end(world, all[0])
    // an entry names the user too: what is known of the other one is asked for again
    await overAlone(t, world, all, /^200 /)
  })
}

/** What an operator has of a session: `sid` of an ID token, or the UUID of the Admin API and the audit log. */
const NAMES: ReadonlyArray<readonly [string, (session: Session) => string]> = [
  ['the sid of its ID token', ({ sid }) => sid], ['the UUID in its sid', uuidOf]
]

for (const [what, nameOf] of NAMES) {
  t.test(`POST /revocations with ${what} ends exactly one own session, everywhere`, async (t) => {
    const world = await startFleet(t)
    const all = await threeSessions(world)
    const [one] = all
    await remembered(world, all)
    world.authgear.controls.endGrant(uuidOf(one))
    for (const replica of REPLICAS) t.equal(await seen(world, one, replica), '200 memory', 'nobody knows yet')
    t.equal((await world.revoke({ sid: nameOf(one) })).status, 200)
    t.equal(await seen(world, one, 0), '401 invalid_session', 'at once')
    await overAlone(t, world, all, /^200 memory$/)
  })
}

t.test('POST /revocations with a user_id ends the own sessions that Authgear ended', async (t) => {
  const world = await startFleet(t)
  const all = await threeSessions(world)
  const [one] = all
  await remembered(world, all)
  world.authgear.controls.endGrant(uuidOf(one))
  t.equal((await world.revoke({ user_id: demo.alice.id })).status, 200)
  t.equal(await seen(world, one, 0), '401 invalid_session')
})

t.test('POST /revocations with a sid ends nothing that lives at Authgear', async (t) => {
  const world = await startFleet(t)
  const [one, ...others] = await threeSessions(world)
  await remembered(world, [one, ...others])
  t.equal((await world.revoke({ sid: uuidOf(one) })).status, 200)
  t.equal(await seen(world, one, 0), '200 authgear')
  await remembered(world, [one])
  for (const other of others) t.equal(await seen(world, other, 1), '200 memory')
})

for (const sid of ['', 'x', 'offline_grant:x', Buffer.from('idp_session:x').toString('base64url'), 'a'.repeat(400)]) {
  t.test(`POST /revocations refuses a sid that names no session: ${sid.slice(0, 30)}`, async (t) => {
    const world = await startOwnWorld(t)
    t.equal((await world.revoke({ sid })).status, 400)
  })
}
