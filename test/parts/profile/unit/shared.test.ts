import t from 'tap'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { createMemoryLog } from '../../../../src/base/revocation/memory-log.ts'
import { createChanges } from '../../../../src/parts/profile/changes.ts'
import { createReader } from '../../../../src/parts/profile/reader.ts'
import { type SharedProfiles, STORED_PROFILE, type StoredProfile } from '../../../../src/parts/profile/shared.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { NO_OBSERVER } from '../../../helpers/log-observer.ts'
import { type ManualClock, manualClock } from '../../../helpers/manual-clock.ts'
import { askerOf, userOf } from '../start-profiles.ts'

const TTL_MS = 300_000
const STORED: StoredProfile = {
  profile: { email: 'alice@example.com' },
  address: 'verified',
  signedInAt: 5000,
  stamp: { generation: 'g', position: { id: '1-0', nonce: 'n' } },
  ttlMs: TTL_MS,
  sealedAt: 1 as EpochMs
}

t.test('a stored profile is the same after it was written and read', async (t) => {
  t.strictSame(STORED_PROFILE.decode(STORED_PROFILE.encode(STORED)), STORED)
})

t.test('a profile of a former version, or of none, is not there', async (t) => {
  const { generation, position: { id, nonce } } = STORED.stamp
  const former = JSON.stringify([STORED.profile, generation, id, nonce, STORED.ttlMs, STORED.sealedAt])
  const written = STORED_PROFILE.encode(STORED).subarray(1).toString()
  const edited = (before: string, after: string): Buffer =>
    Buffer.concat([Buffer.of(2), Buffer.from(written.replace(before, after))])
  for (const bytes of [
    Buffer.concat([Buffer.of(1), Buffer.from(former)]),
    Buffer.concat([Buffer.of(2), Buffer.from(former)]),
    Buffer.concat([Buffer.of(1), Buffer.from(written)]),
    edited('"verified"', '"sure"'),
    edited('"verified"', 'true'),
    edited('5000', '"5000"')
  ]) t.equal(STORED_PROFILE.decode(bytes), undefined)
})

const restOf = (clock: ManualClock) => ({
  revocations: createMemoryLog({ clock, retentionMs: TTL_MS, observer: NO_OBSERVER }),
  ttlMs: TTL_MS,
  clock,
  random: () => 0,
  read: () => {}
})

t.test("another replica's profile will do while it counts here", async (t) => {
  const clock = manualClock()
  const changes = createChanges(clock)
  clock.advance(1_000_000)
  let isGood: Parameters<SharedProfiles['lookup']>[1] = () => false
  const reader = createReader({
    source: {
      isLent: true,
      mayAsk: () => true,
      nameOf: () => 'one',
      read: async () => ({ kind: 'failed' }),
      lifeOf: ({ userId }, since, lifeMs) => changes.lifeOf(userId, since, lifeMs)
    },
    shared: { lookup: async (_userId, good) => { isGood = good; return { kind: 'ask', done: async () => {} } } },
    rules: { fields: ['email'], sendsUnverifiedEmail: false },
    ...restOf(clock)
  })
  const alice: UserId = userOf(1)
  const good = async (ageMs: number, signedInAt = 5000, maxAgeMs = Infinity): Promise<boolean> => {
    await reader(askerOf(alice), { maxAgeMs, signedInAt })
    return isGood(STORED, ageMs)
  }
  t.strictSame([await good(0), await good(299_999), await good(300_000)], [true, true, false])
  t.strictSame([await good(0, 5001), await good(0, 4999)], [false, true], 'sign-ins')
  t.strictSame([await good(1000, 0, 1000), await good(999, 0, 1000)], [false, true], 'ages')
  changes.told({ kind: 'user', userId: alice })
  clock.advance(4000)
  t.strictSame([await good(4001), await good(2001), await good(1999)], [false, false, true], 'of before the change')
})

t.test('a profile is as old as the question about it, here and in Redis', async (t) => {
  const clock = manualClock()
  const ages: number[] = []
  const record = { isDisabled: false, attributes: {}, formattedName: 'Alice', groups: [] }
  const reader = createReader({
    source: {
      isLent: false,
      mayAsk: () => true,
      nameOf: () => 'one',
      read: async () => { clock.advance(1500); return { kind: 'user', record } },
      lifeOf: (_asker, _since, lifeMs) => ({ lifeMs, renewMs: lifeMs, mayOutlive: true })
    },
    shared: { lookup: async () => ({ kind: 'ask', done: async (_stored, ageMs) => { ages.push(ageMs) } }) },
    rules: { fields: ['name'], sendsUnverifiedEmail: false },
    ...restOf(clock)
  })
  const asked = clock.monotonic()
  t.match(await reader(askerOf(userOf(1)), { maxAgeMs: Infinity, signedInAt: 0 }), { since: { monotonic: asked } })
  t.strictSame(ages, [1500])
})
