import t, { type Test } from 'tap'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { startRelay } from '../helpers/relay.ts'
import { about, user } from '../helpers/log-entry.ts'
import { openLogReplica, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const PREFIX = 'forward-auth:{log}'
const [STREAM, HEAD] = [`${PREFIX}:stream`, `${PREFIX}:head`]
const ALICE = about('alice', 'token')

type Client = Readonly<{ id: string, last: string }>

/** Who is connected, and what each sent last. */
async function clientsOf (redis: RedisServer): Promise<readonly Client[]> {
  const list = String(await redis.cli('CLIENT', 'LIST', 'TYPE', 'normal'))
  return [...list.matchAll(/^id=(\d+) .* cmd=(\S+)/gm)].map(([, id = '', last = '']) => ({ id, last }))
    .filter(({ last }) => last !== 'client|list')
}

const isFollower = ({ last }: Client): boolean => ['xread', 'role'].includes(last)
const count = async (redis: RedisServer, name: string): Promise<number> =>
  JSON.stringify(await redis.cli('XRANGE', STREAM, '-', '+')).split(`"${name}"`).length - 1

/** An old master that does not know that it is one, a new one, and one address that led to the first. */
async function startTwoMasters (t: Test, rights: readonly string[]) {
  const old = await startRedis(t, { args: ['--repl-diskless-sync-delay', '0'] })
  await addPrintedUser(old, { without: rights })
  const relay = await startRelay(t, old.port)
  const replica = openLogReplica(t, relay.port, {
    keyPrefix: PREFIX, settings: { username: USERNAME, password: PASSWORD }
  })
  await settled(replica)
  const next = await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(old.port)] })
  await until('the copy has it', async () => await next.cli('HGET', HEAD, 'gen') === replica.generation(), 30_000)
  await addPrintedUser(next, { without: rights })
  await next.cli('REPLICAOF', 'NO', 'ONE')
  await until('each connection can be told apart', async () => {
    const clients = await clientsOf(old)
    return clients.length === 2 && clients.filter(isFollower).length === 1
  })
  relay.route(next.port)
  return { old, next, replica }
}

async function kick (redis: RedisServer, which: 'follower' | 'publisher'): Promise<void> {
  for (const client of await clientsOf(redis)) {
    if (isFollower(client) === (which === 'follower')) await redis.cli('CLIENT', 'KILL', 'ID', client.id)
  }
}

for (const [how, without, isNoticedFirst] of [
  ['by the servers’ names', [], true],
  ['by what was written, where INFO is not allowed', ['info'], false]
] as const) {
  for (const moved of ['follower', 'publisher'] as const) {
    t.test(`the ${moved} alone is led to the new master: ${how}, the other follows`, async (t) => {
      const { old, next, replica } = await startTwoMasters(t, without)
      const before = replica.log.snapshot()
      await kick(old, moved)
      await until('it is on the new one', async () => (await clientsOf(next)).length >= 1)
      const bothMoved = (): Promise<void> =>
        until('both are on the new one',
          async () => (await clientsOf(old)).length === 0 && (await clientsOf(next)).length === 2)
      if (isNoticedFirst) await bothMoved()
      t.match(await replica.log.revoke(user('alice')), isNoticedFirst ? 'logged' : /^(?:logged|pending)$/)
      t.ok(replica.log.isVoid(ALICE, before))
      await bothMoved()
      await until('and it is written there', async () => (await count(next, 'alice')) >= 1)
      await settled(replica)
      t.equal(await replica.log.revoke(user('bob')), 'logged')
      t.same([await count(old, 'bob'), await count(next, 'bob')], [0, 1])
    })
  }

  t.test(`a change of generation that goes to the wrong master, ${how}`, async (t) => {
    const { old, next, replica } = await startTwoMasters(t, without)
    const generation = replica.generation()
    t.equal(await replica.log.revoke(user('alice')), 'logged')
    await next.cli('DEL', STREAM, HEAD)
    await kick(old, 'follower')
    await until(
      'a new generation where it is followed',
      async () =>
        replica.generation() !== generation && (await next.cli('HGET', HEAD, 'gen')) === replica.generation()
    )
    await settled(replica)
    t.equal(await count(next, 'alice'), 1, 'carried over')
    t.equal(await replica.log.revoke(user('bob')), 'logged')
    t.equal(await count(next, 'bob'), 1)
    t.same(replica.troubles.filter((what) => what.includes('three times')), [])
  })
}
