import t, { type Test } from 'tap'
import { logKey } from '../../src/base/redis/keys.ts'
import { redisAt, startInProcess, type InProcess } from '../helpers/in-process.ts'
import { metricOf } from '../helpers/in-process-on-clock.ts'
import { user } from '../helpers/log-entry.ts'
import {
  addPrintedUser, describedKeys, PASSWORD, printedCommands, printedRights, USERNAME
} from '../helpers/redis-acl.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import type { RedisPlace } from '../helpers/redis-settings.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'
import { webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

const ACCESS = { username: USERNAME, password: PASSWORD }

/** What was run, by anybody, also by scripts. */
async function usedOn (redis: RedisServer): Promise<string[]> {
  return Array.from(String(await redis.cli('INFO', 'commandstats')).matchAll(/^cmdstat_([^:]+):calls=[1-9]/gm),
    ([, name = '']) => name)
}

const names = async (redis: RedisServer, pattern: string): Promise<string[]> =>
  (await redis.cli('KEYS', pattern)) as string[]

/** The whole service: two replicas, entries, leases, revocations and a log that is trimmed. */
async function useAll (t: Test, place: RedisPlace, nodes: readonly RedisServer[]): Promise<void> {
  const simulator = await startSimulator(t)
  const open = (): Promise<InProcess> =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      REDIS_KEY_PREFIX: 'forward-auth:',
      AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ...redisAt(place),
      REDIS_USERNAME: USERNAME,
      REDIS_PASSWORD: PASSWORD
    })
  const [first, second] = [await open(), await open()]
  await until('Redis is used', () => [first, second].every(({ service }) => service.redisState() === 'up'))
  const source = async ({ port }: InProcess): Promise<unknown> =>
    (await ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]] })).headers[
      'x-forward-auth-source'
    ]
  t.equal(await source(first), 'authgear')
  await until(
    'it is stored', async () => (await Promise.all(nodes.map((node) => names(node, '*:entry')))).flat().length === 1
  )
  t.equal(await source(second), 'redis')
  await until('both are seen on the log', async () =>
    (await Promise.all([first, second].map((one) => metricOf(one, 'forward_auth_replicas_seen')))).every(
      (count) => count === 2
    )
  )
  t.equal((await ask(first.port, webhookOf(JSON.stringify({ id: 'event', type: 'user.pre_create' })))).status, 204)
  const all = async (): Promise<string[]> => (await Promise.all(nodes.map((node) => names(node, '*')))).flat()
  await until('canary and trace are there', async () => {
    const found = await all()
    return [':canary', ':webhook-seen'].every((end) => found.some((name) => name.endsWith(end)))
  })
  t.same((await all()).filter((name) => !describedKeys().some((form) => form.test(name))), [],
    'docs/inside/redis-keys.md describes each key')
  const log = first.service.revocations?.revocations
  if (log === undefined) throw new Error('a replica of these tests has a management token')
  const reader = openLogReplica(t, place, { keyPrefix: logKey('forward-auth:', simulator.url), settings: ACCESS })
  for (let from = 0; from < 1200; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => log.revoke(user(`u${from + index}`)))) // or pending
    await until('they are in the log', () => reader.counts.length > from + 100)
  }
  await reader.store.trim(1)
}

t.test('docs/redis.md prints all the rights that are needed, and no other', async (t) => {
  const redis = await startRedis(t)
  await addPrintedUser(redis)
  const copy = await startRedis(t, {
    args: ['--replicaof', '127.0.0.1', String(redis.port), '--repl-diskless-sync-delay', '0']
  })
  await until(
    'WAIT has somebody to wait for',
    async () => {
      const role = await copy.cli('ROLE')
      return Array.isArray(role) && role[3] === 'connected'
    },
    30_000
  )
  await useAll(t, redis.port, [redis])
  t.same(await redis.cli('ACL', 'LOG'), [], 'nothing was refused')

  const cluster = await startCluster(t)
  for (const node of cluster.masters) await addPrintedUser(node, { isCluster: true })
  await useAll(t, cluster.servers, cluster.masters)
  const replica = openLogReplica(t, cluster.servers, { keyPrefix: 'forward-auth:{moving}', settings: ACCESS })
  await settled(replica)
  const [slot, from] = [await cluster.slotOf('{moving}'), await cluster.ownerOf('{moving}')]
  const to = cluster.masters.find((node) => node !== from) ?? from
  await cluster.beginMove(slot, from, to)
  await cluster.moveKeys(slot, from, to)
  await until('logged by ASK', async () => await replica.log.revoke(user('alice')) === 'logged')
  for (const node of cluster.masters) t.same(await node.cli('ACL', 'LOG'), [], 'nothing was refused')

  const used = new Set((await Promise.all([redis, ...cluster.masters].map(usedOn))).flat())
  t.same(printedRights().filter((name) => !used.has(name)), [], 'nothing is printed that is not used')
})

t.test('keys of others are out of its reach', async (t) => {
  const redis = await startRedis(t)
  await addPrintedUser(redis)
  for (const command of [
    ['GET', 'other:key'],
    ['EVAL', "return redis.call('get', KEYS[1])", '1', 'other:key'],
    ['FLUSHALL'],
    ['KEYS', '*'],
    ['CONFIG', 'GET', '*'],
    ['PUBLISH', 'a', 'b']
  ]) {
    t.match(await redis.cli('ACL', 'DRYRUN', USERNAME, ...command), /no permissions/, command.join(' '))
  }
})

t.test('another database takes one right more', async (t) => {
  const redis = await startRedis(t)
  await addPrintedUser(redis)
  await redis.cli('ACL', 'SETUSER', USERNAME, '+select')
  const replica = openLogReplica(t, { kind: 'one', host: '127.0.0.1', port: redis.port, db: 3 },
    { keyPrefix: 'forward-auth:{log}', settings: ACCESS })
  await settled(replica)
  t.equal(await replica.log.revoke(user('alice')), 'logged')
  t.equal(await redis.cli('EXISTS', 'forward-auth:{log}:head'), 0, 'not in database 0')
  t.same(await redis.cli('ACL', 'LOG'), [])
})

t.test('the page gives each right one reason', async (t) => {
  t.equal(new Set(printedRights()).size, printedRights().length, 'none twice')
  t.ok(printedCommands().every(([acl, setuser, name]) => acl === 'ACL' && setuser === 'SETUSER' && name === USERNAME))
})
