import t from 'tap'
import { momentOf } from '../../../../src/base/clock.ts'
import { createMemoryLog } from '../../../../src/base/revocation/memory-log.ts'
import { createKnownUsers } from '../../../../src/parts/profile/known-users.ts'
import type { AddressState } from '../../../../src/parts/profile/read.ts'
import { NO_OBSERVER } from '../../../helpers/log-observer.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { userOf } from '../start-profiles.ts'

const ALICE = userOf(1)

function start () {
  const clock = manualClock()
  const log = createMemoryLog({ clock, retentionMs: 600_000, observer: NO_OBSERVER })
  const following = { is: true }
  const revocations = { ...log, isFollowing: () => following.is }
  const users = createKnownUsers({ revocations, maxBytes: 2 ** 20, staleIfErrorMs: 60_000, clock })
  const keep = (address: AddressState, mayOutlive = true): void => users.keep(ALICE, {
    profile: { email: 'alice@example.com' },
    address,
    signedInAt: 0,
    since: momentOf(clock),
    lifeMs: 1000,
    renewMs: 800,
    mayOutlive,
    snapshot: log.snapshot(),
    isEmpty: false
  })
  return { clock, users, keep, following }
}

t.test('an address decides only where Authgear calls it verified, whatever goes out', async (t) => {
  const { users, keep } = start()
  const facts = (): unknown => users.remembered(ALICE)?.facts
  keep('verified')
  t.strictSame(facts(), { address: { local: 'alice', domain: 'example.com' }, groups: [] })
  keep('other')
  t.strictSame(facts(), { address: undefined, groups: [] })
  keep('hidden')
  t.equal(facts(), 'unknown')
})

t.test('what may not outlive its end neither decides nor goes out after it', async (t) => {
  for (const mayOutlive of [true, false]) {
    const { clock, users, keep } = start()
    keep('verified', mayOutlive)
    const known = users.remembered(ALICE)
    if (known === undefined) throw new Error('nothing is known')
    t.ok(users.mayStillDecide(known, 999))
    t.equal(users.mayStillDecide(known, 1000), mayOutlive)
    clock.advance(1000)
    t.strictSame({ ...users.usableNow(ALICE) }, mayOutlive ? { email: 'alice@example.com' } : {})
  }
})

t.test('past its life nothing is used while a change would not be noticed', async (t) => {
  const { clock, users, keep, following } = start()
  keep('verified')
  const known = users.remembered(ALICE)
  if (known === undefined) throw new Error('nothing is known')
  t.strictSame([60_999, 61_000].map((ageMs) => users.mayStillDecide(known, ageMs)), [true, false])
  following.is = false
  t.strictSame([999, 1000].map((ageMs) => users.mayStillDecide(known, ageMs)), [true, false])
  clock.advance(1000)
  t.strictSame({ ...users.usableNow(ALICE) }, {})
})

t.test('a user pauses after unreadable data, not after a failure of the source', async (t) => {
  const { clock, users, keep } = start()
  keep('verified')
  users.keepFailure(ALICE, 'unreadable')
  t.equal(users.remembered(ALICE)?.nextTryAt, clock.monotonic() + 5000)
  users.keepFailure(ALICE, 'failed')
  t.equal(users.remembered(ALICE)?.nextTryAt, -Infinity)
})
