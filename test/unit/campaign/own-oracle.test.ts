import t from 'tap'
import type { Answered, HistoryEvent } from '../../campaign/history.ts'
import { createOracle } from '../../campaign/oracle.ts'
import type { SituationId } from '../../campaign/situations.ts'

const NOTHING_SAID = { isCalm: false, rotates: false, isRefused: false, isLost: false } as const

const answer = (at: number, status: number, own: Partial<Answered['own']> = {}): Answered => ({
  kind: 'answer',
  replica: 0,
  person: 'ann',
  way: 1,
  policy: 'none',
  at,
  endedAt: at + 5,
  status,
  userId: status === 200 ? 'ann' : undefined,
  roles: status === 200 ? 'staff' : undefined,
  reason: 'reason',
  source: 'memory',
  flaws: [],
  own: { ...NOTHING_SAID, ...own }
})
const fault = (situation: SituationId, at: number): HistoryEvent =>
  ({ kind: 'fault', situation, replicas: [0, 1, 2, 3], at, what: situation })
const restarted = (at: number): HistoryEvent =>
  ({ kind: 'disturbed', replica: 1, at, endedAt: at + 500, forgets: true })
const healed = (at: number): HistoryEvent => ({ kind: 'healed', at })
const SIGNED_IN: HistoryEvent = { kind: 'signedIn', person: 'ann', isAdmin: false, at: 0 }
const ENDED: readonly HistoryEvent[] = [
  { kind: 'ended', person: 'ann', at: 1000 },
  { kind: 'taken', person: 'ann', replica: 1, covers: 'cookie', at: 1005 },
  { kind: 'logged', person: 'ann', of: 'end', covers: 'cookie', since: 1000, at: 1010 }
]
const STALL: HistoryEvent = { kind: 'stall', who: 0, at: 9000, endedAt: 9900 }

const ROWS: ReadonlyArray<readonly [what: string, history: readonly HistoryEvent[], violation: RegExp | undefined]> = [
  ['let in', [answer(10, 200)], undefined],
  ['another user', [{ ...answer(10, 200), userId: 'bob' }], /another user's identity/],
  ['logged out', [answer(10, 401)], /without a word of Authgear/],
  ['logged out while Authgear fails', [fault('authgear-down', 5), answer(10, 401)], /without a word of Authgear/],
  ['logged out by a refusal', [answer(10, 401, { isRefused: true })], /no answer was lost/],
  ['the same after a lost answer', [answer(10, 401, { isRefused: true, isLost: true })], /no answer was lost/],
  ['the same with rotation', [answer(10, 401, { isRefused: true, isLost: true, rotates: true })], undefined],
  ['with rotation, and nothing lost', [answer(10, 401, { isRefused: true, rotates: true })], /no answer was lost/],
  ['with rotation, at a fault', [
    fault('replica-killed', 5), answer(10, 401, { isRefused: true, rotates: true })], undefined],
  ['with rotation, and never refused', [
    fault('replica-killed', 5), answer(10, 401, { isLost: true, rotates: true })], /without a word of Authgear/],
  ['Redis lost the record', [fault('redis-flushed', 5), answer(10, 401)], undefined],
  ['and had it again after that', [
    fault('redis-flushed', 5), healed(2000), answer(9000, 200, { isCalm: true }), answer(9100, 401)
  ], /without a word of Authgear/],
  ['Redis came back empty', [fault('redis-emptied', 5), answer(10, 401)], undefined],
  ['Redis came back from its file', [fault('redis-kept', 5), answer(10, 401)], /without a word of Authgear/],
  ['refused before the sign-out was answered', [
    { kind: 'leaving', person: 'ann', at: 8 }, answer(10, 401)], undefined],
  ['over, and refused', [...ENDED, answer(1100, 401)], undefined],
  ['over, and let in', [...ENDED, answer(1600, 200)], /accepted 600 ms after its end/],
  ['over, and let in where it was ended', [...ENDED, { ...answer(1100, 200), replica: 1 }], /took the revocation/],
  ['over, and back from a snapshot', [
    fault('redis-restored', 900), ...ENDED, restarted(1500), answer(2500, 200)], undefined],
  ['the same, and its replica had the time to end it', [
    fault('redis-restored', 900), ...ENDED, restarted(2600), answer(3600, 200)], /after its end/],
  ['over, and back from its file', [
    fault('redis-kept', 900), ...ENDED, restarted(1500), answer(7000, 200)], /after its end/],
  ['nobody can say', [answer(10, 503)], undefined],
  ['nobody can say when all is well', [answer(10_000, 503, { isCalm: true })], /when all is well again/],
  ['the same, after it stood still', [STALL, answer(10_000, 503, { isCalm: true })], undefined],
  ['an error', [answer(10, 500)], /status 500/],
  ['a redirect of a program', [answer(10, 302)], /status 302/]
]

t.test('judges sessions of our own by who ended them', async (t) => {
  for (const [what, history, violation] of ROWS) {
    const found = createOracle().judge([SIGNED_IN, ...history]).map((one) => one.what).join()
    if (violation === undefined) t.equal(found, '', what)
    else t.match(found, violation, what)
  }
})
