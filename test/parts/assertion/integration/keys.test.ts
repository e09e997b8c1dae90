import { createLocalJWKSet, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { LIFE_SECONDS } from '../../../../src/parts/assertion/assertions.ts'
import { MAX_AGE_SECONDS, PUBLISH_AHEAD_MS } from '../../../../src/parts/assertion/key-set.ts'
import {
  type AssertingReplica, HOUR, ISSUER, kidOf, KEY, startAssertingReplica
} from '../asserting-replica.ts'
import { type Environment, redisAt } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { startRelay } from '../../../helpers/relay.ts'
import { until } from '../../../helpers/until.ts'
import { runs } from '../../../helpers/runs.ts'

const MINUTE = 60_000
/** Long ago, so that a set of keys that is read is never young. */
const settled = { settleMs: 0 }

/** A verifier as jose makes one, whose key set is as old as its max-age lets it be. */
function createVerifier (clock: Readonly<{ wall: () => number }>, sources: readonly AssertingReplica[]) {
  let fetches = 0
  let set: Readonly<{ keys: ReturnType<typeof createLocalJWKSet>, at: number }> | undefined
  return {
    fetches: () => fetches,
    async verify (token: string): Promise<void> {
      const now = clock.wall()
      if (set === undefined || now - set.at >= MAX_AGE_SECONDS * 1000) {
        const source = sources[fetches++ % sources.length]
        set = { keys: createLocalJWKSet(JSON.parse((await source?.fetchKeys())?.body ?? '')), at: now }
      }
      // the replicas' clocks are a minute apart
      const times = { currentDate: new Date(now), clockTolerance: 120 }
      await jwtVerify(token, set.keys, { issuer: ISSUER, audience: 'app', ...times })
    }
  }
}

async function failures (count: number, check: (index: number) => Promise<void>): Promise<readonly string[]> {
  const errors: string[] = []
  for (let index = 0; index < count; index++) {
    await check(index).catch((error: unknown) => { errors.push(`${index}: ${String(error)}`) })
  }
  return errors
}

for (const [algorithm, count] of [['ES256', runs(4000, 50_000)], ['EdDSA', runs(2000)]] as const) {
  t.test(`${algorithm}: 0 of ${count} fail over rotations, clocks a minute apart`, async (t) => {
    const redis = await startRedis(t)
    const clocks = [manualClock(), manualClock()] as const
    clocks[1].setWall(clocks[0].wall() + MINUTE)
    const open = (clock: typeof clocks[0]): Promise<AssertingReplica> =>
      startAssertingReplica(t, { REDIS_URL: redis.url, clock, ASSERTION: algorithm, ...settled })
    const replicas = [await open(clocks[0]), await open(clocks[1])] as const
    await Promise.all(replicas.map(({ hasKey }) => hasKey()))
    const { verify, fetches } = createVerifier(clocks[0], replicas)
    const kids = new Set<string | undefined>()
    const began = clocks[0].wall()
    // so long that some twenty keys sign
    const stepMs = Math.round(20 * HOUR / count)
    const errors = await failures(count, async (index) => {
      const token = replicas[index % 2]?.sign('app') ?? ''
      kids.add(kidOf(token))
      // it goes out for half of its life, and travels
      const ageMs = index % (LIFE_SECONDS * 500)
      for (const clock of clocks) clock.advance(index % 7 === 0 ? Math.min(ageMs, stepMs * 7) : 0)
      await verify(token)
      for (const clock of clocks) clock.advance(index % 7 === 0 ? 0 : stepMs)
    })
    t.strictSame(errors, [])
    const hours = (clocks[0].wall() - began) / HOUR
    t.ok(kids.size >= Math.floor(hours) && kids.size >= 15, `${kids.size} keys in ${hours.toFixed(1)} hours`)
    t.ok(fetches() >= hours * 11, `${fetches()} fetches`)
    t.comment(`assertion: ${algorithm} ${count} verified, ${kids.size} keys, ${fetches()} key sets, 0 failed`)
  })
}

t.test('cut off for longer than a rotation, it signs with a key that others publish', async (t) => {
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const clock = manualClock()
  const cut = await startAssertingReplica(t, { ...redisAt(relay.port), clock, ...settled })
  const other = await startAssertingReplica(t, { REDIS_URL: redis.url, clock, ...settled })
  await Promise.all([cut.hasKey(), other.hasKey()])
  relay.to(undefined)
  await until('it is cut off', cut.shared.isDown)
  const { verify } = createVerifier(clock, [other])
  const errors = await failures(200, async () => {
    await verify(cut.sign('app') ?? '')
    clock.advance(2 * MINUTE)
  })
  t.strictSame(errors, [])
  t.strictSame(await cut.kids(), await other.kids(), 'and publishes what they publish')
})

t.test('the key set is served while Redis is down, by GET and HEAD', async (t) => {
  const redis = await startRedis(t)
  const replica = await startAssertingReplica(t, { REDIS_URL: redis.url, ...settled })
  await replica.hasKey()
  await redis.stop()
  await until('Redis is down', replica.shared.isDown)
  const { status, headers, body } = await replica.fetchKeys()
  t.equal(status, 200)
  t.match(headers, { 'cache-control': 'public, max-age=300', 'content-type': /^application\/json/ })
  t.equal(JSON.parse(body).keys.length, 3)
  t.notMatch(body, /"d"/)
  t.match(await replica.fetchKeys('HEAD'), { status: 200, body: '' })
  for (const method of ['POST', 'PUT', 'OPTIONS', 'DELETE']) t.equal((await replica.fetchKeys(method)).status, 404)
})

t.test('two replicas that start at once on an empty Redis have one set of keys', async (t) => {
  const redis = await startRedis(t)
  const clock = manualClock()
  const replicas = await Promise.all(
    Array.from({ length: 4 }, () => startAssertingReplica(t, { REDIS_URL: redis.url, clock, settleMs: 1000 }))
  )
  await until('all publish', async () =>
    (await Promise.all(replicas.map(({ fetchKeys }) => fetchKeys()))).every(({ status }) => status === 200))
  t.strictSame(replicas.map(({ kid }) => kid()), replicas.map(() => undefined), 'a new set does not sign yet')
  clock.advance(1000)
  t.equal(new Set(replicas.map(({ kid }) => kid())).size, 1)
  t.type(replicas[0]?.kid(), 'string')
})

t.test('FLUSHALL and a new replica: the keys come back, and no others sign', async (t) => {
  const redis = await startRedis(t)
  const clock = manualClock()
  const old = await startAssertingReplica(t, { REDIS_URL: redis.url, clock, ...settled })
  await old.hasKey()
  const kid = old.kid()
  clock.advance(5 * MINUTE)
  await redis.cli('FLUSHALL')
  const fresh = await startAssertingReplica(t, { REDIS_URL: redis.url, clock })
  await until('it knows the key', async () =>
    (await fresh.fetchKeys()).status === 200 && (await fresh.kids()).includes(kid ?? ''))
  // whichever of the two wrote first: a key of the new replica's own has not signed
  clock.advance(3000)
  t.equal(fresh.kid(), kid)
  t.equal(old.kid(), kid)
})

t.test('fleets that were apart: both sets are published, and the older one signs', async (t) => {
  const [one, two] = [await startRedis(t), await startRedis(t)]
  const relay = await startRelay(t, two.port)
  const clock = manualClock()
  const older = await startAssertingReplica(t, { REDIS_URL: one.url, clock, ...settled })
  await older.hasKey()
  clock.advance(5 * MINUTE)
  const younger = await startAssertingReplica(t, { ...redisAt(relay.port), clock, ...settled })
  await younger.hasKey()
  const [kid, youngerKid] = [older.kid() ?? '', younger.kid() ?? '']
  t.not(kid, youngerKid)
  relay.to(one.port)
  await until('each publishes both', async () =>
    (await Promise.all([older, younger].map(({ kids }) => kids()))).every((kids) =>
      kids.includes(kid) && kids.includes(youngerKid)))
  t.strictSame([older.kid(), younger.kid()], [kid, youngerKid], 'a key set that is kept has not the other one yet')
  clock.advance(PUBLISH_AHEAD_MS)
  t.strictSame([older.kid(), younger.kid()], [kid, kid])
  for (const one of [older, younger]) t.ok((await one.kids()).includes(youngerKid), 'what it signed is verified on')
  t.ok(younger.lines.some(({ msg }) => /two sets of assertion keys met/.test(String(msg))))
})

t.test('without Redis’ answer no key: no assertion, no key set, and one line', async (t) => {
  const relay = await startRelay(t, undefined)
  const replica = await startAssertingReplica(t, { ...redisAt(relay.port) })
  for (let count = 0; count < 10; count++) t.equal(replica.sign(), undefined)
  t.match(await replica.fetchKeys(), { status: 503, headers: { 'cache-control': 'no-store' } })
  t.equal(replica.lines.filter(({ msg }) => /no key for assertions yet/.test(String(msg))).length, 1)
  t.match(await replica.metrics.render(), /^forward_auth_assertions_total\{outcome="no_key"\} 10$/m)
  t.match(await replica.metrics.render(), /^forward_auth_assertion_key_available 0$/m)
  await replica.ready()
  const redis = await startRedis(t)
  relay.to(redis.port)
  await until('the key set is there', async () => (await replica.fetchKeys()).status === 200)
  t.equal(replica.sign(), undefined, 'a new set stands first')
  replica.clock.advance(3000)
  t.type(replica.sign(), 'string')
  t.match(await replica.metrics.render(), /^forward_auth_assertions_total\{outcome="signed"\} 1$/m)
  t.match(await replica.metrics.render(), /^forward_auth_assertion_keys_published 3$/m)
})

t.test('another CACHE_SECRET: an error that says what to do, and no key', async (t) => {
  const redis = await startRedis(t)
  const first = await startAssertingReplica(t, { REDIS_URL: redis.url, ...settled })
  await first.hasKey()
  const before = await redis.cli('GET', KEY)
  const wrong = await startAssertingReplica(t, { REDIS_URL: redis.url, CACHE_SECRET: 'x'.repeat(32), ...settled })
  await until('it says so', () => wrong.lines.some(({ level }) => level === 50 || level === 'error'))
  await wrong.ready()
  t.match(wrong.lines.filter(({ msg }) => /CACHE_SECRET_PREVIOUS/.test(String(msg)) && /delete the key/.test(String(msg))), [
    { key: KEY }
  ])
  t.equal(wrong.sign(), undefined)
  t.equal(await redis.cli('GET', KEY), before)
  await first.close()
  await redis.cli('DEL', KEY)
  await wrong.hasKey() // its own, with the other one gone
})

t.test('CACHE_SECRET is rotated: one set of keys throughout', async (t: Test) => {
  const redis = await startRedis(t)
  const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)]
  const clock = manualClock()
  const open = (secrets: Environment): Promise<AssertingReplica> =>
    startAssertingReplica(t, { REDIS_URL: redis.url, clock, secretCheckMs: 20, ...secrets, ...settled })
  const old = await open({ CACHE_SECRET: OLD })
  await old.hasKey()
  const kid = old.kid()
  const both = await open({ CACHE_SECRET: NEW, CACHE_SECRET_PREVIOUS: OLD })
  await both.hasKey()
  t.equal(both.kid(), kid)
  await old.close()
  const sealed = await redis.cli('GET', KEY) // by the old one, as long as the clock stands still
  // the check of the old one ends by Redis' clock, and two intervals later by ours
  await until('the fleet writes under the new one', () => {
    clock.advance(100)
    return both.shared.redis?.secretCheck.writesPrevious() === false
  })
  await until('the keys are sealed again', async () => await redis.cli('GET', KEY) !== sealed)
  const next = await open({ CACHE_SECRET: NEW })
  await next.hasKey()
  t.equal(sidOf(next.sign()), sidOf(both.sign()), 'and a session keeps its sid')
  t.strictSame(await next.kids(), await both.kids())
})

function sidOf (token = ''): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid
}
