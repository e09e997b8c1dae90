import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../../../helpers/in-process.ts'
import { metricOf, sourceOf, sumOf, verify } from '../../../helpers/in-process-on-clock.ts'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask, type Answer } from '../../../helpers/request.ts'
import { runs } from '../../../helpers/runs.ts'
import { startSimulator, type RunningSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

/** Milliseconds; nothing here depends on it but the figures. */
const POLL = 250

const byCookie = ({ port }: InProcess, cookie: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Cookie', `session=${cookie}`]] })
const isLeader = async (replica: InProcess): Promise<boolean> =>
  (await metricOf(replica, 'forward_auth_audit_leader')) === 1
const polls = (replica: InProcess, outcome = 'ok'): Promise<number> =>
  metricOf(replica, `forward_auth_audit_polls_total{outcome="${outcome}"}`)

/** The poll under way has no outcome yet, and the first one of all asks for the newest entry beside. */
const UNCOUNTED = 2
const OUTCOMES = ['ok', 'pending', 'error', 'lost_lease']

async function pollsOf (replicas: readonly InProcess[], ...outcomes: readonly string[]): Promise<number> {
  const names = (outcomes.length > 0 ? outcomes : OUTCOMES).map((outcome) =>
    `forward_auth_audit_polls_total{outcome="${outcome}"}`)
  const counts = await Promise.all(names.map((name) => sumOf(replicas, name)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** How often a replica began to lead: under load a lease is lost, and a poll ends with it. */
function termsOf (replicas: readonly InProcess[]): number {
  return replicas.flatMap(({ lines }) => lines).filter(({ msg }) => msg === 'this replica reads the audit log').length
}

async function follow (
  t: Test,
  simulator: RunningSimulator,
  count: number,
  options: Partial<InProcessOptions> = {}
): Promise<readonly InProcess[]> {
  const replicas = await Promise.all(
    Array.from({ length: count }, () =>
      startInProcess(t, {
        AUTHGEAR_ENDPOINT: simulator.url, ...auditEnvironment(simulator.url, `${POLL}ms`), CACHE_TTL: '5m', ...options
      })
    )
  )
  await until('one of them reads the audit log', async () =>
    (await Promise.all(replicas.map((replica) => polls(replica)))).some((ok) => ok > 1)
  )
  await until('all follow the revocation log', () => replicas.every(({ service }) => service.redisState() !== 'down'))
  return replicas
}

async function startFleet (t: Test, count = 3) {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t, { adminApi })
  const replicas = await follow(t, simulator, count, { REDIS_URL: redis.url })
  return { redis, simulator, replicas, controls: simulator.controls }
}

/** What is written so far is read, the quiet time after it is over, and all of them remember. */
async function remembered (
  replicas: readonly InProcess[],
  asks: ReadonlyArray<(replica: InProcess) => Promise<Answer>>
): Promise<void> {
  const before = await sumOf(replicas, 'forward_auth_audit_polls_total{outcome="ok"}')
  await until(
    'two polls', async () => (await sumOf(replicas, 'forward_auth_audit_polls_total{outcome="ok"}')) >= before + 2
  )
  for (const replica of replicas) {
    for (const asked of asks) await until('remembered', async () => sourceOf(await asked(replica)) === '200 memory')
  }
}

/** How long it takes until all of them answer so, asked about every 10 ms. */
async function timeUntil (
  what: string,
  replicas: readonly InProcess[],
  holds: (replica: InProcess) => Promise<boolean>
): Promise<number> {
  const began = performance.now()
  await Promise.all(replicas.map((replica) => until(what, () => holds(replica))))
  return performance.now() - began
}

function linesOf (replicas: readonly InProcess[], pattern: RegExp): readonly unknown[] {
  return replicas.flatMap(({ lines }) => lines.filter(({ msg }) => typeof msg === 'string' && pattern.test(msg)))
}

function tell (t: Test, what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  t.comment(
    `${what}: median ${Math.round(sorted[sorted.length >> 1] ?? NaN)} ms, longest ` +
      `${Math.round(sorted.at(-1) ?? NaN)} ms, of ${times.length}; a poll every ${POLL} ms`
  )
}

t.test('on three replicas', async (t) => {
  const { replicas, controls, simulator, redis } = await startFleet(t)

  t.test('one of them reads', async (t) => {
    const before = await pollsOf(replicas, 'ok')
    await until('four polls', async () => await pollsOf(replicas, 'ok') >= before + 4)
    const leaders = (await Promise.all(replicas.map(isLeader))).filter(Boolean).length
    t.ok(leaders <= 1, 'never two')
    await until('one leads', async () => (await Promise.all(replicas.map(isLeader))).includes(true))
    const [queries, polls] = [simulator.controls.audit.queries, await pollsOf(replicas)]
    t.ok(queries <= polls + UNCOUNTED + termsOf(replicas), `one query a poll: ${queries} queries, ${polls} polls`)
  })

  t.test('all replicas refuse the browser that signed out and accept the other one', async (t) => {
    const times: number[] = []
    for (let n = 0; n < runs(2, 6); n++) {
      const [mine, other] = [controls.signIn('alice'), controls.signIn('alice')]
      await remembered(replicas, [mine, other].map(({ cookie }) => (replica) => byCookie(replica, cookie)))
      controls.signOut(mine.cookie)
      times.push(
        await timeUntil('refused', replicas, async (replica) => (await byCookie(replica, mine.cookie)).status === 401)
      )
      for (const replica of replicas) t.equal((await byCookie(replica, other.cookie)).status, 200)
    }
    tell(t, 'sign-out', times)
  })

  t.test('a role that was taken is missed on all of them, one that was given counts', async (t) => {
    const times: number[] = []
    for (let n = 0; n < runs(2, 6); n++) {
      const { accessToken } = controls.signIn('bob')
      controls.setRoles('bob', ['editor'])
      await timeUntil(
        'given', replicas, async (replica) => (await verify(replica, accessToken, '?role=editor')).status === 200
      )
      await remembered(replicas, [(replica) => verify(replica, accessToken, '?role=editor')])
      controls.setRoles('bob', [])
      times.push(
        await timeUntil(
          'taken', replicas, async (replica) => (await verify(replica, accessToken, '?role=editor')).status === 403
        )
      )
    }
    tell(t, 'role taken', times)
  })

  t.test('an entry that is visible three seconds late is read', async (t) => {
    const { cookie } = controls.signIn('alice')
    await remembered(replicas, [(replica) => byCookie(replica, cookie)])
    controls.audit.late(3000)
    controls.signOut(cookie)
    controls.audit.late(0)
    controls.signIn('bob')
    t.comment(
      'late by 3 s: refused after ' +
        `${Math.round(await timeUntil('refused', replicas, async (replica) => (await byCookie(replica, cookie)).status === 401))} ms`
    )
  })

  t.test('a thousand sign-outs in one second are all refused', async (t) => {
    const cookies = Array.from({ length: 1000 }, (_, index) => `session-${index}.secret`)
    cookies.forEach((cookie, index) => {
      controls.addUser({ id: `person ${index}`, name: `person ${index}`, sessions: [{ cookie }] })
    })
    const some = cookies.filter((_, index) => index % 200 === 0)
    await remembered(replicas, some.map((cookie) => (replica) => byCookie(replica, cookie)))
    for (const cookie of cookies) controls.signOut(cookie)
    const took = await timeUntil('refused', replicas, async (replica) =>
      (await Promise.all(some.map((cookie) => byCookie(replica, cookie)))).every(({ status }) => status === 401)
    )
    t.comment(
      `1,000 sign-outs at once: refused on three replicas after ${Math.round(took)} ms; ` +
        `${await sumOf(replicas, 'forward_auth_audit_revocations_total{activity="overflow"}')} times everything`
    )
  })

  t.test('one that is closed makes room at once', async (t) => {
    const leaders = await Promise.all(replicas.map(isLeader))
    const [leader, others] = [replicas[leaders.indexOf(true)], replicas.filter((_, index) => leaders[index] !== true)]
    await leader?.close()
    const took = await timeUntil('another reads', others, async () =>
      (await Promise.all(others.map(isLeader))).includes(true)
    )
    t.comment(`taken over after ${Math.round(took)} ms`)
    t.match(await redis.cli('KEYS', '*audit-lease'), [/^test:\{log:.*\}:audit-lease$/])
  })
})

t.test('the audit database is lost, and comes back', async (t) => {
  const { redis, replicas, controls } = await startFleet(t, 2)
  const [alice, bob] = [controls.signIn('alice'), controls.signIn('bob')]
  await remembered(replicas, [alice, bob].map(({ cookie }) => (replica) => byCookie(replica, cookie)))
  const toldBefore = replicas.map((replica) => linesOf([replica], /audit log cannot be read/).length)
  controls.audit.fail('unavailable')
  await until(
    'it fails', async () => (await sumOf(replicas, 'forward_auth_audit_errors_total{kind="log_unavailable"}')) > 1
  )
  // a poll that a slow machine failed had its gap: within ten minutes a second one would void nothing
  await redis.cli('DEL', ...await redis.cli('KEYS', '*audit-gap') as string[], 'none')
  const count = (line: string): Promise<number> => sumOf(replicas, line)
  const [gaps, voided] = ['gaps_total{outcome="everything"}', 'revocations_total{activity="gap"}']
    .map((name) => `forward_auth_audit_${name}`) as [string, string]
  const told = (): number => linesOf(replicas, /audit log entries may have been missed/).length
  const before = [await count(gaps), await count(voided), told()]
  controls.audit.lose(1)
  controls.signOut(alice.cookie)
  for (const replica of replicas) t.equal((await byCookie(replica, alice.cookie)).status, 200, 'nobody knows')
  for (const replica of replicas) {
    t.equal(sourceOf(await byCookie(replica, bob.cookie)), '200 memory', 'and nobody is logged out')
  }
  controls.audit.recover()
  t.comment(
    'lost for good: refused ' +
      `${Math.round(await timeUntil('refused', replicas, async (replica) => (await byCookie(replica, alice.cookie)).status === 401))} ms after the database was back`
  )
  t.strictSame([await count(gaps), await count(voided), told()], before.map((one) => one + 1), 'once')
  await until('it is told', () =>
    replicas.some(({ lines }) => lines.some(({ msg }) => msg === 'the audit log is read again'))
  )
  for (const [index, replica] of replicas.entries()) {
    const [failed, again] = [linesOf([replica], /audit log cannot be read/), linesOf([replica], /log is read again/)]
    t.ok(failed.length <= (toldBefore[index] ?? 0) + 1 && again.length <= failed.length, 'a replica tells it once')
  }
  for (const replica of replicas) t.equal((await byCookie(replica, bob.cookie)).status, 200)
})

t.test('Redis frozen beyond the overlap: nobody is void', async (t) => {
  const { redis, replicas, controls } = await startFleet(t, 2)
  const [alice, bob] = [controls.signIn('alice'), controls.signIn('bob')]
  await remembered(replicas, [alice, bob].map(({ cookie }) => (replica) => byCookie(replica, cookie)))
  redis.pause()
  const behind = (): Promise<readonly number[]> =>
    Promise.all(replicas.map((replica) => metricOf(replica, 'forward_auth_audit_behind_seconds')))
  await until('nobody has read for 12 s', async () => Math.min(...await behind()) > 12)
  controls.signOut(alice.cookie)
  redis.resume()
  await timeUntil('refused', replicas, async (replica) => (await byCookie(replica, alice.cookie)).status === 401)
  const gaps = (outcome: string): Promise<number> =>
    sumOf(replicas, `forward_auth_audit_gaps_total{outcome="${outcome}"}`)
  await until('it is told', async () => await gaps('redis') + await gaps('everything') > 0)
  t.same([await gaps('redis'), await gaps('everything')], [1, 0])
  t.equal(linesOf(replicas, /Redis did not answer in time, so that no replica could read/).length, 1)
})

t.test('without Redis one replica follows; a query that hangs ends, not repeated at once', async (t) => {
  const simulator = await startSimulator(t, { adminApi })
  const [alone] = await follow(t, simulator, 1, { queryMs: 2000 })
  if (alone === undefined) throw new Error('one')
  const { cookie } = simulator.controls.signIn('alice')
  await remembered([alone], [(replica) => byCookie(replica, cookie)])
  simulator.controls.signOut(cookie)
  await until('refused', async () => (await byCookie(alone, cookie)).status === 401)
  simulator.controls.audit.fail('hang')
  const queries = simulator.controls.audit.queries
  await until(
    'it is given up', async () => (await metricOf(alone, 'forward_auth_audit_errors_total{kind="timeout"}')) === 1
  )
  t.equal(simulator.controls.audit.queries - queries, 1, 'one at a time')
  t.ok(await isLeader(alone), 'its lease goes on')
  t.ok(await metricOf(alone, 'forward_auth_audit_behind_seconds') > 1)
})

/** Stands still after every few turns of its event loop, as a process does on a machine that has too much to do. */
function standStill (t: Test, ms: number): void {
  let isOver = false
  t.teardown(() => { isOver = true })
  const turn = (count: number): void => {
    if (count % 4 === 0) for (const until = performance.now() + ms; performance.now() < until;);
    if (!isOver) setImmediate(turn, count + 1)
  }
  turn(1)
}

t.test('a machine that stands still for two polls reads on', async (t) => {
  const { replicas } = await startFleet(t, 2)
  standStill(t, 2 * POLL)
  const before = await pollsOf(replicas, 'ok')
  await until('four polls', async () => await pollsOf(replicas, 'ok') >= before + 4)
  t.pass('its lease outlives that')
})

t.test('Redis lost: nobody reads; back: one does', async (t) => {
  const { redis, replicas, controls } = await startFleet(t, 2)
  await redis.stop()
  await until('nobody leads', async () => !(await Promise.all(replicas.map(isLeader))).includes(true))
  t.ok(await sumOf(replicas, 'forward_auth_audit_errors_total{kind="redis"}') > 0)
  await redis.restart()
  await until('one leads', async () => (await Promise.all(replicas.map(isLeader))).includes(true))
  await until('all follow', () => replicas.every(({ service }) => service.redisState() === 'up'))
  const { cookie } = controls.signIn('alice')
  await remembered(replicas, [(replica) => byCookie(replica, cookie)])
  controls.signOut(cookie)
  await timeUntil('refused', replicas, async (replica) => (await byCookie(replica, cookie)).status === 401)
})

t.test('where the audit log is not followed there are no metrics of it', async (t) => {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  t.notMatch(await adapter.service.metrics.render(), /forward_auth_audit/)
})
