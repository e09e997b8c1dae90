import t from 'tap'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { createRecordStore } from '../../../../src/parts/login/sessions/store.ts'
import { createRenewal } from '../../../../src/parts/login/sessions/renewal.ts'
import type { SessionRecord } from '../../../../src/parts/login/sessions/record.ts'
import { GrantRefused } from '../../../../src/parts/login/errors.ts'
import { keyOf, sealerOf } from '../../../helpers/redis-tier.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const RECORD: SessionRecord = {
  version: 1,
  host: 'app.example.com',
  userId: 'alice',
  sid: 'c2lk',
  refreshToken: 'r1',
  accessToken: 'a1',
  accessEndsAt: 2e12 as EpochMs,
  accessLifeMs: 300_000,
  idToken: 'a.b.c',
  authTime: 1e9,
  amr: [],
  createdAt: 1e12 as EpochMs,
  usedAt: 1e12 as EpochMs
}
const TARGET = {
  cookieRef: 'app.example.com x',
  keys: { current: keyOf('n'), previous: undefined },
  digests: { whole: [], all: [] },
  trace: { address: undefined, userAgent: undefined, traceparent: undefined, tracestate: undefined }
} as const

const LOG = {
  snapshot: () => ({ stamp: { generation: 'g', position: { id: '0-0', nonce: '' } }, local: 0, at: 0 }),
  isVoid: () => false,
  names: () => false
}
const NOTHING = {
  timeoutMs: 1000, refreshed: () => {}, rotates: () => {}, discarded: () => {}, isUnsettled: () => false
}

/** Redis with one name, which goes away when told. */
function oneName () {
  let value: Buffer | null = null
  let isAway = false
  const unlessAway = <T>(answer: () => T) => async (): Promise<T> => {
    if (isAway) throw new Error('away')
    return answer()
  }
  return {
    goAway: () => { isAway = true },
    commands: {
      getBuffer: unlessAway(() => value),
      setIfNewer: (_: string, __: string, to: Buffer) => unlessAway(() => { value = to; return true })(),
      setSmallIfNewer: unlessAway(() => true),
      setOverOlder: unlessAway(() => true),
      setIfAbsent: unlessAway(() => true)
    }
  }
}

/** Redis while Authgear says invalid_grant, and what becomes of the session. */
const ROWS: ReadonlyArray<readonly [what: string, redis: { isTaken?: true, isAway?: true }, kind: string]> = [
  ['has a lease that another replica holds', { isTaken: true }, 'unavailable'],
  ['cannot say whether there is a newer token', { isAway: true }, 'unavailable'],
  ['has no newer token', {}, 'ended']
]

for (const [what, { isTaken, isAway }, kind] of ROWS) {
  t.test(`invalid_grant while Redis ${what}: ${kind}`, async (t) => {
    const redis = oneName()
    const store = createRecordStore(1e6, {
      commands: { ...redis.commands, ...isTaken && { setIfAbsent: async () => false } },
      keyPrefix: 'p:',
      sealer: sealerOf(Buffer.alloc(32, 1)),
      previous: undefined,
      writesPrevious: () => false,
      log: LOG
    })
    await store.write(TARGET, RECORD)
    const refresh = async (): Promise<never> => {
      if (isAway) redis.goAway()
      throw new GrantRefused()
    }
    const renewal = createRenewal({ ...NOTHING, store, clock: manualClock(), isShared: true, tokens: { refresh } })
    const refreshed = await renewal.refreshNewest(TARGET, RECORD, () => {})
    t.match(refreshed, { kind, ...isTaken && { error: { code: 'GRANT_DOUBTED' } } })
  })
}
