import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { startInProcess, type InProcess } from '../helpers/in-process.ts'
import { user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const TOKEN = 'T'.padEnd(32, '0')
const DEGRADED_TTL_MS = 2000
/** What docs/revocation.md promises, and some looks of a busy machine. */
const BOUND_MS = 3000 + DEGRADED_TTL_MS + 500

const verify = async ({ port }: InProcess): Promise<number> =>
  (await ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${TOKEN}`]] })).status

t.test('a silent partition ends at the promised bound', async (t) => {
  const master = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
  const link = await startBadNetwork(t, master.port)
  const copy = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(link.port)] })
  const isLinked = async (): Promise<boolean> => JSON.stringify(await copy.cli('ROLE')).includes('"connected"')
  await until('it has a replica', isLinked)
  const simulator = await startSimulator(t)
  simulator.controls.addUser({ id: 'alice', name: 'alice', sessions: [{ accessTokens: [TOKEN] }] })
  const open = (redisPort: number) =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      CACHE_TTL: '2m',
      CACHE_DEGRADED_TTL: `${DEGRADED_TTL_MS}ms`
    })
  const left = await open(master.port)
  await until('it follows', () => left.service.redisState() === 'up')
  t.equal(await verify(left), 200)
  link.become({ kind: 'half-open' })
  await copy.cli('REPLICAOF', 'NO', 'ONE')
  const other = await open(copy.port)
  await until('the other follows', () => other.service.redisState() === 'up')
  simulator.controls.disable('alice')
  const began = performance.now()
  t.equal(await other.service.revocations?.revocations.revoke(user('alice')), 'logged')
  t.equal(await verify(other), 401)
  let lastAccepted = began
  while (performance.now() - began < 2 * BOUND_MS) {
    if (await verify(left) === 200) lastAccepted = performance.now()
    await sleep(20)
  }
  const acceptedMs = Math.round(lastAccepted - began)
  t.comment(`accepted for ${acceptedMs} ms after the purge`)
  t.ok(acceptedMs < BOUND_MS, `${acceptedMs} ms`)
  t.equal(await verify(left), 401)
})
