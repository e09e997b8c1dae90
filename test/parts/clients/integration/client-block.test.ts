import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { MAX_BLOCKS } from '../../../../src/parts/clients/block-list.ts'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { type InProcessOptions, redisAt } from '../../../helpers/in-process.ts'
import { MANAGEMENT_TOKEN } from '../../../helpers/in-process.ts'
import { managementOf } from '../../../helpers/management.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { startSentinelGroup } from '../../../helpers/redis-sentinel.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startRelay } from '../../../helpers/relay.ts'
import { seriesOf } from '../../../helpers/series.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { isUp, markedRunning, type Replica, statuses, tokenFleet, untilAll } from '../../../helpers/token-fleet.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'

const NEW_SECRET = 'another secret of tests, 32 bytes'
const SECRET = 'a secret of the tests, 32 bytes!'

async function startThree (t: Test, options: Partial<InProcessOptions> = {}) {
  const redis = await startRedis(t)
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url, ...options })
  const replicas = await Promise.all([1, 2, 3].map(() => fleet.start()))
  await until('all follow', () => replicas.every(isUp))
  const [first, second, third] = replicas as [Replica, Replica, Replica]
  const listName = async (): Promise<string> => String(([await redis.cli('KEYS', '*blocked-clients')].flat())[0])
  return { redis, fleet, replicas, first, second, third, listName }
}

/** The key as a snapshot has it. */
async function readRaw (port: number, name: string): Promise<Buffer> {
  const redis = new Redis(port)
  try {
    return await redis.dumpBuffer(name)
  } finally {
    redis.disconnect()
  }
}

async function writeRaw (port: number, name: string, saved: Buffer): Promise<void> {
  const redis = new Redis(port)
  try {
    await redis.restore(name, 0, saved, 'REPLACE')
  } finally {
    redis.disconnect()
  }
}

/** Asked again as an operator does it: on a busy machine the second for its confirmation may be over first. */
async function done (change: () => ReturnType<Replica['block']>, status: string): Promise<void> {
  await until(`it is ${status}`, async () => (await change()).body['status'] === status)
}

