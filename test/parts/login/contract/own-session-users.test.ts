import t from 'tap'
import { type CacheKey, type CacheKeys, createKeyer, deriveKeys } from '../../../../src/base/core/cache-key.ts'
import {
  createListsInMemory, createListsInRedis, createUserSessions, MAX_SESSIONS, type UserSessions
} from '../../../../src/parts/login/sessions/users.ts'
import { ownKey } from '../../../../src/parts/login/sessions/record.ts'
import { TRIED } from '../../../helpers/redis-forms.ts'
import { redisTier, SECRET, sealerOf, type TestTier } from '../../../helpers/redis-tier.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { runs } from '../../../helpers/runs.ts'
import { skipOrFail } from '../../../helpers/servers.ts'

const { userKey } = createKeyer(deriveKeys(SECRET).digest, {
  endpoint: 'https://auth.example.com', cookiePrefix: ''
})
const nameOf = (userId: string, host: string) => userKey('user', userId, host)
const ALICE = { userId: 'alice', host: 'app.example.com' } as const
const LIFE_MS = 60_000
const keysOf = (n: number): CacheKeys => ({ current: `${n}`.padStart(43, 'k') as CacheKey, previous: undefined })
const numbersOf = (all: readonly CacheKeys[]): readonly number[] =>
  all.map(({ current }) => Number(current.replaceAll('k', '')))

/** A replica of its own. */
const replicaOf = ({ commands, keyPrefix, sealer }: TestTier): UserSessions =>
  createUserSessions({ nameOf, lists: createListsInRedis({ commands, keyPrefix, sealer, lifeMs: LIFE_MS }) })

for (const { name, server, start } of TRIED) {
  const skip = skipOrFail(server)
  t.test(`one session too many ends the oldest, whichever replica: ${name}`.slice(0, 80), { skip }, async (t) => {
    const { servers, settings } = await start(t)
    const tier = await redisTier(t, servers, { timeoutMs: 5000, ...settings })
    const replicas = [replicaOf(tier), replicaOf(tier)] as const
    for (let n = 0; n < MAX_SESSIONS; n++) t.strictSame(await replicas[n % 2 === 0 ? 0 : 1].add(ALICE, keysOf(n)), [])
    const [one, other] = replicas
    t.strictSame(numbersOf(await one.add(ALICE, keysOf(1000))), [0])
    await other.remove(ALICE, keysOf(5))
    t.strictSame(await one.add(ALICE, keysOf(1001)), [], 'one that ended made room')
    t.strictSame(await one.add(ALICE, keysOf(1002), keysOf(1)), [], 'one in the place of another')
    t.strictSame(numbersOf(await other.add(ALICE, keysOf(1003))), [2])
    const rotated = { current: keysOf(1004).current, previous: keysOf(4).current }
    t.strictSame(numbersOf(await other.add(ALICE, rotated)), [3])
    await one.remove(ALICE, keysOf(1004))
    t.strictSame(await one.add(ALICE, keysOf(1005)), [], 'listed under both secrets, and signed out under one')
    for (const owner of [{ ...ALICE, userId: 'bob' }, { ...ALICE, host: 'wiki.other.org' }]) {
      t.strictSame(await one.add(owner, keysOf(1004)), [], 'another user, another host')
    }
  })
}

t.test('sign-ins at once on many replicas are all counted', async (t) => {
  const tier = await redisTier(t, (await startRedis(t)).port, { timeoutMs: 30_000 })
  const replicas = Array.from({ length: 5 }, () => replicaOf(tier))
  const beyond = await Promise.all(Array.from({ length: 3 * MAX_SESSIONS }, (_, n) =>
    replicas[n % replicas.length]?.add(ALICE, keysOf(n)) ?? []))
  t.equal(new Set(numbersOf(beyond.flat())).size, 2 * MAX_SESSIONS, 'each beyond the bound ends once')
})

/** The worst that one account can do. */
const MANY = runs(1000, 10_000)

t.test(`an account that signs in ${MANY} times has one list of bounded bytes`, async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 5000 })
  const users = replicaOf(tier)
  let ended = 0
  for (let n = 0; n < MANY; n++) ended += (await users.add(ALICE, keysOf(n))).length
  t.equal(ended, MANY - MAX_SESSIONS)
  const [key, ...others] = await redis.cli('KEYS', `${tier.keyPrefix}*`) as string[]
  t.strictSame(others, [])
  const bytes = Number(await redis.cli('STRLEN', key ?? ''))
  t.ok(bytes < MAX_SESSIONS * 44 + 100, `${bytes} bytes`)
  t.ok(Number(await redis.cli('PTTL', key ?? '')) > 0, 'and an end')
})

t.test('what is there and is not ours keeps nobody from signing in', async (t) => {
  const tier = await redisTier(t, (await startRedis(t)).port)
  const name = nameOf(ALICE.userId, ALICE.host)
  const foreign = sealerOf(Buffer.alloc(32, 9)).seal(`user ${name} 0000000003`, Buffer.from('x'))
  const texts = ['', 'x', '9999999999', '9999999999 and more'].map((text) => Buffer.from(text))
  for (const value of [...texts, Buffer.concat([Buffer.from('0000000003'), foreign])]) {
    await tier.commands.setPx(ownKey(tier.keyPrefix, name, 'user'), value, LIFE_MS)
    const users = replicaOf(tier)
    for (let n = 0; n < MAX_SESSIONS; n++) await users.add(ALICE, keysOf(n))
    t.strictSame(numbersOf(await users.add(ALICE, keysOf(1000))), [0])
  }
})

t.test('a list of another type or a forged version keeps nobody from signing in', async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port)
  const key = ownKey(tier.keyPrefix, nameOf(ALICE.userId, ALICE.host), 'user')
  const users = replicaOf(tier)
  await redis.cli('SADD', key, 'x')
  t.strictSame(await users.add(ALICE, keysOf(1)), [])
  await redis.cli('SETRANGE', key, '0', '9999999999')
  t.strictSame(await users.add(ALICE, keysOf(2)), [])
  for (let n = 3; n < MAX_SESSIONS + 2; n++) t.strictSame(await users.add(ALICE, keysOf(n)), [])
  t.strictSame(numbersOf(await users.add(ALICE, keysOf(1000))), [2], 'and it counts again')
})

t.test('without Redis the lists have the bytes that they are given, and no more', async (t) => {
  const users = createUserSessions({ nameOf, lists: createListsInMemory(100_000) })
  for (let n = 0; n < 10_000; n++) await users.add({ ...ALICE, userId: `user-${n}` }, keysOf(n))
  for (let n = 0; n < MAX_SESSIONS; n++) await users.add(ALICE, keysOf(n))
  t.strictSame(numbersOf(await users.add(ALICE, keysOf(1000))), [0])
})

t.test('while Redis gives no answer nothing is added', async (t) => {
  const redis = await startRedis(t)
  const tier = await redisTier(t, redis.port, { timeoutMs: 100 })
  const users = replicaOf(tier)
  await redis.stop()
  await t.rejects(users.add(ALICE, keysOf(1)))
})

t.test('a list that others change all the time is given up', async (t) => {
  let tries = 0
  const lists = { read: async () => ({ version: 0, text: '' }), write: async () => { tries++; return false } }
  await t.rejects(createUserSessions({ nameOf, lists }).add(ALICE, keysOf(1)))
  t.equal(tries, 100, 'after so many tries')
})
