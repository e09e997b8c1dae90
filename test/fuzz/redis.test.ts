import fc from 'fast-check'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { startInProcess, type InProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'

/** What a writer who knows no secret can do to the entry of one credential, given another's. */
type Tamper = (redis: Redis, entry: string, other: string) => Promise<unknown>

const bytes = fc.uint8Array({ maxLength: 64 }).map(list => Buffer.from(list))
const life = fc.constantFrom(1, 1000, 30_000, 2 ** 40)
const lease = (entry: string): string => entry.replace(/entry$/, 'lease')

const tamper: fc.Arbitrary<Tamper> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constant<Tamper>(async (redis, entry, other) => {
      const value = await redis.getBuffer(other)
      if (value !== null) await redis.set(entry, value, 'PX', 30_000)
    })
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(), fc.nat(7), life).map(([at, bit, ms]): Tamper => async (redis, entry) => {
      const value = await redis.getBuffer(entry)
      if (value !== null) await redis.set(entry, flip(value, at % value.length, bit), 'PX', ms)
    })
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), bytes).map(([at, more]): Tamper => async (redis, entry) => {
      const value = await redis.getBuffer(entry)
      if (value !== null) {
        await redis.set(entry, Buffer.concat([value.subarray(0, at % value.length), more]), 'PX', 30_000)
      }
    })
  },
  {
    weight: 2,
    arbitrary: fc.tuple(bytes, life).map(([value, ms]): Tamper => (redis, entry) => redis.set(entry, value, 'PX', ms))
  },
  { weight: 1, arbitrary: life.map((ms): Tamper => (redis, entry) => redis.pexpire(entry, ms)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Tamper>((redis, entry) => redis.persist(entry), (redis, entry) => redis.del(entry))
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Tamper>(
      async (redis, entry) => {
        await redis.del(entry)
        await redis.rpush(entry, 'x')
      },
      async (redis, entry) => {
        await redis.del(entry)
        await redis.hset(entry, 'valid', 'true')
      },
      async (redis, entry) => {
        await redis.del(entry)
        await redis.xadd(entry, '*', 'a', 'b')
      }
    )
  },
  {
    weight: 2,
    arbitrary: fc.tuple(bytes, life).map(([value, ms]): Tamper => async (redis, entry) => {
      await redis.del(entry)
      await redis.set(lease(entry), value, 'PX', Math.min(ms, 30_000))
    })
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Tamper>(
      async (redis, entry) => {
        await redis.del(entry)
        await redis.set(lease(entry), 'x')
      },
      async (redis, entry) => {
        await redis.del(entry)
        await redis.rpush(lease(entry), 'x')
      }
    )
  }
)

t.test("a hostile writer to Redis swaps nobody's identity and logs nobody out", async (t) => {
  const { simulator, one, other, redis, unforeseen } = await startFleet(t)
  let count = 0
  await holds(
    t,
    fc.asyncProperty(
      tamper,
      fc.constantFrom('alice', 'bob', undefined),
      fc.constantFrom('alice', 'bob'),
      async (tamper, name, second) => {
        const token =
          name === undefined ? `N${String(++count).padStart(31, '0')}` : simulator.controls.signIn(name).accessToken
        const [entry, another] = [
          await entryOf(redis, one, token),
          await entryOf(redis, one, simulator.controls.signIn(second).accessToken)
        ]
        await tamper(redis, entry, another)
        const answer = await ends('a request', verify(other, token))
        const expected = name === undefined ? undefined : demo[name === 'alice' ? 'alice' : 'bob'].id
        if (
          answer.status !== (expected === undefined ? 401 : 200) || answer.headers['x-authgear-user-id'] !== expected
        ) {
          throw new Error(`${answer.status} ${String(answer.headers['x-authgear-user-id'])} instead of ${expected}`)
        }
        unforeseen()
      }
    ),
    120
  )
})

