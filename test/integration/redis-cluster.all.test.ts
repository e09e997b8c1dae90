import t, { type Test } from 'tap'
import { createEntryCodec } from '../../src/base/revocation/codec.ts'
import { connectRedis } from '../../src/base/redis/connect.ts'
import { redisAt, startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { freePort } from '../helpers/free-port.ts'
import { about, user } from '../helpers/log-entry.ts'
import { startCluster, type RedisCluster } from '../helpers/redis-cluster.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { redisTier } from '../helpers/redis-tier.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const PREFIX = 'test:{log}'
const STREAM = `${PREFIX}:stream`
const ALICE = about('alice', 'token')
const BOB = about('bob', 'bobs token')

type User = Readonly<{ id: string, token: string }>

const verify = ({ port }: InProcess, { token }: User): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })
const isUp = ({ service }: InProcess): boolean => service.redisState() === 'up'

/** Replicas with an empty memory each, and users that no slot knows yet. */
async function startFleet (t: Test, cluster: RedisCluster, count: number, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  const users = Array.from({ length: 30 }, (_, index): User => ({
    id: `user-${index}`, token: `T${String(index).padStart(31, '0')}`
  }))
  for (const { id, token } of users) simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [token] }] })
  const open = async (): Promise<InProcess> => {
    const adapter = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, ...redisAt(cluster.servers), ...options
    })
    await until('Redis is used', () => isUp(adapter))
    return adapter
  }
  const replicas: InProcess[] = []
  while (replicas.length < count) replicas.push(await open())
  return { simulator, users, replicas, open }
}

async function namesIn (node: RedisServer, pattern: string): Promise<string[]> {
  const names = await node.cli('KEYS', pattern)
  return Array.isArray(names) ? names.map(String) : []
}

/** Everybody is who they are, wherever the answer comes from. @returns how many came from each source */
async function checkAll (
  t: Test,
  adapter: InProcess,
  users: readonly User[],
  when: string
): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(users.map(async (one) => ({ one, answer: await verify(adapter, one) })))
  t.ok(answers.every(({ one, answer }) => answer.status === 200 && answer.headers['x-authgear-user-id'] === one.id),
    `${when}: everybody is let in as who they are`)
  const sources = answers.map(({ answer }) => String(answer.headers['x-forward-auth-source']))
  return Object.fromEntries(
    [...new Set(sources)].map((source) => [source, sources.filter((one) => one === source).length])
  )
}

async function metric ({ service }: InProcess, name: string): Promise<number> {
  const line = (await service.metrics.render()).split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.split(' ')[1])
}

