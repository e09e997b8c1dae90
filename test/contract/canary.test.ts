import t from 'tap'
import { createSecretCheck } from '../../src/base/cache/secret-check.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createSealer } from '../../src/base/crypto/sealing.ts'
import { deriveKeys, secretBytes } from '../../src/base/core/cache-key.ts'
import { connectRedis } from '../../src/base/redis/connect.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { startRedis } from '../helpers/redis.ts'
import { settingsFor } from '../helpers/redis-settings.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

const NAME = 'test:canary'
const [OLD, NEW] = ['the old secret, of 32 bytes or so', 'the new secret, of 32 bytes or so']

t.test('replicas see whether they share a secret', async (t) => {
  const redis = await startRedis(t)
  const connection = connectRedis(settingsFor(redis.port), { up: () => {}, down: () => {} })
  t.teardown(connection.close)
  await until('it is connected', connection.isUp)
  const canaryOf = (secret: string | undefined) =>
    createSecretCheck({
      commands: connection.commands,
      sealer: createSealer(deriveKeys(secretBytes(secret)).sealing),
      name: NAME,
      clock: systemClock
    })
  const [first, second, unprotected] = [canaryOf(OLD), canaryOf(NEW), canaryOf(undefined)]

  t.equal((await first.read()).kind, 'none')
  t.equal(await redis.cli('EXISTS', NAME), 0, 'who only reads leaves nothing')
  t.equal((await first.refresh(true)).kind, 'current')
  t.equal((await canaryOf(OLD).refresh(true)).kind, 'current')
  for (const canary of [second, unprotected]) t.equal((await canary.refresh(true)).kind, 'foreign')
  t.equal((await first.read()).kind, 'current', 'a foreign one is left alone')

  await redis.cli('PEXPIRE', NAME, '30000')
  await second.refresh(true)
  t.ok(Number(await redis.cli('PTTL', NAME)) <= 30_000, 'those of the new secret do not keep the old one alive')
  await first.refresh(true)
  const life = Number(await redis.cli('PTTL', NAME))
  t.ok(life > 60_000 && life <= 180_000, 'those of the old one do, for longer than until their next beat')

  await redis.cli('DEL', NAME) // as when all replicas with the old secret have ended, three minutes ago
  t.equal((await second.refresh(true)).kind, 'current')
  t.equal((await first.read()).kind, 'foreign')
  for (const text of ['', 'junk', Buffer.alloc(200).toString('base64')]) {
    await redis.cli('SET', NAME, text)
    t.equal((await first.refresh(true)).kind, 'foreign', 'what somebody wrote there opens as little')
  }
  await redis.stop()
  t.equal((await first.refresh(true)).kind, 'unreachable')
})

t.test('of two beats at once one is left, and each sees it', async (t) => {
  const redis = await startRedis(t)
  const connection = connectRedis(settingsFor(redis.port), { up: () => {}, down: () => {} })
  t.teardown(connection.close)
  await until('it is connected', connection.isUp)
  const beats = [OLD, NEW].map((secret) =>
    createSecretCheck({
      commands: connection.commands,
      sealer: createSealer(deriveKeys(secretBytes(secret)).sealing),
      name: NAME,
      clock: systemClock
    }).refresh(true)
  )
  t.strictSame((await Promise.all(beats)).map(({ kind }) => kind).sort(), ['current', 'foreign'])
})

t.test('a replica that meets another secret says so, once', async (t) => {
  const [authgear, redis] = await Promise.all([startSimulator(t), startRedis(t)])
  const first = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, REDIS_URL: redis.url, CACHE_SECRET: OLD })
  await until('the canary is there', async () => (await redis.cli('KEYS', '*:canary') as string[]).length === 1)
  const second = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, REDIS_URL: redis.url, CACHE_SECRET: NEW })
  const told = (lines: typeof second.lines) =>
    lines.filter(({ msg }) => String(msg).startsWith('a replica with another CACHE_SECRET'))
  await until('it is told', () => told(second.lines).length === 1)
  t.match(told(second.lines), [{ level: 'warn' }])
  t.strictSame(told(first.lines), [])
})