const field = fc.oneof(
  fc.constantFrom('', '0', '-1', '1e999', 'user', 'everything', 'generation', '__proto__', demo.alice.id),
  fc.string({ maxLength: 12 }),
  fc.uint8Array({ maxLength: 12 }).map((list) => Buffer.from(list).toString('latin1'))
)
const strange = fc.record(
  {
    gen: field,
    nonce: field,
    of: field,
    kind: field,
    value: field,
    origin: field,
    quiet: field,
    secret: field,
    tag: field,
    prev: field,
    more: field
  },
  { requiredKeys: [] }
)

t.test('a hostile writer to the log lets no revoked session in and nobody out', async (t) => {
  const { simulator, one, other, redis, unforeseen } = await startFleet(t)
  const [stream = ''] = await redis.keys('*:stream')
  const head = stream.replace(/stream$/, 'head')
  await holds(
    t,
    fc.asyncProperty(
      fc.array(strange, { minLength: 1, maxLength: 3 }),
      fc.option(strange),
      async (entries, newHead) => {
        const [gone, stays] = [
          simulator.controls.signIn('alice').accessToken, simulator.controls.signIn('bob').accessToken
        ]
        for (const replica of [one, other]) for (const token of [gone, stays]) await verify(replica, token)
        for (const entry of entries) await redis.xadd(stream, '*', ...flat(entry)).catch(() => {})
        if (newHead !== null) await redis.hset(head, ...flat(newHead))
        simulator.controls.revoke(gone)
        await one.service.revocations?.revocations.revoke({
          target: { kind: 'user', userId: demo.alice.id }, origin: 'management', quietMs: 0
        })
        if ((await ends('a request', verify(one, gone))).status !== 401) {
          throw new Error('revoked, and let in where it was taken')
        }
        await until('the other refuses too', async () => (await verify(other, gone)).status === 401)
        for (const replica of [one, other]) {
          if ((await verify(replica, stays)).headers['x-authgear-user-id'] !== demo.bob.id) {
            throw new Error('bob is logged out')
          }
        }
        unforeseen()
      }
    ),
    12
  )
})

async function startFleet (t: Test) {
  const server = await startRedis(t)
  const redis = new Redis(server.port)
  t.teardown(() => redis.disconnect())
  const simulator = await startSimulator(t)
  const options = {
    AUTHGEAR_ENDPOINT: simulator.url,
    REDIS_URL: `redis://127.0.0.1:${server.port}`,
    // longer than a test waits: Authgear's own refusal would hide a revocation that never came
    CACHE_TTL: '10m',
    CACHE_DEGRADED_TTL: '500ms',
    leaseWaitMs: 300
  }
  const [one, other] = [await startInProcess(t, options), await startInProcess(t, options)]
  await until('both follow the log', () => [one, other].every(({ service }) => service.redisState() === 'up'))
  // a log that was tampered with is told as an error too
  const checks = [one, other].map(({ lines }) =>
    nothingUnforeseen(lines, ({ msg }) => String(msg).includes('unexpected error'))
  )
  return { redis, simulator, one, other, unforeseen: () => checks.forEach(check => check()) }
}

function verify ({ port }: InProcess, token: string): ReturnType<typeof ask> {
  return ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })
}

/** Asks, and waits until the answer is in Redis. @returns the entry's name */
async function entryOf (redis: Redis, replica: InProcess, token: string): Promise<string> {
  const before = new Set(await redis.keys('*:entry'))
  await verify(replica, token)
  let found: string | undefined
  await until('the entry is there',
    async () => (found = (await redis.keys('*:entry')).find((name) => !before.has(name))) !== undefined)
  return found ?? ''
}

function flip (value: Buffer, at: number, bit: number): Buffer {
  const flipped = Buffer.from(value)
  flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at)
  return flipped
}

function flat (fields: Readonly<Record<string, string | undefined>>): string[] {
  const all = Object.entries(fields).flatMap(([name, value]) => [name, value ?? ''])
  return all.length === 0 ? ['x', ''] : all
}