t.test('on three replicas', async (t) => {
  const { redis, fleet, replicas, first, second, third, listName } = await startThree(t)

  t.test('a block refuses the client on each and nobody else, until it is lifted', async (t) => {
    t.strictSame(await statuses(replicas, 'dcrc_1'), [200, 200, 200])
    t.match(await first.block('dcrc_1'), { status: 200, body: { status: 'blocked', name: 'dcrc_1', blocked: 1 } })
    t.equal(await first.statusOf('dcrc_1'), 401, 'here at once')
    await untilAll(replicas, 'dcrc_1', 401)
    t.strictSame(await statuses(replicas, 'dcrc_2'), [200, 200, 200])
    t.match(await second.block('dcrc_1'), { status: 200, body: { status: 'blocked', blocked: 1 } }, 'once more')
    t.match(await third.lift('dcrc_1'), { status: 200, body: { status: 'lifted', blocked: 0 } })
    await untilAll(replicas, 'dcrc_1', 200)
    t.match(await third.lift('dcrc_1'), { status: 200, body: { status: 'not_blocked' } })
  })

  t.test('a change that names its predecessor is refused after another one', async (t) => {
    const at = (await first.block('dcrc_1')).body['at']
    t.type(at, 'number')
    const change = (method: 'PUT' | 'DELETE', of: unknown): ReturnType<Replica['call']> =>
      third.call(method, '/clients/dcrc_1/block', undefined, { 'if-match': `"${String(of)}"` })
    await done(() => second.block('dcrc_1'), 'blocked')
    const stale = await change('DELETE', at)
    t.match(stale, { status: 412, body: { error: 'changed', name: 'dcrc_1' } })
    t.ok(Number(stale.body['at']) > Number(at))
    t.strictSame(await statuses(replicas, 'dcrc_1'), [401, 401, 401])
    t.match(await change('DELETE', stale.body['at']), { status: 200, body: { status: 'lifted' } })
    await untilAll(replicas, 'dcrc_1', 200)
  })

  t.test('a host is blocked with every spelling of its clients, and its neighbours are not', async (t) => {
    t.match(await first.block('https://Evil.example.'), { status: 200, body: { name: 'https://evil.example' } })
    await untilAll(replicas, 'https://evil.example/agent.json', 401)
    t.strictSame(await statuses(replicas, 'https://EVIL.example:443/other.json'), [401, 401, 401])
    t.strictSame(await statuses(replicas, 'https://notevil.example/agent.json'), [200, 200, 200])
    await done(() => first.lift('https://evil.example'), 'lifted')
    await untilAll(replicas, 'https://evil.example/agent.json', 200)
  })

  t.test('what each replica says of it', async (t) => {
    await done(() => first.block('dcrc_1'), 'blocked')
    await untilAll(replicas, 'dcrc_1', 401)
    for (const { service } of replicas) {
      t.equal(seriesOf(await service.metrics.render()).get('forward_auth_clients_blocked'), 1)
    }
    const said = first.lines.filter(({ msg }) => /^(un)?blocked by the management listener$/.test(String(msg)))
    t.match(said.at(-1), { level: 'info', of: /^client [0-9a-f]{8}$/, kept: true })
    t.notMatch(JSON.stringify(first.lines), 'dcrc_1')
  })

  t.test('GET /clients says who is blocked, and whom this replica saw', async (t) => {
    const { status, body } = await first.call('GET', '/clients')
    t.match({ status, body }, {
      status: 200,
      body: { blocked: [{ name: 'dcrc_1', origin: 'management', since: /^20\d\d-.*Z$/ }] }
    })
    const seen = body['seen'] as ReadonlyArray<Readonly<Record<string, unknown>>>
    const times = { first_seen: /^20\d\d-.*Z$/, last_seen: /^20\d\d-.*Z$/ }
    const one = { client_id: 'dcrc_1', blocked: true, blocked_by: 'dcrc_1', resources: [RESOURCE], users: 0, ...times }
    const [row] = seen.filter(({ client_id: id }) => id === 'dcrc_1')
    t.match(row, one)
    t.ok(Number(row?.['requests']) > Number(row?.['refusals']) && Number(row?.['refusals']) > 0)
    t.match(seen.find(({ client_id: id }) => id === 'dcrc_2'), { blocked: false, blocked_by: undefined, refusals: 0 })
    t.equal((await first.call('GET', '/clients', 'x')).status, 401)
    await until('doctor is told that it asks', async () =>
      [await redis.cli('KEYS', '*blocked-asked')].flat().length === 1)
  })

  t.test('a Redis that loses everything lifts nothing, for a fresh replica either', async (t) => {
    await redis.cli('FLUSHALL')
    t.strictSame(await statuses(replicas, 'dcrc_1'), [401, 401, 401])
    await until('it is there again', async () => await redis.cli('EXISTS', await listName()) === 1)
    const fresh = await fleet.start()
    await until('it knows', async () => await fresh.statusOf('dcrc_1') !== 503)
    t.equal(await fresh.statusOf('dcrc_1'), 401)
    await untilAll([...replicas, fresh], 'dcrc_2', 200)
    await fresh.close()
  })

  t.test('a list that is put back to an older one is made whole again', async (t) => {
    const name = await listName()
    const saved = await readRaw(redis.port, name)
    await done(() => first.block('dcrc_3'), 'blocked')
    await untilAll(replicas, 'dcrc_3', 401)
    await done(() => first.lift('dcrc_1'), 'lifted')
    await untilAll(replicas, 'dcrc_1', 200)
    const newer = await readRaw(redis.port, name)
    await writeRaw(redis.port, name, saved)
    await until('it is whole', async () => !(await readRaw(redis.port, name)).equals(saved))
    t.notOk(saved.equals(newer))
    t.strictSame(await statuses(replicas, 'dcrc_3'), [401, 401, 401])
    t.strictSame(await statuses(replicas, 'dcrc_1'), [200, 200, 200])
    const fresh = await fleet.start()
    await until('it knows', async () => await fresh.statusOf('dcrc_3') !== 503)
    t.equal(await fresh.statusOf('dcrc_3'), 401)
    await fresh.close()
  })

  t.test('a rotation and a restart of all keep it; with another secret nobody is let in', async (t) => {
    await Promise.all(replicas.map((replica) => replica.close()))
    const rotated = { CACHE_SECRET: NEW_SECRET, CACHE_SECRET_PREVIOUS: SECRET }
    const again = await Promise.all([fleet.start(), fleet.start(rotated), fleet.start(rotated)])
    await until('all follow', () => again.every(isUp))
    t.strictSame(await statuses(again, 'dcrc_3'), [401, 401, 401])
    t.strictSame(await statuses(again, 'dcrc_2'), [200, 200, 200])
    const stranger = await fleet.start({ CACHE_SECRET: 'that took the place of one at once, and nobody rotated it' })
    t.equal(await stranger.statusOf('dcrc_3'), 503)
    t.equal(await stranger.statusOf('dcrc_2'), 503)
    t.ok(stranger.lines.some(({ level, msg }) => level === 'error' && /another CACHE_SECRET/.test(String(msg))))
    const pending = { status: 503, body: { status: 'pending', message: /another CACHE_SECRET/ } }
    t.match(await stranger.block('dcrc_4'), pending)
    await stranger.close()
  })
})

