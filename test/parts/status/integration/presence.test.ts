import t, { type Test } from 'tap'
import type { Replica } from '../../../../src/base/parts/given.ts'
import { startInProcess, type InProcess } from '../../../helpers/in-process.ts'
import { metricOf, verify } from '../../../helpers/in-process-on-clock.ts'
import { managementOf } from '../../../helpers/management.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

/** What a replica says of the others. */
function othersBy (t: Pick<Test, 'teardown'>, { service }: InProcess): () => Promise<readonly Replica[]> {
  const management = managementOf(t, service)
  return async () => (await management.inject({ url: '/status.json', headers: { host: 'localhost' } })).json().others
}

const seenBy = (adapter: InProcess): Promise<number> => metricOf(adapter, 'forward_auth_replicas_seen')

t.test('replicas that follow one log know each other', async (t) => {
  const [simulator, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const states: Record<string, Replica['state']> = { a: 'serving', b: 'draining' }
  const start = (name: string): Promise<InProcess> =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, machine: `replica-${name}`, state: () => states[name] ?? 'starting'
    })
  const [a, b] = await Promise.all([start('a'), start('b')])
  const others = othersBy(t, a)
  simulator.controls.fail('error')
  for (let n = 0; b.service.authgearState() === 'ok' && n < 50; n++) await verify(b, `cold-${n}`)
  await until('both see two', async () => (await Promise.all([a, b].map(seenBy))).every((count) => count === 2))
  const names = await redis.cli('KEYS', '*:replicas') as string[]
  t.equal(names.length, 1)
  await until('it is told', async () => (await others())[0]?.authgear === 'failing')
  t.strictSame(await others(), [{ name: 'replica-b', state: 'draining', authgear: 'failing' }])

  await t.test('what a stranger writes there costs the number, and nothing else', async (t) => {
    await redis.cli('SET', names[0] ?? '', 'x')
    await until('it cannot be told', async () => await seenBy(a) === 0)
    t.equal(a.service.redisState(), 'up')
    await redis.cli('DEL', names[0] ?? '')
    await until('it is told again', async () => await seenBy(a) === 2)
    t.equal(a.lines.filter(({ operation }) => operation === 'announce').length, 1, 'said once in the log')
  })

  await t.test('without Redis nobody is known', async (t) => {
    await redis.stop()
    await until('it is noticed', async () => await seenBy(a) === 0)
    t.equal(a.service.redisState(), 'down')
  })
})

t.test('without Redis there is no such number', async (t) => {
  const simulator = await startSimulator(t)
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  t.notMatch(await service.metrics.render(), /replicas_seen/)
})
