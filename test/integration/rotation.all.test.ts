import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type InProcess, type InProcessOptions, SECRET as OLD, startInProcess } from '../helpers/in-process.ts'
import { managementOf } from '../helpers/management.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { type RunningSimulator, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const NEW = 'the secret after the rotation, 32 bytes or more'
const TOKEN = 'a management token of the tests'
/** People who stay signed in while others come and go. */
const STAYING = 60
/** Twenty sign-outs a second. */
const ROUND_MS = 50
const ROUNDS_OF_A_PHASE = 30
/** Looks at one replica until a sign-out is read there: one or two, and more where this machine stands still. */
const MAX_LOOKS = 100
const LOOK_INTERVAL_MS = 20
/** In place of a minute. */
const SECRET_CHECK_MS = 1000

type Replica = InProcess & Readonly<{ revoke: (what: object) => Promise<number> }>

/** Three replicas on one Redis, people who stay, and people who sign in and out again, twenty a second. */
function createWorld (t: Test, simulator: RunningSimulator, redisPort: number) {
  const replicas: Replica[] = []
  const counts = { unavailable: 0, wrong: 0, refused: 0, unrevoked: 0, rounds: 0, looks: 0 }
  let people = 0

  function signIn (): string {
    const name = `person-${people++}`
    const cookie = `${name}.${'s'.repeat(32)}`
    simulator.controls.addUser({ id: name, name, sessions: [{ cookie }] })
    return cookie
  }

  async function look (replica: Replica | undefined, cookie: string): Promise<number> {
    const { status, headers } = await ask(replica?.port ?? 0, {
      path: '/verify', headers: [['Cookie', `session=${cookie}`]]
    })
    if (status === 503) counts.unavailable++
    if (status === 200 && headers['x-authgear-user-id'] !== cookie.split('.')[0]) counts.wrong++
    return status
  }

  async function isRefused (replica: Replica, cookie: string): Promise<boolean> {
    for (let looks = 1; looks <= MAX_LOOKS; looks++) {
      if (await look(replica, cookie) === 401) {
        counts.looks = Math.max(counts.looks, looks)
        return true
      }
      await sleep(LOOK_INTERVAL_MS)
    }
    return false
  }

  /** Somebody signs in, is known to all, and signs out; somebody who stays is known to all. */
  async function round (staying: readonly string[]): Promise<void> {
    const index = counts.rounds++
    const all = [...replicas]
    const cookie = signIn()
    const lasting = staying[index % staying.length] ?? ''
    const statuses = await Promise.all(all.flatMap((replica) => [look(replica, cookie), look(replica, lasting)]))
    counts.refused += statuses.filter((status) => status === 401).length
    await signOut(cookie, index)
  }

  /** Tells one replica, by turns of the session or of the user; none accepts the session from then on. */
  async function signOut (cookie: string, index: number): Promise<void> {
    const all = [...replicas]
    simulator.controls.signOut(cookie)
    const what = index % 2 === 0 ? { cookie: `session=${cookie}` } : { user_id: cookie.split('.')[0] }
    // told again as an app does it: on a busy machine the second for its confirmation may be over first
    await until('it is logged', async () => await all[index % all.length]?.revoke(what) === 200)
    const refusals = await Promise.all(all.map((replica) => isRefused(replica, cookie)))
    counts.unrevoked += refusals.filter((isRefused) => !isRefused).length
  }

  /** @returns resolutions a round */
  async function rounds (number: number, staying: readonly string[]): Promise<number> {
    const before = simulator.counters.resolutions
    const running: Array<Promise<void>> = []
    for (let index = 0; index < number; index++) {
      running.push(round(staying))
      await sleep(ROUND_MS)
    }
    await Promise.all(running)
    return (simulator.counters.resolutions - before) / number
  }

  async function start (options: Partial<InProcessOptions>): Promise<Replica> {
    const replica = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      MANAGEMENT_TOKEN: TOKEN,
      CACHE_TTL: '10m',
      secretCheckMs: SECRET_CHECK_MS,
      ...options
    })
    const management = managementOf(t, replica.service)
    await until('it follows', () => replica.service.redisState() === 'up')
    return Object.freeze({
      ...replica,
      revoke: async (what: object) => (await management.inject({
        method: 'POST',
        url: '/revocations',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        payload: JSON.stringify(what)
      })).statusCode
    })
  }

  /**
   * One replica after the other, as a rollout does it; `mixed` is called while both kinds run.
   * @returns resolutions a round, of each step
   */
  async function rollOut (
    options: Partial<InProcessOptions>,
    staying: readonly string[],
    mixed: () => void = () => {}
  ): Promise<number[]> {
    const costs: number[] = []
    for (const index of [0, 1, 2]) {
      const old = replicas.splice(index, 1)[0]
      await old?.close()
      replicas.splice(index, 0, await start(options))
      costs.push(await rounds(ROUNDS_OF_A_PHASE, staying))
      if (index < 2) mixed()
    }
    return costs
  }

  /** All know them. */
  async function stay (): Promise<readonly string[]> {
    const staying = Array.from({ length: STAYING }, signIn)
    for (const cookie of staying) await Promise.all(replicas.map((replica) => look(replica, cookie)))
    return staying
  }

  return { replicas, counts, rounds, start, rollOut, stay, signOut }
}

const isRotated = ({ lines }: Replica): boolean =>
  lines.some(({ msg }) => String(msg).startsWith('all replicas now use the new CACHE_SECRET'))

t.test('CACHE_SECRET is rotated under sign-outs: no 503, no cold cache', async (t) => {
  const [redis, simulator] = await Promise.all([startRedis(t), startSimulator(t)])
  simulator.controls.latency = 200
  const world = createWorld(t, simulator, redis.port)
  const { replicas, counts, rounds, rollOut, stay, signOut } = world
  for (let index = 0; index < 3; index++) replicas.push(await world.start({ CACHE_SECRET: OLD }))
  const before = await stay()
  const steady = await rounds(ROUNDS_OF_A_PHASE, before)
  const both = await rollOut({ CACHE_SECRET: NEW, CACHE_SECRET_PREVIOUS: OLD }, before, () => {
    t.notOk(replicas.some(isRotated), 'written under the old one while a replica is left that has it alone')
  })
  const changing: number[] = []
  while (!replicas.every(isRotated)) changing.push(await rounds(ROUNDS_OF_A_PHASE / 3, before))
  const written = await rounds(ROUNDS_OF_A_PHASE, before)
  // whose entries were sealed under the old one, and whose revocations are not
  await Promise.all(before.slice(0, 20).map(signOut))
  // as when the retention has passed: nobody is left whose entry was sealed under the old one
  const after = await stay()
  const alone = await rollOut({ CACHE_SECRET: NEW }, after)
  t.comment(JSON.stringify({ steady, both, changing, written, alone, ...counts }))
  t.match(counts, { unavailable: 0, wrong: 0, refused: 0, unrevoked: 0 })
  for (const cost of [...both, ...changing, written, ...alone]) {
    t.ok(cost <= 1.2 * steady, `${cost} resolutions a round, ${steady} before`)
  }
})
