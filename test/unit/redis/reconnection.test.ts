import t from 'tap'
import { createReconnection, reconnectDelay } from '../../../src/base/redis/reconnection.ts'

t.test('each attempt waits longer, a second at most, and no two replicas the same time', async t => {
  t.strictSame(
    [1, 2, 3, 4, 5, 6, 1000].map((attempt) => reconnectDelay(attempt, 1)), [100, 200, 400, 800, 1000, 1000, 1000]
  )
  t.strictSame(
    [1, 2, 3, 4, 5, 6, 1000].map((attempt) => reconnectDelay(attempt, 0)), [50, 100, 200, 400, 500, 500, 500]
  )
  t.equal(reconnectDelay(5, 0.5), 750)
})

/** Attempts within a minute where each of them fails after so many milliseconds. */
function attemptsAMinute (random: number, failsAfter: number): number {
  let now = 0
  const next = createReconnection({ monotonic: () => now }, () => random)
  let attempts = 0
  for (; now < 60_000; attempts++) now += next() + failsAfter
  return attempts
}

t.test('tries a refusing server 80 times a minute, 125 with the best of luck', async t => {
  t.equal(attemptsAMinute(0.5, 0), 83)
  t.equal(attemptsAMinute(0, 0), 123)
  t.equal(attemptsAMinute(1, 0), 63)
  t.ok(attemptsAMinute(0.5, 200) < 70, 'one that accepts and throws out is no other')
})

t.test('after a stable connection, reconnecting starts with the shortest delay', async t => {
  let now = 0
  const next = createReconnection({ monotonic: () => now }, () => 1)
  t.strictSame([next(), next(), next()], [100, 200, 400])
  now += 10_000
  t.equal(next(), 800, 'ten seconds are not more than ten')
  now += 10_001
  t.equal(next(), 100)
})