t.test('a lift that one replica missed is not undone when Redis loses everything', async (t) => {
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url })
  const near = await fleet.start()
  const apart = await fleet.start({ REDIS_URL: `redis://127.0.0.1:${relay.port}` })
  await until('both follow', () => [near, apart].every(isUp))
  for (const name of ['dcrc_1', 'dcrc_2']) await done(() => near.block(name), 'blocked')
  await untilAll([near, apart], 'dcrc_2', 401)
  relay.to(undefined)
  await done(() => near.lift('dcrc_1'), 'lifted')
  await until('it is cut off', () => !isUp(apart))
  await redis.cli('FLUSHALL')
  relay.to(redis.port)
  await until('both follow', () => [near, apart].every(isUp))
  await untilAll([near, apart], 'dcrc_1', 200)
  t.strictSame(await statuses([near, apart], 'dcrc_2'), [401, 401])
})

t.test('a replica that cannot know who is blocked answers 503, and never 200', async (t) => {
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url, CLIENTS_BLOCKED: 'dcrc_fixed' })
  const near = await fleet.start()
  relay.to(undefined)
  const apart = await fleet.start({ REDIS_URL: `redis://127.0.0.1:${relay.port}` })
  t.equal(await apart.statusOf('dcrc_1'), 503, 'at its start')
  t.equal(await apart.statusOf('dcrc_fixed'), 401)
  relay.to(redis.port)
  await untilAll([near, apart], 'dcrc_1', 200)
  relay.to(undefined)
  await until('it was cut off for too long', async () => await apart.statusOf('dcrc_2') === 503)
  await done(() => near.block('dcrc_1'), 'blocked')
  t.equal(await near.statusOf('dcrc_1'), 401)
  t.equal(await apart.statusOf('dcrc_1'), 503)
  t.match(await apart.block('dcrc_3'), { status: 503, body: { status: 'pending' } })
  t.equal(await apart.statusOf('dcrc_3'), 401, 'it holds here')
  relay.to(redis.port)
  await untilAll([near, apart], 'dcrc_1', 401)
  await untilAll([near, apart], 'dcrc_3', 401)
  await untilAll([near, apart], 'dcrc_2', 200)
})

t.test('where nobody can block a client, a replica that is cut off goes on', async (t) => {
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const clock = manualClock(Date.now())
  const fleet = await tokenFleet(t, { MANAGEMENT_TOKEN: undefined, clock })
  const replica = await fleet.start({ REDIS_URL: `redis://127.0.0.1:${relay.port}` })
  await untilAll([replica], 'dcrc_1', 200)
  relay.to(undefined)
  await until('it is cut off', () => !isUp(replica))
  for (let ms = 2000; ms <= 6000; ms += 2000) { // longer than CACHE_DEGRADED_TTL and 3 s
    await markedRunning()
    clock.advance(2000)
    t.equal(await replica.statusOf('dcrc_1'), 200, `${ms} ms`)
  }
})

t.test('a failover by Sentinel lifts no block, and refuses nobody else', async (t) => {
  const group = await startSentinelGroup(t)
  const fleet = await tokenFleet(t, redisAt(group.servers))
  const replicas = await Promise.all([fleet.start(), fleet.start()])
  await until('both follow', () => replicas.every(isUp))
  const [first] = replicas
  await done(() => first.block('dcrc_1'), 'blocked')
  const before = await group.masterPort()
  await group.failOver()
  await until('another master', async () => await group.masterPort() !== before)
  t.strictSame(await statuses(replicas, 'dcrc_1'), [401, 401])
  await until('both follow it', () => replicas.every(isUp))
  await untilAll(replicas, 'dcrc_2', 200)
  t.strictSame(await statuses(replicas, 'dcrc_1'), [401, 401])
  const late = await fleet.start()
  await untilAll([late], 'dcrc_2', 200)
  t.equal(await late.statusOf('dcrc_1'), 401)
})

