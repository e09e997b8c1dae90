import t from 'tap'
import { untilLogFollowed } from '../../../src/app/revocations.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

/** Milliseconds that a start waits, by a clock that each pause moves. */
async function waited (isFollowing: (ms: number) => boolean, isRedisDown: (ms: number) => boolean): Promise<number> {
  const clock = manualClock()
  const began = clock.monotonic()
  const now = (): number => clock.monotonic() - began
  await untilLogFollowed({
    isFollowing: () => isFollowing(now()),
    isRedisDown: () => isRedisDown(now()),
    clock,
    sleep: async (ms) => clock.advance(ms)
  })
  return now()
}

const never = (): boolean => false

t.test('a start waits for the revocation log', async (t) => {
  t.equal(await waited(() => true, never), 0, 'not at all where it is followed')
  t.equal(await waited((ms) => ms >= 20, never), 20, 'until it is followed')
  t.equal(await waited(never, never), 2000, 'two seconds at most')
  t.equal(await waited(never, () => true), 0, 'and not for a Redis that is down')
  t.equal(await waited(never, (ms) => ms >= 50), 50, 'nor for one whose first connection fails')
})
