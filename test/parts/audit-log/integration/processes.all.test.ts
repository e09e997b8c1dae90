import t, { type Test } from 'tap'
import { auditEnvironment, adminApi } from '../../../helpers/audit.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask, type Answer } from '../../../helpers/request.ts'
import { startProcess, type Service } from '../../../helpers/process.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

/** Milliseconds. */
const POLL = 1000

async function metric ({ managementUrl }: Service, line: string): Promise<number> {
  const text = await (await fetch(`${managementUrl}/metrics`)).text()
  const found = text.split('\n').find((one) => one.startsWith(`forward_auth_audit_${line} `))
  return Number(found?.split(' ').at(-1) ?? 0)
}

const isLeader = async (service: Service): Promise<boolean> => await metric(service, 'leader') === 1
const verify = ({ port }: Service, cookie: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Cookie', `session=${cookie}`]] })
const status = async (service: Service, cookie: string): Promise<number> => (await verify(service, cookie)).status

/** The sign-in is read, the quiet time after it is over, and all of them remember. */
async function remembered (services: readonly Service[], cookie: string): Promise<void> {
  const polls = async (): Promise<number> =>
    (await Promise.all(services.map((service) => metric(service, 'polls_total{outcome="ok"}')))).reduce(
      (all, one) => all + one, 0
    )
  const before = await polls()
  await until('two polls', async () => await polls() >= before + 2)
  for (const service of services) {
    await until('remembered', async () => (await verify(service, cookie)).headers['x-forward-auth-source'] === 'memory')
  }
}

async function leaderOf (services: readonly Service[]): Promise<Service> {
  let leader: Service | undefined
  await until('one of them reads the audit log', async () => {
    for (const service of services) {
      if ((await isLeader(service)) && (await metric(service, 'polls_total{outcome="ok"}')) > 1) leader = service
    }
    return leader !== undefined
  })
  if (leader === undefined) throw new Error('nobody')
  return leader
}

async function startFleet (t: Test) {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t, { adminApi })
  const environment = {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: redis.url,
    CACHE_SECRET: 'a secret of the tests, 32 bytes!',
    CACHE_TTL: '5m',
    REDIS_TIMEOUT: '1s',
    ...auditEnvironment(simulator.url, `${POLL}ms`)
  }
  const services = await Promise.all([1, 2, 3].map(() => startProcess(t, environment)))
  return { simulator, controls: simulator.controls, services }
}

/** Signs in, is known everywhere, signs out; @returns the milliseconds until it is refused on all of these. */
async function signOut (
  { controls }: Awaited<ReturnType<typeof startFleet>>,
  services: readonly Service[]
): Promise<number> {
  const { cookie } = controls.signIn('alice')
  await remembered(services, cookie)
  controls.signOut(cookie)
  const began = performance.now()
  await Promise.all(services.map((service) => until('refused', async () => (await status(service, cookie)) === 401)))
  return Math.round(performance.now() - began)
}

t.test('three processes: a sign-out, the leader killed, the leader frozen in a poll', async (t) => {
  const fleet = await startFleet(t)
  const { services, controls } = fleet
  const first = await leaderOf(services)
  const times: number[] = []
  for (let n = 0; n < 3; n++) times.push(await signOut(fleet, services))
  t.comment(`a sign-out is refused by three processes after ${times.join(', ')} ms, with a poll every ${POLL} ms`)

  const left = services.filter((service) => service !== first)
  const victim = controls.signIn('alice').cookie
  await remembered(services, victim)
  await first.kill()
  const killedAt = performance.now()
  controls.signOut(victim)
  const isRefused = async (service: Service): Promise<boolean> => await status(service, victim) === 401
  await Promise.all(left.map((service) => until('refused', () => isRefused(service))))
  t.comment(
    'the leader was killed, and a session signed out: refused by the others after ' +
    `${Math.round(performance.now() - killedAt)} ms`
  )
  const second = await leaderOf(left)

  const third = left.find((service) => service !== second) ?? first
  const { cookie } = controls.signIn('bob')
  await remembered(left, cookie)
  const gate = controls.audit.hold()
  await gate.arrived(1)
  controls.signOut(cookie)
  const revocations = await metric(second, 'revocations_total{activity="user_signed_out"}')
  process.kill(second.pid, 'SIGSTOP')
  const frozenAt = performance.now()
  await until('the other one leads', () => isLeader(third))
  t.comment(
    'the leader was frozen in the middle of a poll: another one leads after ' +
    `${Math.round(performance.now() - frozenAt)} ms`
  )
  gate.release()
  await until('refused', async () => await status(third, cookie) === 401)
  t.comment(
  `and the session that was signed out meanwhile is refused after ${Math.round(performance.now() - frozenAt)} ms`
  )
  process.kill(second.pid, 'SIGCONT')
  await until('it follows the revocation log again', async () => await status(second, cookie) === 401)
  await until(
    'it knows that it lost the lease',
    async () =>
      (await metric(second, 'polls_total{outcome="lost_lease"}')) +
      (await metric(second, 'polls_total{outcome="error"}')) >
    0
  )
  t.equal(await metric(second, 'revocations_total{activity="user_signed_out"}'), revocations,
    'it revoked nothing when it woke up')
  t.notOk(await isLeader(second))
  t.ok(await isLeader(third))
  for (const service of left) t.notMatch(service.logs(), /BEGIN PRIVATE KEY|Bearer /, 'no secret in its log')
})