t.test('blocks a deleted registered client permanently, and one by URL not', async (t) => {
  const portal = await startSimulator(t, { adminApi })
  const { replicas, first } = await startThree(t, auditEnvironment(portal.url, '250ms'))
  await until('one reads the audit log', () => portal.controls.audit.queries > 1)
  const url = 'https://agents.example/agent.json'
  for (const [clientId, source] of [['dcrc_1', 'dcr'], [url, 'cimd']] as const) {
    portal.controls.audit.append({
      activityType: 'ADMIN_API_MUTATION_DELETE_DYNAMIC_CLIENT_EXECUTED',
      payload: { client_id: clientId, source, kind: 'third_party', client_name: 'an agent' },
      triggeredBy: 'admin_api'
    })
  }
  await untilAll(replicas, 'dcrc_1', 401)
  await untilAll(replicas, url, 401)
  await untilAll(replicas, url, 200) // by a newer token
  t.strictSame(await statuses(replicas, 'dcrc_1'), [401, 401, 401], 'whatever Authgear issues')
  t.strictSame(await statuses(replicas, 'dcrc_2'), [200, 200, 200])
  await done(() => first.lift('dcrc_1'), 'lifted')
  await untilAll(replicas, 'dcrc_1', 200)
})

t.test('rejects blocks without permission, and names of no client', async (t) => {
  const redis = await startRedis(t)
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url, CLIENTS_BLOCKED: 'dcrc_fixed' })
  const replica = await fleet.start()
  for (const method of ['PUT', 'DELETE'] as const) {
    for (const token of ['', 'x', 'a token of the test']) {
      t.equal((await replica.call(method, '/clients/dcrc_1/block', token)).status, 401)
    }
    for (const id of ['%20', 'a%20b', '%00', '*.evil.example', 'https%3A%2F%2F*.com', 'x'.repeat(257), '%C3%A9',
      'https%3A%2F%2Fevil.example%2F']) {
      t.match(await replica.call(method, `/clients/${id}/block`), { status: 400 }, id)
    }
    const unread = ['/clients/x'.repeat(200), '/clients//block', '/clients/https://evil.example/block', '/clients/x']
    for (const path of unread) {
      t.ok((await replica.call(method, path)).status >= 400, path.slice(0, 40))
    }
  }
  for (const value of ['*', 'W/"1"', '"', '-1', '1, 2', '1'.repeat(16)]) {
    const answer = await replica.call('PUT', '/clients/dcrc_1/block', undefined, { 'if-match': value })
    t.match(answer, { status: 400, body: { error: 'bad_request', message: /If-Match/ } }, value)
  }
  t.match(await replica.lift('dcrc_fixed'), { status: 409, body: { error: 'in_configuration' } })
  t.equal(await replica.statusOf('dcrc_fixed'), 401)
  t.equal(await replica.statusOf('dcrc_1'), 200)
})

t.test('a body is not meant: a long one is refused, and an empty one of any type is none', async (t) => {
  const replica = await (await tokenFleet(t, {})).start()
  const management = managementOf(t, replica.service)
  const long = JSON.stringify('x'.repeat(10_000))
  for (const method of ['PUT', 'DELETE'] as const) {
    const statusOf = async (type: string, payload: string, token = MANAGEMENT_TOKEN): Promise<number> => {
      const headers = { 'content-type': type, authorization: `Bearer ${token}` }
      return (await management.inject({ method, url: '/clients/dcrc_1/block', headers, payload })).statusCode
    }
    t.equal(await statusOf('application/json', long), 413)
    t.equal(await statusOf('application/json', long, 'x'), 401, 'a stranger’s is not even read')
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      t.equal(await statusOf(type, ''), 409, `${method} ${type}: without Redis, in words`)
    }
  }
})

t.test('without Redis a block is refused in words, without RESOURCES there is none', async (t) => {
  const replica = await (await tokenFleet(t, {})).start()
  for (const change of [replica.block, replica.lift]) {
    t.match(await change('dcrc_1'), { status: 409, body: { error: 'no_redis', message: /CLIENTS_BLOCKED/ } })
  }
  const without = await (await tokenFleet(t, { RESOURCES: undefined })).start()
  t.equal((await without.block('dcrc_1')).status, 404)
})

t.test('one more than a list may hold is refused, and the others stay', async (t) => {
  const { first, replicas } = await startThree(t)
  for (let n = 0; n < MAX_BLOCKS.management; n += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => done(() => first.block(`dcrc_${n + i}`), 'blocked')))
  }
  t.match(await first.block('dcrc_x'), { status: 409, body: { error: 'too_many_blocks', message: /^1000 clients/ } })
  await untilAll(replicas, `dcrc_${MAX_BLOCKS.management - 1}`, 401)
  t.strictSame(await statuses(replicas, 'dcrc_x'), [200, 200, 200])
  t.strictSame(await statuses(replicas, 'dcrc_0'), [401, 401, 401])
})
