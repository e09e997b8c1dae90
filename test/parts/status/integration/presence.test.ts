import t, { type Test } from 'tap'
import type { Replica } from '../../../../src/base/parts/places.ts'
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

t.test('each replica counts those that follow the log with it', async (t) => {
  const [simulator, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const states: Record<string, Replica['state']> = { a: 'serving', b: 'serving', c: 'serving' }
  const start = (name: string): Promise<InProcess> =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, machine: `replica-${name}`, state: () => states[name] ?? 'starting'
    })
  const [a, b, c] = await Promise.all([start('a'), start('b'), start('c')])
  const others = othersBy(t, a)
  await until('all see three', async () => (await Promise.all([a, b, c].map(seenBy))).every((count) => count === 3))
  const names = await redis.cli('KEYS', '*:replicas') as string[]
  t.equal(names.length, 1)
  t.ok(Number(await redis.cli('XLEN', names[0] ?? '')) < 20, 'a short list')

  await t.test('each knows the others by name, with their state', async (t) => {
    states['b'] = 'draining'
    await until('it is told', async () => (await others())[0]?.state === 'draining')
    t.strictSame(await others(), [
      { name: 'replica-b', state: 'draining', authgear: 'ok' },
      { name: 'replica-c', state: 'serving', authgear: 'ok' }
    ])
    simulator.controls.fail('error')
    for (let n = 0; c.service.authgearState() === 'ok' && n < 50; n++) await verify(c, `cold-${n}`)
    const isFailing = async (): Promise<boolean> => (await others())[1]?.authgear === 'failing'
    await until('and that one does not ask Authgear', isFailing)
    simulator.controls.recover()
  })

  await t.test('of many only fifty are read back, and all are counted', async () => {
    const strangers = Array.from({ length: 70 }, (_, n) => `00-${String(n).padStart(2, '0')}`)
    await Promise.all(strangers.map((id) =>
      redis.cli('XADD', names[0] ?? '', '*', 'name', id, 'says', `serving ok ${id}`)))
    await until('they are counted', async () => await seenBy(a) === 73)
    await until('fifty are shown', async () => (await others()).length === 50)
    await until('and are gone after seconds', async () => await seenBy(a) === 3)
  })

  await t.test('one that ends is gone after seconds', async (t) => {
    await c.close()
    await until('two are left', async () => (await Promise.all([a, b].map(seenBy))).every((count) => count === 2))
    t.equal(await seenBy(c), 0, 'who does not follow knows nobody')
  })

  await t.test('without Redis nobody is known, and nothing else changes', async (t) => {
    await redis.stop()
    await until('it is noticed', async () => await seenBy(a) === 0)
    t.equal(a.service.redisState(), 'down')
    await redis.restart()
    await until('both are there again', async () => await seenBy(a) === 2)
  })

  await t.test('what a stranger writes there costs the number, and nothing else', async (t) => {
    await redis.cli('DEL', names[0] ?? '')
    await redis.cli('SET', names[0] ?? '', 'x')
    await until('it cannot be told', async () => await seenBy(a) === 0)
    t.equal(a.service.redisState(), 'up')
    await redis.cli('DEL', names[0] ?? '')
    await until('it is told again', async () => await seenBy(a) === 2)
    t.equal(a.lines.filter(({ operation }) => operation === 'announce').length, 1, 'said once in the log')
  })
})

t.test('without Redis there is no such number', async (t) => {
  const simulator = await startSimulator(t)
  const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  t.notMatch(await service.metrics.render(), /replicas_seen/)
})
