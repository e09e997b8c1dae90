import t from 'tap'
import { about, user } from '../helpers/log-entry.ts'
import { startRedis } from '../helpers/redis.ts'
import { openLogReplica, PATIENCE_MS, settled } from '../helpers/stream-log.ts'
import { until } from '../helpers/until.ts'

const LIMITS = { webhook: 1, management: 10, audit: 10, logout: 10 } as const

t.test('a replica that stops publishes the revocations that wait beyond the budget', async (t) => {
  const redis = await startRedis(t)
  const open = () => openLogReplica(t, redis.port, { keyPrefix: 'test:{log:project}', limits: LIMITS })
  const [stopping, other] = [open(), open()]
  await settled(stopping, other)
  t.equal(await stopping.log.revoke(user('within')), 'logged')
  t.equal(await stopping.log.revoke(user('beyond')), 'logged', 'the first beyond goes in at once, as everything')
  await settled(stopping, other)
  const before = other.log.snapshot()
  stopping.pendAfter(10)
  t.equal(await stopping.log.revoke(user('late')), 'pending', 'the next waits for ten seconds')
  stopping.pendAfter(PATIENCE_MS)
  const late = stopping.log.revoke(user('late'))
  await stopping.close() // as a rolling restart does; Authgear does not send the event again
  await until('the other replica knows of it, before ten seconds', () => other.log.isVoid(about('late'), before), 9000)
  t.equal(await late, 'logged')
  t.strictSame(stopping.troubles, [])
})

t.test('a replica that stops without Redis gives up after 3 s and counts what is lost', async (t) => {
  const redis = await startRedis(t)
  const replica = openLogReplica(t, redis.port, { keyPrefix: 'test:{log:project}' })
  await settled(replica)
  await redis.stop()
  replica.pendAfter(10)
  t.strictSame(await Promise.all(['alice', 'bob'].map((name) => replica.log.revoke(user(name)))), [
    'pending', 'pending'
  ])
  await replica.close()
  const lines = replica.troubles.filter((what) => what.includes('this replica is stopping'))
  t.strictSame(lines, [
    'this replica is stopping, and Redis did not accept 2 of its revocations (2 user): other replicas do not know ' +
      'of them'
  ])
})
