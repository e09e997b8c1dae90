import t from 'tap'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import {
  AuthgearCircuitOpen, AuthgearStatus, AuthgearTimeout, Overloaded, type ResolverError, TokenCallFailed
} from '../../../../src/base/errors.ts'
import { GrantRefused } from '../../../../src/parts/login/errors.ts'
import type { Tokens } from '../../../../src/parts/login/oidc/token-endpoint.ts'
import type { SessionRecord, SessionRef } from '../../../../src/parts/login/sessions/record.ts'
import { createRenewal, type RenewalDeps } from '../../../../src/parts/login/sessions/renewal.ts'
import type { RecordStore } from '../../../../src/parts/login/sessions/store.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { signed } from '../../../helpers/token-issuer.ts'

const TARGET = { trace: {}, digests: {} } as unknown as SessionRef
const OLD = {
  version: 3,
  userId: 'alice',
  sid: 'sid',
  refreshToken: 'refresh-1',
  accessToken: 'access-1',
  accessEndsAt: 1 as EpochMs,
  accessLifeMs: 1,
  idToken: 'id-1',
  usedAt: 1 as EpochMs
} as unknown as SessionRecord
const NEWER = { ...OLD, version: 4, refreshToken: 'refresh-2', accessToken: 'access-2' }
const tokensOf = (some: Partial<Tokens> = {}): Tokens =>
  ({ accessToken: 'access-2', accessLifeMs: 300_000, idToken: undefined, refreshToken: undefined, ...some })

type Read = Awaited<ReturnType<RecordStore['read']>>
const found = (record: SessionRecord, isRedisAway = false): Read =>
  ({ kind: 'found', record, isToReseal: false, isRedisAway })
const AWAY: Read = { kind: 'unreachable', error: new Error('away') }

/** What Authgear answers, what the store says at each reading, and what it does with what is written. */
type Given = Partial<Pick<RenewalDeps, 'isShared' | 'isUnsettled'>> & Readonly<{
  answer?: Tokens | Error
  reads?: readonly Read[]
  written?: Awaited<ReturnType<RecordStore['write']>>
  claim?: Awaited<ReturnType<RecordStore['claimRefresh']>>
}>

function start ({ answer = tokensOf(), reads = [], written = 'stored', claim = 'ours', ...more }: Given = {}) {
  const clock = manualClock()
  const [next, said] = [[...reads], {
    outcomes: [] as unknown[],
    discarded: [] as string[],
    sent: [] as string[],
    stored: [] as SessionRecord[],
    held: [] as SessionRecord[],
    claims: [] as number[]
  }]
  const renewal = createRenewal({
    store: {
      read: async () => next.shift() ?? found(OLD),
      write: async (_target: SessionRef, record: SessionRecord) => { said.stored.push(record); return written },
      claimRefresh: async (_target: SessionRef, version: number) => { said.claims.push(version); return claim },
      hold: (_target: SessionRef, record: SessionRecord) => { said.held.push(record) }
    } as unknown as RecordStore,
    clock,
    isShared: false,
    tokens: {
      async refresh (token) {
        said.sent.push(token)
        clock.advance(2500)
        if (answer instanceof Error) throw answer
        return answer
      }
    },
    timeoutMs: 1000,
    rotates: () => {},
    refreshed: (outcome, seconds) => said.outcomes.push([outcome, seconds]),
    discarded: (token) => said.discarded.push(token),
    isUnsettled: () => false,
    ...more
  })
  return { clock, said, renewal, refresh: (known = OLD) => renewal.refreshNewest(TARGET, known, () => {}) }
}

t.test('new tokens replace the old ones; their life began when they were asked for', async (t) => {
  const { clock, refresh, said } = start({ answer: tokensOf({ refreshToken: 'refresh-2' }) })
  const askedAt = clock.wall()
  const record = {
    ...OLD,
    version: 4,
    accessToken: 'access-2',
    refreshToken: 'refresh-2',
    accessLifeMs: 300_000,
    accessEndsAt: askedAt + 300_000,
    usedAt: askedAt,
    rotates: true
  }
  t.strictSame(await refresh(), { kind: 'session', record })
  t.strictSame(said.stored, [record])
  t.strictSame([said.sent, said.claims], [['refresh-1'], [3]])
  t.strictSame(said.outcomes, [['refreshed', 2.5]])
  t.strictSame([said.held, said.discarded], [[], []])
})

