import t from 'tap'
import type { HistoryEvent } from '../../campaign/history.ts'
import { createOracle } from '../../campaign/oracle.ts'

const BOUND_MS = 4000
const stream = (at: number, following: boolean | undefined): HistoryEvent =>
  ({ kind: 'stream', app: 0, replica: 0, following, at })
const logged = (at: number, covers: 'user' | 'cookie' = 'user'): HistoryEvent =>
  ({ kind: 'logged', person: 'ann', of: 'end', covers, since: at - 60, at })
const told = (at: number, some: { user?: string, session?: string } = { user: 'ann' }): HistoryEvent =>
  ({ kind: 'told', app: 0, user: some.user, session: some.session, at })
const reset = (at: number): HistoryEvent => ({ kind: 'reset', app: 0, at })
const later = (at: number): HistoryEvent => ({ kind: 'healed', at })
const frozen = (at: number, endedAt: number): HistoryEvent =>
  ({ kind: 'disturbed', replica: 0, at, endedAt, forgets: false })
const answer: HistoryEvent = {
  kind: 'answer',
  replica: 0,
  person: 'ann',
  way: 1,
  policy: 'none',
  at: 5,
  endedAt: 9,
  status: 200,
  userId: 'ann',
  roles: 'staff',
  reason: 'allowed',
  source: 'memory',
  flaws: [],
  session: 'n1.n2'
}
const signedIn: HistoryEvent = { kind: 'signedIn', person: 'ann', isAdmin: false, at: 0 }
const LATE = /app 0 is not told of an end 4001 ms after/

const ROWS: ReadonlyArray<readonly [what: string, history: readonly HistoryEvent[], violation: RegExp | undefined]> = [
  ['told before it was acknowledged', [stream(1, true), told(990), logged(1000), later(9000)], undefined],
  ['told at the bound', [stream(1, true), logged(1000), told(1000 + BOUND_MS), later(9000)], undefined],
  ['told later', [stream(1, true), logged(1000), told(1001 + BOUND_MS)], LATE],
  ['told of an earlier change only', [stream(1, true), told(900), logged(1000), later(1001 + BOUND_MS)], LATE],
  ['told of somebody else', [stream(1, true), told(999, { user: 'bob' }), logged(1000), later(1001 + BOUND_MS)], LATE],
  ['reset in its place', [stream(1, true), logged(1000), reset(1500), later(9000)], undefined],
  ['no stream, and told after it is back', [
    stream(1, true), stream(500, undefined), logged(1000), stream(8000, true), told(8000 + BOUND_MS)], undefined],
  ['no stream, and not told after it is back', [
    stream(1, true), stream(500, undefined), logged(1000), stream(8000, true), later(8001 + BOUND_MS)], LATE],
  ['a replica that says that it does not follow', [
    stream(1, true), logged(1000), stream(4900, false), later(9000)], undefined],
  ['a frozen replica', [stream(1, true), logged(1000), frozen(900, 7000), told(7100)], undefined],
  ['an app that nobody told anything yet', [logged(1000), stream(2000, true), later(9000)], undefined],
  ['a cookie that it holds, by one of its names', [
    signedIn, answer, stream(10, true), logged(1000, 'cookie'), told(1100, { session: 'n2' }), later(9000)], undefined],
  ['a cookie that it holds, by no name', [
    signedIn, answer, stream(10, true), logged(1000, 'cookie'), told(1100, { session: 'x' }), later(1001 + BOUND_MS)
  ], LATE],
  ['a cookie that it does not hold', [stream(10, true), logged(1000, 'cookie'), later(9000)], undefined]
]

for (const [what, history, violation] of ROWS) {
  t.test(`${violation === undefined ? 'allows' : 'notices'}: ${what}`, async (t) => {
    const found = createOracle().judge(history).map(({ what }) => what)
    if (violation === undefined) t.strictSame(found, [])
    else t.match(found, [violation])
  })
}

t.test('measures what is told later than its acknowledgement', async (t) => {
  const oracle = createOracle()
  oracle.judge([stream(1, true), logged(1000), stream(1500, undefined), stream(3000, true), told(3020), reset(4000)])
  t.strictSame(oracle.events, { told: 1, returned: 1, longestMs: 20, streams: 2, resets: 1 })
})