t.test('Redis Cluster', async (t) => {
  t.test('one of three masters dies: its slots go to Authgear, nobody is logged out', async (t) => {
    const cluster = await startCluster(t)
    const { users, replicas, open } = await startFleet(t, cluster, 3, { CACHE_TTL: '10m' })
    const [first, second, third] = replicas
    if (first === undefined || second === undefined || third === undefined) throw new Error('no replicas')
    await checkAll(t, first, users, 'cold')
    const stored = async (): Promise<number> =>
      (await Promise.all(cluster.masters.map((node) => namesIn(node, '*:entry')))).flat().length
    await until('all is stored', async () => (await stored()) === users.length)
    const [stream = ''] = (await Promise.all(cluster.masters.map((node) => namesIn(node, '*:stream')))).flat()
    const ofLog = await cluster.ownerOf(stream)
    const dying = cluster.masters.find((node) => node !== ofLog) ?? ofLog
    const lost = (await namesIn(dying, '*:entry')).length
    t.ok(lost > 0 && lost < users.length, `${lost} of ${users.length} entries are on it`)
    await dying.stop()
    await until('its loss is noticed', () => replicas.every((one) => !isUp(one)))
    t.ok(
      replicas.every(({ service }) => service.revocations?.revocations.isFollowing() === true), 'the log is followed'
    )
    t.same(await checkAll(t, second, users, 'one master is dead'), { redis: users.length - lost, authgear: lost })
    t.equal(await metric(second, 'forward_auth_cache_reads_total{tier="redis",outcome="unreachable"}'), lost,
      'each of them is told apart from a miss')
    t.equal(await metric(second, 'forward_auth_redis_up'), 0)
    t.equal(
      first.lines.filter(({ msg }) => String(msg).startsWith('a master of the Redis Cluster is unreachable'))
        .length,
      1,
      'told once'
    )
    await dying.restart()
    await until('it is back, and answers',
      async () => replicas.every(isUp) && String(await dying.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    t.equal(await metric(second, 'forward_auth_redis_up'), 1)
    await checkAll(t, third, users, 'it is back')
    await until('all is stored again', async () => (await stored()) === users.length)
    t.same(await checkAll(t, await open(), users, 'another replica'), { redis: users.length })
  })

  t.test('three masters', async (t) => {
    const cluster = await startCluster(t)

    t.test('a slot moves while requests go on: ASK and MOVED are followed', async (t) => {
      const { users, replicas } = await startFleet(t, cluster, 4)
      const [first, second, third, fourth] = replicas
      const [someone] = users
      if (
        first === undefined || second === undefined || third === undefined || fourth === undefined ||
        someone === undefined
      ) {
        throw new Error('no replicas')
      }
      await verify(first, someone)
      const names = async (node: RedisServer): Promise<string[]> => await namesIn(node, '*:entry')
      await until('it is stored', async () => (await Promise.all(cluster.masters.map(names))).flat().length === 1)
      const [name = ''] = (await Promise.all(cluster.masters.map(names))).flat()
      const [slot, from] = [await cluster.slotOf(name), await cluster.ownerOf(name)]
      const to = cluster.masters.find((node) => node !== from) ?? from
      const source = async (adapter: InProcess): Promise<unknown> =>
        (await verify(adapter, someone)).headers['x-forward-auth-source']
      await cluster.beginMove(slot, from, to)
      t.equal(await source(second), 'redis', 'the key is not gone yet')
      await cluster.moveKeys(slot, from, to)
      t.equal(await source(third), 'redis', 'the key is gone: ASK')
      await cluster.endMove(slot, from, to)
      t.equal(await source(fourth), 'redis', 'the slot is gone: MOVED')
      t.ok(replicas.every(isUp))
    })

    t.test('the slot of the revocation log moves: it goes on in the same generation', async (t) => {
      const [a, b] = [1, 2].map(() => openLogReplica(t, cluster.servers, { keyPrefix: PREFIX }))
      if (a === undefined || b === undefined) throw new Error('no replicas')
      await settled(a, b)
      const generation = a.generation()
      const [slot, from] = [await cluster.slotOf(STREAM), await cluster.ownerOf(STREAM)]
      const to = cluster.masters.find((node) => node !== from) ?? from
      const codec = createEntryCodec(Buffer.alloc(32, 1))
      const append = async (of: string) => {
        const { nonce } = a.log.snapshot().stamp.position
        return await a.store.append(generation, nonce, 600_000, [codec.encode(generation, nonce, of, user('carol'))])
      }
      const step = async (when: string): Promise<void> => {
        t.match(await append(when), { kind: 'written' }, `${when}: written wherever it belongs`)
        const before = b.log.snapshot()
        await until(`${when}: logged`, async () => await a.log.revoke(user('alice')) === 'logged')
        await until(`${when}: read by the other`, () => b.log.isVoid(ALICE, before))
        await settled(a, b)
        t.notOk(b.log.isVoid(BOB, before), `${when}: nothing else is void`)
        t.equal(a.generation(), generation, when)
      }
      await step('before')
      await cluster.beginMove(slot, from, to)
      await step('begun')
      await cluster.moveKeys(slot, from, to)
      await step('at the new node, by ASK')
      t.equal(Number(await to.cli('CLUSTER', 'COUNTKEYSINSLOT', String(slot))), 2, 'which is where it is written')
      await cluster.endMove(slot, from, to)
      await step('the new node’s own')
      await cluster.beginMove(slot, to, from)
      await cluster.moveKeys(slot, to, from)
      await cluster.endMove(slot, to, from)
      await step('and back')
    })

    t.test('logs a wrong password once, and refuses every command at once', async (t) => {
      const told: string[] = []
      const connection = connectRedis(settingsFor(cluster.servers, { username: 'nobody', password: 'hunter2' }), {
        up: () => told.push('up'), down: (error) => told.push(error?.message ?? '')
      })
      t.teardown(() => connection.close())
      await until('it is told', () => told.length > 0)
      await t.rejects(connection.commands.pttl('{a}'))
      t.equal(told.length, 1)
      t.match(told[0], /^node 127\.0\.0\.1:\d+: WRONGPASS/)
      t.notMatch(told[0], 'hunter2')
    })

    t.test('a deadline holds whatever a command waits for', async (t) => {
      const tier = await redisTier(t, cluster.servers, { timeoutMs: 400 })
      const frozen = await cluster.ownerOf('{a}')
      const other = cluster.masters.find((node) => node !== frozen) ?? frozen
      const elsewhere =
        (
          await Promise.all(
            ['{b}', '{c}', '{d}', '{e}', '{f}'].map(async (key) => ((await cluster.ownerOf(key)) === other ? key : ''))
          )
        ).find((key) => key !== '') ?? ''
      frozen.pause()
      await t.rejects(tier.commands.pttl('{a}'), { code: 'REDIS_TOO_SLOW' }, 'a node that is frozen')
      t.equal(await tier.commands.pttl(elsewhere), -2, 'the others answer')
      await until('it is left', () => !tier.connection.isUp())
      await t.rejects(tier.commands.pttl('{a}'), 'refused at once while it is not connected')
      t.equal(await tier.commands.pttl(elsewhere), -2, 'the others answer still')
      frozen.resume()
      await until('it is back', () => tier.connection.isUp())
      t.equal(await tier.commands.pttl('{a}'), -2)

      for (const node of cluster.masters) node.pause()
      const late = connectRedis(settingsFor(cluster.servers, { timeoutMs: 400 }), { up () {}, down () {} })
      t.teardown(() => late.close())
      await t.rejects(late.commands.pttl('{a}'), 'one that does not know the slots yet waits for nothing')
      await t.rejects(tier.commands.setIfAbsent('{a}', 'x', 1000), 'nor does one whose nodes are all frozen')
      for (const node of cluster.masters) node.resume()
      await until('all are back', () => late.isUp() && tier.connection.isUp())
    })
  })

  t.test('a Cluster of one node comes up, goes and comes back', async (t) => {
    const node = await startRedis(t, {
      args: [
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(await freePort()),
        '--cluster-announce-ip',
        '127.0.0.1'
      ]
    })
    await node.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    const told: string[] = []
    const connection = connectRedis(settingsFor({ kind: 'cluster', nodes: [{ host: '127.0.0.1', port: node.port }] }), {
      up: () => told.push('up'), down: () => told.push('down')
    })
    t.teardown(() => connection.close())
    const isTold = (...expected: string[]): Promise<void> =>
      until(`told: ${expected.join(', ')}`,
        () => told.filter((what, index) => index > 0 || what === 'up').join() === expected.join())
    await isTold('up')
    t.equal(await connection.commands.pttl('{a}'), -2)
    await node.stop()
    await isTold('up', 'down')
    await t.rejects(connection.commands.pttl('{a}'))
    await node.restart()
    await isTold('up', 'down', 'up')
    await until('it answers', async () => await connection.commands.pttl('{a}').catch(() => 0) === -2)
  })

  t.test('does not storm a master that throws out every connection', async (t) => {
    const cluster = await startCluster(t)
    const tier = await redisTier(t, cluster.servers)
    const dying = await cluster.ownerOf('{a}')
    await dying.stop()
    const network = await startBadNetwork(t, 1, { kind: 'refused' }, dying.port)
    const began = performance.now()
    let asked = 0
    await until('it was tried ten times', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => tier.commands.pttl('{a}')))
      asked += outcomes.length
      return network.connections() >= 10 || outcomes.some(({ status }) => status === 'fulfilled')
    })
    const seconds = (performance.now() - began) / 1000
    t.comment(`${asked} commands, ${network.connections()} connections in ${seconds.toFixed(1)} s`)
    t.ok(
      network.connections() <= 6 + 4 * seconds, 'two a second at most for the node, and one for where its slots went'
    )
    t.ok(asked > 10 * network.connections())
  })

  t.test('the log’s master dies: its replica is followed, the revoked stay revoked', async (t) => {
    const cluster = await startCluster(t, { withReplicas: true })
    const [a, b] = [1, 2].map(() => openLogReplica(t, cluster.servers, { keyPrefix: PREFIX }))
    if (a === undefined || b === undefined) throw new Error('no replicas')
    await settled(a, b)
    const before = [a, b].map(({ log }) => log.snapshot())
    const old = b.seal(ALICE)
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await until('both have read it', () =>
      [a, b].every(({ log }, index) => log.isVoid(ALICE, before[index] ?? log.snapshot()))
    )
    const dying = await cluster.ownerOf(STREAM)
    const tier = await redisTier(t, cluster.servers)
    await dying.stop()
    const during = a.log.revoke(user('bob'))
    t.ok(a.log.isVoid(BOB, before[0] ?? a.log.snapshot()), 'taken meanwhile: it holds here at once')
    t.match(await during, /^(?:logged|pending)$/)
    await until(
      'the replica is master',
      async () =>
        JSON.stringify(await Promise.all(cluster.replicas.map((one) => one.cli('ROLE')))).includes('"master"')
    )
    await until('it is followed', () => [a, b].every(({ log }) => log.trustsShared()))
    await until(
      'the cache has found it too', async () => tier.connection.isUp() && (await tier.commands.pttl(STREAM)) === -1
    )
    await until('the other has read what was taken meanwhile', () => b.log.isVoid(BOB, before[1] ?? b.log.snapshot()))
    await settled(a, b)
    t.ok([a, b].every(({ log }, index) => log.isVoid(ALICE, before[index] ?? log.snapshot())), 'nothing is forgotten')
    t.same([a.log.trusts(old), b.log.trusts(old)], [false, false], 'nor is an entry of Redis that is older')
    const after = b.log.snapshot()
    t.equal(await a.log.revoke(user('alice')), 'logged')
    await until('it works on', () => b.log.isVoid(ALICE, after))
  })
})