t.test('without a refresh token in the answer the old one stays, and none rotates', async (t) => {
  const { refresh, renewal, said } = start()
  t.match(await refresh(), { record: { refreshToken: 'refresh-1', rotates: false } })
  t.ok(renewal.isSafeAlone(OLD))
  await refresh()
  t.equal(said.claims.length, 1, 'nobody has to be the first then')
})

t.test('a hint of another session is not kept, nor one that is no token', async (t) => {
  const of = (sub: string, sid: string): string => signed({ sub, sid })
  for (const [idToken, isKept] of [
    [of('alice', 'sid'), true], [of('bob', 'sid'), false], [of('alice', 'other'), false], ['no token', false],
    [undefined, false]
  ] as const) {
    const refreshed = await start({ answer: tokensOf({ idToken }) }).refresh()
    t.match(refreshed, { record: { idToken: isKept ? idToken : 'id-1' } }, String(idToken).slice(0, 9))
  }
})

t.test('an answer without a token is an error of Authgear’s', async (t) => {
  for (const answer of [tokensOf({ accessToken: 'two words' }), tokensOf({ refreshToken: '' })]) {
    const { refresh, said } = start({ answer })
    t.match(await refresh(), { kind: 'unavailable', error: { cause: { code: 'AUTHGEAR_GARBAGE' } } })
    t.strictSame([said.stored, said.outcomes], [[], [['error', 2.5]]])
  }
})

t.test('what another replica stored meanwhile is taken, and Authgear is not asked', async (t) => {
  const { refresh, said } = start({ reads: [found(NEWER)] })
  t.strictSame(await refresh(), { kind: 'session', record: NEWER })
  t.strictSame([said.sent, said.outcomes], [[], [['adopted', 0]]])
})

t.test('a session that is gone, or that nobody can read, is not asked about', async (t) => {
  for (const [read, expected] of [
    [{ kind: 'none' }, { kind: 'none' }],
    [AWAY, { kind: 'unavailable', error: { code: 'SESSIONS_UNREACHABLE', cause: { message: 'away' } } }]
  ] as ReadonlyArray<readonly [Read, object]>) {
    const { refresh, said } = start({ reads: [read] })
    t.match(await refresh(), expected)
    t.equal(said.sent.length, 0)
  }
})

t.test('who cannot say that it asks does not ask', async (t) => {
  const { refresh, said } = start({ claim: 'unreachable' })
  t.match(await refresh(), { kind: 'unavailable', error: { code: 'SESSIONS_UNREACHABLE' } })
  t.equal(said.sent.length, 0)
})

t.test('tokens that Redis did not take are used, and held for it', async (t) => {
  const { refresh, said } = start({ written: 'unreachable' })
  t.match(await refresh(), { kind: 'session', record: { accessToken: 'access-2' } })
  t.match(said.held, [{ version: 4, accessToken: 'access-2' }])
  t.strictSame(said.outcomes, [['not_stored', 2.5]])
})

/** What is read after tokens came too late to be stored, and what becomes of them. */
const OVERTAKEN: ReadonlyArray<
  readonly [read: Read, refreshToken: string | undefined, expected: object, gone: string[]]
> = [
  [found(NEWER), 'refresh-9', { kind: 'session', record: NEWER }, []],
  [{ kind: 'none' }, 'refresh-9', { kind: 'none' }, ['refresh-9']],
  [{ kind: 'none' }, undefined, { kind: 'none' }, []],
  [AWAY, 'refresh-9', { kind: 'unavailable', error: { code: 'SESSIONS_UNREACHABLE' } }, []]
]

