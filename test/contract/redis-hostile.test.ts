import t, { type Test } from 'tap'
import type { CacheRead } from '../../src/base/cache/types.ts'
import { createKeyer, deriveKeys } from '../../src/base/core/cache-key.ts'
import { encodeEntry } from '../../src/base/cache/entry-codec.ts'
import { credentials } from '../helpers/credentials.ts'
import { entryOf } from '../helpers/entry.ts'
import { USER_ID, validResolution } from '../helpers/identity.ts'
import { keyOf, leasedCache, redisTier, sealerOf, SECRET, type TestTier } from '../helpers/redis-tier.ts'
import { startRedis } from '../helpers/redis.ts'
import { until } from '../helpers/until.ts'

const MINUTE = 60_000
const [A, B] = [keyOf('a'), keyOf('b')]

t.test('whatever an attacker writes into Redis', async t => {
  const redis = await startRedis(t)

  /** A tier with an entry of A's in it, and the bytes that Redis holds of it. */
  async function filled (t: Test) {
    const tier = await redisTier(t, redis.port)
    const cache = leasedCache(tier)
    await cache.write(A, entryOf(), 27_345)
    const stored = await tier.commands.getBuffer(tier.nameOf(A))
    if (stored === null) throw new Error('nothing was stored')
    const put = async (bytes: Buffer, key = A): Promise<CacheRead> => {
      await tier.commands.setPx(tier.nameOf(key), bytes, 20_000)
      return await cache.read(key)
    }
    t.equal((await cache.read(A)).kind, 'hit', 'the control')
    return { tier, cache, stored, put }
  }

  t.test('opens only a value sealed under this secret for this key', async t => {
    const { put, stored } = await filled(t)
    const plain = encodeEntry(entryOf())
    const rows: Readonly<Record<string, Buffer>> = {
      'an empty string': Buffer.alloc(0),
      'one byte': Buffer.of(1),
      text: Buffer.from('{"user":"eve"}'),
      'an entry that is not sealed': plain,
      'zeros of the same length': Buffer.alloc(stored.length),
      'sealed by a foreign secret': sealerOf(Buffer.alloc(32, 2)).seal(A, plain),
      'sealed for another key': sealerOf(SECRET).seal(B, plain),
      'another format byte': Buffer.concat([Buffer.of(2), stored.subarray(1)]),
      'a byte behind it': Buffer.concat([stored, Buffer.of(0)])
    }
    for (const [what, bytes] of Object.entries(rows)) {
      t.strictSame(await put(bytes), { kind: 'rejected', why: 'unopenable' }, what)
    }
  })

  t.test('two entries that were swapped open under neither key', async t => {
    const { tier, cache, put } = await filled(t)
    await cache.write(B, entryOf({ resolution: validResolution({ 'user-id': 'bob' }) }), 20_000)
    const [a, b] = await Promise.all([A, B].map(key => tier.commands.getBuffer(tier.nameOf(key))))
    t.strictSame(await put(b ?? Buffer.alloc(0), A), { kind: 'rejected', why: 'unopenable' })
    t.strictSame(await put(a ?? Buffer.alloc(0), B), { kind: 'rejected', why: 'unopenable' })
  })

  t.test('truncated anywhere, or one bit flipped in any byte, it is rejected', async t => {
    const { tier, cache, stored } = await filled(t)
    const broken = Array.from(stored, (_, at) => [stored.subarray(0, at), flip(stored, at)]).flat()
    const kinds = await Promise.all(broken.map(async (bytes, i) => {
      const key = A
      const name = `${tier.keyPrefix}${i}`
      await tier.commands.setPx(name, bytes, 20_000)
      const reads = leasedCache({
        ...tier, commands: { ...tier.commands, getWithTtl: () => tier.commands.getWithTtl(name) }
      })
      return (await reads.read(key)).kind
    }))
    t.strictSame([...new Set(kinds)], ['rejected'])
    t.equal(kinds.length, stored.length * 2)
    t.equal((await cache.read(A)).kind, 'hit')
  })

  t.test('sealed by us and yet no entry', async t => {
    const { put, tier } = await filled(t)
    const plain = encodeEntry(entryOf())
    const later = Buffer.concat([Buffer.of(2), plain.subarray(1)])
    for (const [what, bytes] of Object.entries({
      'a later version': later, nothing: Buffer.alloc(0), text: Buffer.from('eve'), half: plain.subarray(0, 40)
    })) {
      t.strictSame(await put(tier.sealer.seal(A, bytes)), { kind: 'rejected', why: 'malformed' }, what)
    }
  })

  t.test('an entry that was put back after its life is rejected', async t => {
    const { put, tier, stored } = await filled(t)
    const ttlMs = 27_345
    tier.clock.advance(ttlMs + 5 * MINUTE)
    t.equal((await put(stored)).kind, 'hit', 'five minutes over it are the tolerance for clocks that differ')
    tier.clock.advance(1)
    t.strictSame(await put(stored), { kind: 'rejected', why: 'revived' })
    tier.clock.advance(365 * 24 * 60 * MINUTE)
    t.strictSame(await put(stored), { kind: 'rejected', why: 'revived' })
  })

  t.test('rejects an entry sealed by a clock far ahead, which could be put back later', async t => {
    const { put, tier, stored } = await filled(t)
    tier.clock.advance(-5 * MINUTE)
    t.equal((await put(stored)).kind, 'hit')
    tier.clock.advance(-1)
    t.strictSame(await put(stored), { kind: 'rejected', why: 'revived' })
  })

  t.test('an entry that was made endless is rejected', async t => {
    const { cache, tier } = await filled(t)
    await redis.cli('PERSIST', tier.nameOf(A))
    t.strictSame(await cache.read(A), { kind: 'rejected', why: 'endless' })
    await cache.write(A, entryOf(), 20_000)
    t.equal((await cache.read(A)).kind, 'hit', 'and the next write heals it')
  })

  t.test('another type under the key is an error, never an exception', async t => {
    const { cache, tier } = await filled(t)
    for (const command of [['RPUSH', 'x'], ['SADD', 'x'], ['HSET', 'f', 'x'], ['XADD', '*', 'f', 'x']] as const) {
      await redis.cli('DEL', tier.nameOf(A))
      await redis.cli(command[0], tier.nameOf(A), ...command.slice(1))
      t.equal((await cache.read(A)).kind, 'rejected', command[0])
      await redis.cli('PEXPIRE', tier.nameOf(A), '20000')
      t.equal((await cache.read(A)).kind, 'rejected', `${command[0]}, with a life`)
    }
  })

  t.test('values in Redis reveal no token, user, role or project', async t => {
    const tier = await redisTier(t, redis.port)
    const secrets = {
      bearer: 'bearer-of-a-user',
      appSession: 'app-session-of-a-user',
      appAccessToken: 'app-token-of-a-user',
      session: 'session-id-of-a-user.its-secret'
    }
    const keyer = createKeyer(deriveKeys(SECRET).digest, {
      endpoint: 'https://myapp.authgear.cloud', cookiePrefix: 'lab_'
    })
    const sent = credentials(secrets)
    await leasedCache(tier).write(
      keyer.cacheKey(sent),
      entryOf({ resolution: validResolution({ 'user-roles': 'a-role-of-a-user' }), digests: keyer.digests(sent) }),
      20_000
    )
    const dump = await dumpOf((...command) => redis.cli(...command))
    t.ok(dump.includes(keyer.cacheKey(sent)), 'the control: the key is in the dump')
    const told = [
      ...Object.values(secrets), 'session-id-of-a-user', 'its-secret', 'of-a-user', USER_ID, 'authgear', 'lab_', 'true',
      ...keyer.digests(sent)
    ]
    for (const text of told) t.notOk(dump.includes(text), text)
  })
})

