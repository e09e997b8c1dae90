import { readFileSync } from 'node:fs'
import t from 'tap'
import { createLeases, systemTiming } from '../../src/base/cache/lease.ts'
import type { CacheKey } from '../../src/base/core/cache-key.ts'
import { partKey } from '../../src/base/redis/keys.ts'
import { createRedisStore } from '../../src/parts/audit-log/store.ts'
import { openStores, type StoreDeps } from '../../src/parts/login/open-own.ts'
import { announce } from '../../src/parts/status/announce.ts'
import { user } from '../helpers/log-entry.ts'
import { HEAD, PREFIX, script, start, STREAM } from '../helpers/log-in-redis.ts'
import { redisTier, sealerOf, SECRET } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

/*
 * What scripts and plain commands leave in Redis, which is not sealed and has no number: names of fields, words and
 * digits. Another release reads it beside this one and after a rollback, so that none of it changes: what is more goes
 * to another key (docs/inside/contributing-tasks.md, "The form of what is kept in Redis"). Sealed values: unit/forms.
 */
const SCRIPT = readFileSync('src/base/revocation/log.lua', 'utf8')
const MORE_THAN_ARE_KEPT = "for n = 1, 1100 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end"
const namesOf = (fields: unknown): readonly unknown[] => (fields as readonly unknown[]).filter((_, at) => at % 2 === 0)

t.test('the revocation log: the fields of its head, an entry, and its mark', async (t) => {
  const { redis, open } = await start(t)
  const replica = open()
  await settled(replica)
  t.equal(await replica.log.revoke(user('bob')), 'logged')
  const head = ['gen', 'id', 'nonce', 'replid']
  t.strictSame((await redis.cli('HKEYS', HEAD) as string[]).toSorted(), head)
  const [newest] = await redis.cli('XREVRANGE', STREAM, '+', '-', 'COUNT', '1') as [[string, string[]]]
  t.strictSame(namesOf(newest[1]), [
    'gen', 'nonce', 'prev', 'salt', 'of', 'kind', 'value', 'origin', 'quiet', 'ends', 'secret', 'tag'
  ])
  await replica.close() // it would begin a new generation at these
  await script(redis, MORE_THAN_ARE_KEPT)
  await redis.cli('EVAL', SCRIPT, '2', STREAM, HEAD, 'trim', '', '0')
  t.strictSame((await redis.cli('HKEYS', HEAD) as string[]).toSorted(), [...head, 'first', 'since'].toSorted())
})

t.test('the mark that Redis replicas acknowledge is an empty stream beside the log', async (t) => {
  const { redis, open } = await start(t)
  await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(redis.port)] })
  await settled(open())
  const read = (): Promise<unknown> => redis.cli('XRANGE', `${PREFIX}:mark`, '-', '+')
  await until('a mark', async () => (await read() as unknown[]).length > 0, 20_000)
  t.match(await read(), [[/^\d+-\d+$/, ['mark', '']]])
})

const KEY = 'k' as CacheKey

t.test('announcements, leases, claims, codes and queues', async (t) => {
  const redis = await startRedis(t)
  const { commands, keyPrefix, clock } = await redisTier(t, redis.port)
  const text = (name: string): Promise<unknown> => redis.cli('GET', name)

  await announce(commands, 'replicas', { id: 'a', says: 'serving ok host', windowMs: 600_000, most: 1 })
  t.match(await redis.cli('XRANGE', 'replicas', '-', '+'), [[/^\d+-\d+$/, ['name', 'a', 'says', 'serving ok host']]])

  const timing = { leaseMs: 60_000, maxHoldMs: 60_000, repeat: systemTiming.repeat, clock }
  await createLeases({ commands, keyPrefix, ...timing }).take(KEY, 'a token')
  t.equal(await text(`${keyPrefix}{k}:lease`), 'a token')

  const audit = createRedisStore({ commands, keyOf: (purpose) => partKey('{log}', purpose), leaseMs: 60_000 })
  await audit.hold()
  await audit.claimGap()
  for (const purpose of ['audit-lease', 'audit-gap']) t.match(await text(`{log}:${purpose}`), /^[0-9a-f]{32}$/, purpose)

  const sealing = { sealer: sealerOf(SECRET), previous: undefined, writesPrevious: () => false }
  const { codes, grants, store } = openStores({
    clock,
    maxBytes: 1e6,
    redis: { patient: commands, keyPrefix, sealing },
    keysFor: () => ({ current: SECRET, previous: undefined }),
    keyer: { cacheKeys: () => ({ current: KEY, previous: undefined }) }
  } as unknown as StoreDeps)
  await codes?.setIfAbsent('a-code', 60_000)
  t.equal(await text(`${keyPrefix}own:{a-code}:code`), 'used')
  const cookie = { keys: { current: KEY, previous: undefined }, digests: { whole: [], all: [] } }
  t.equal(await store.claimRefresh(cookie, 7), 'ours')
  t.match(await text(`${keyPrefix}own:{k}:refresh-7`), /^[\w-]{16}$/)
  for (const name of ['one', 'two']) await grants?.add({ name, refreshToken: 'r' })
  t.match(await text(`${keyPrefix}own:{k}:ended-grants`), /^one \d+ \d+ [\w-]+\ntwo \d+ \d+ [\w-]+$/)
})