t.test('tokens that came too late give way; those of an ended session are reported', async (t) => {
  for (const [read, refreshToken, expected, gone] of OVERTAKEN) {
    const answer = tokensOf({ refreshToken })
    const { refresh, said } = start({ reads: [found(OLD), read], written: 'overtaken', answer })
    t.match(await refresh(), expected, `${read.kind} ${refreshToken}`)
    t.strictSame([said.discarded, said.outcomes], [gone, [['not_stored', 2.5]]])
  }
})

/** What is read after `invalid_grant`, and whether that ends the session; more of the world. */
const REFUSED: ReadonlyArray<readonly [what: string, read: Read, given: Given, expected: object, outcome?: string]> = [
  ['the newest there is', found(OLD), {}, { kind: 'ended' }, 'ended'],
  ['the newest, in Redis', found(OLD), { isShared: true }, { kind: 'ended' }, 'ended'],
  ['a newer record', found(NEWER), {}, { kind: 'session', record: NEWER }, 'adopted'],
  ['a newer refresh token', found({ ...OLD, refreshToken: 'refresh-2' }), {}, { kind: 'session' }, 'adopted'],
  ['a newer version', found({ ...OLD, version: 4 }), {}, { kind: 'session', record: { version: 4 } }, 'adopted'],
  ['no record', { kind: 'none' }, {}, { kind: 'none' }],
  ['no answer of Redis', AWAY, {}, { kind: 'unavailable', error: { code: 'SESSIONS_UNREACHABLE' } }, 'error'],
  ['memory alone', found(OLD, true), { isShared: true },
    { kind: 'unavailable', error: { code: 'SESSIONS_UNREACHABLE' } }, 'error'],
  ['another replica that asked first', found(OLD), { isShared: true, claim: 'other' },
    { kind: 'unavailable', error: { code: 'GRANT_DOUBTED' } }, 'error'],
  ['a Redis that may have lost writes', found(OLD), { isShared: true, isUnsettled: () => true },
    { kind: 'unavailable', error: { code: 'GRANT_DOUBTED' } }, 'error'],
  ['the newest, without rotation, in memory alone',
    found({ ...OLD, rotates: false }, true), { isShared: true, reads: [found({ ...OLD, rotates: false })] },
    { kind: 'ended' }, 'ended']
]

t.test('invalid_grant ends a session only where this replica knows the newest token', async (t) => {
  // at once: another replica has half a second to store a newer one
  await Promise.all(REFUSED.map(async ([what, read, given, expected, outcome]) => {
    const { reads = [found(OLD)] } = given
    const { refresh, said } = start({ ...given, answer: new GrantRefused(), reads: [...reads, read] })
    t.match(await refresh(), expected, what)
    t.strictSame(said.outcomes, outcome === undefined ? [] : [[outcome, 2.5]], what)
  }))
})

/** Why Authgear had no answer, and how the metric counts it. */
const FAILED: ReadonlyArray<readonly [error: ResolverError, outcome: string]> = [
  [new TokenCallFailed(new AuthgearTimeout(1000)), 'timeout'],
  [new AuthgearTimeout(1000), 'timeout'],
  [new TokenCallFailed(new AuthgearStatus(429)), 'limited'],
  [new TokenCallFailed(new AuthgearStatus(500)), 'error'],
  [new TokenCallFailed(new Overloaded()), 'rejected'],
  [new AuthgearCircuitOpen(), 'rejected']
]

t.test('an outage of Authgear ends nothing, and is counted by its kind', async (t) => {
  for (const [error, outcome] of FAILED) {
    const { refresh, said } = start({ answer: error })
    t.strictSame(await refresh(), { kind: 'unavailable', error }, error.code)
    t.strictSame(said.outcomes, [[outcome, 2.5]], error.code)
  }
  await t.rejects(start({ answer: new TypeError('a defect') }).refresh(), { message: 'a defect' })
})

t.test('what any record says of rotation counts for others', async (t) => {
  const { renewal, refresh } = start({ reads: [found({ ...NEWER, rotates: false })] })
  t.notOk(renewal.isKnown(OLD))
  await refresh()
  t.ok(renewal.isSafeAlone(OLD), 'it was learned at the reading')
})