t.test('Redis that does not answer', async t => {
  const redis = await startRedis(t)
  const tier: TestTier = await redisTier(t, redis.port, { timeoutMs: 50 })
  const cache = leasedCache(tier)
  await cache.write(A, entryOf(), 20_000)

  t.test('frozen, it is unreachable within its time, and never a miss', async t => {
    redis.pause()
    t.teardown(() => redis.resume())
    const began = performance.now()
    const slow = { kind: 'unreachable', error: { code: 'REDIS_TOO_SLOW' } }
    t.match(await cache.read(A), slow, 'its own time-out, not the connection\'s ten times as long')
    t.equal((await cache.write(A, entryOf(), 20_000)).kind, 'unreachable')
    t.ok(performance.now() - began < 20_000, 'two commands of 50 ms, however slow the machine is')
  })

  t.test('stopped, it is unreachable at once', async t => {
    await redis.stop()
    t.equal((await cache.read(A)).kind, 'unreachable')
    t.equal((await cache.write(A, entryOf(), 20_000)).kind, 'unreachable')
    await until('it is noticed', () => !tier.connection.isUp())
  })
})

function flip (bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at)
  return flipped
}

/** Names and contents of everything there is, as text. */
async function dumpOf (cli: (...command: [string, ...string[]]) => Promise<unknown>): Promise<string> {
  const names = await cli('KEYS', '*') as string[]
  const values = await Promise.all(
    names.map(async (name) => ((await cli('TYPE', name)) === 'string' ? await cli('GET', name) : ''))
  )
  return [...names, ...values].join('\n')
}
