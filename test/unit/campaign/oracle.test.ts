import t from 'tap'
import type { Answered, HistoryEvent } from '../../campaign/history.ts'
import { createOracle } from '../../campaign/oracle.ts'
import { SETTINGS, type SituationId } from '../../campaign/situations.ts'

const { ttlMs, staleMs } = SETTINGS
const ALL = [0, 1, 2, 3]

const signedIn = (person: string, isAdmin = false): HistoryEvent => ({ kind: 'signedIn', person, isAdmin, at: 0 })
const ended = (at: number): HistoryEvent => ({ kind: 'ended', person: 'ann', at })
const logged = (at: number, of: 'end' | 'roles' = 'end', covers: 'user' | 'cookie' = 'user'): HistoryEvent =>
  ({ kind: 'logged', person: 'ann', of, covers, since: at - 60, at })
const taken = (at: number, replica: number): HistoryEvent =>
  ({ kind: 'taken', person: 'ann', replica, covers: 'user', at })
const roles = (at: number, isAdmin: boolean): HistoryEvent => ({ kind: 'roles', person: 'ann', isAdmin, at })
const fault = (situation: SituationId, at: number, replicas: readonly number[] = ALL): HistoryEvent =>
  ({ kind: 'fault', situation, replicas, at, what: situation })
const healed = (at: number): HistoryEvent => ({ kind: 'healed', at })
const disturbed = (at: number, endedAt: number, forgets: boolean): HistoryEvent =>
  ({ kind: 'disturbed', replica: 0, at, endedAt, forgets })
const stall = (at: number, endedAt: number, who: number | 'harness' = 'harness'): HistoryEvent =>
  ({ kind: 'stall', who, at, endedAt })
const burst = (at: number, calls: number): HistoryEvent =>
  ({ kind: 'burst', person: 'ann', at, endedAt: at + 50, calls, statuses: [200, 200] })

const answer = (at: number, some: Partial<Answered> = {}): Answered => ({
  kind: 'answer',
  replica: 0,
  person: 'ann',
  way: 0,
  policy: 'none',
  at,
  endedAt: at + 5,
  status: 200,
  userId: 'ann',
  roles: 'staff',
  reason: 'allowed',
  source: 'memory',
  flaws: [],
  ...some
})
const refused = (at: number, status: number, some: Partial<Answered> = {}): Answered =>
  answer(at, { status, userId: undefined, roles: undefined, reason: 'refused', ...some })

const REVOKED = [signedIn('ann'), ended(1000), logged(1010)]
/** The bounds of situations.ts, and the slack of clocks. */
const [AT_ONCE, DEGRADED] = [500 + 50, 4100 + 50]

const ROWS: ReadonlyArray<readonly [what: string, history: readonly HistoryEvent[], violation: RegExp | undefined]> = [
  ['her own identity', [signedIn('ann'), answer(10)], undefined],
  ['another\'s identity', [signedIn('ann'), answer(10, { userId: 'bob' })], /another user's identity/],
  ['roles she never had', [signedIn('ann'), answer(10, { roles: 'admin,staff' })], /roles admin,staff/],
  ['an admin\'s page without the role', [signedIn('ann'), answer(10, { policy: 'admin' })], /a policy was skipped/],
  ['an admin\'s page refused', [signedIn('ann'), refused(10, 403, { policy: 'admin' })], undefined],
  ['403 to an admin', [signedIn('ann', true), refused(10, 403, { policy: 'admin' })], /forbidden without/],
  ['403 where nothing was asked', [signedIn('ann'), refused(10, 403)], /forbidden without/],
  ['200 to nobody', [answer(10, { person: undefined })], /200 without a session/],
  ['401 to nobody', [refused(10, 401, { person: undefined })], undefined],
  ['an answer of another kind', [signedIn('ann'), refused(10, 500)], /status 500/],
  ['a flaw', [signedIn('ann'), answer(10, { flaws: ['a cookie'] })], /a cookie/],

  ['revoked, within milliseconds', [...REVOKED, answer(1010 + AT_ONCE)], undefined],
  ['revoked, and accepted later', [...REVOKED, answer(1010 + AT_ONCE + 1)], /after it was logged; the bound is 500/],
  ['revoked at a replica that was cut off', [
    ...REVOKED, fault('cut-silent', 900, [0]), answer(1010 + DEGRADED)], undefined],
  ['the same, later', [...REVOKED, fault('cut-silent', 900, [0]), answer(1011 + DEGRADED)], /bound is 4100 ms \(cut-/],
  ['another replica was cut off', [...REVOKED, fault('cut-silent', 900, [1]), answer(1011 + AT_ONCE)], /\(healthy\)/],
  ['it was healed before', [...REVOKED, fault('cut-silent', 100), healed(900), answer(1011 + AT_ONCE)], /\(healthy\)/],
  ['the machine stood still', [...REVOKED, stall(1100, 1400), answer(1300 + AT_ONCE)], undefined],
  ['another replica\'s loop stood still', [...REVOKED, stall(1100, 1400, 2), answer(1300 + AT_ONCE)], /healthy/],
  ['it was frozen on purpose', [
    ...REVOKED, disturbed(1100, 1400, false), stall(1100, 1400, 0), answer(1300 + AT_ONCE)], /healthy/],
  ['nobody logged it', [signedIn('ann'), ended(1000), answer(1050 + ttlMs + staleMs)], undefined],
  ['nobody logged it, after its life', [signedIn('ann'), ended(1000), answer(1051 + ttlMs + staleMs)], /after its end/],
  ['a sign-out covers its cookie', [
    signedIn('ann'), ended(1000), logged(1000, 'end', 'cookie'), answer(2000, { way: 1 })], /after it was logged/],
  ['a sign-out covers no token', [
    signedIn('ann'), ended(1000), logged(1000, 'end', 'cookie'), answer(2000, { way: 0 })], undefined],
  ['by the replica that took it', [
    signedIn('ann'), ended(1000), taken(1100, 0), fault('redis-killed', 900), answer(1101)], /that took the/],
  ['by another one', [
    signedIn('ann'), ended(1000), taken(1100, 1), fault('redis-killed', 900), answer(1101)], undefined],
  ['by the one that took it, after it was killed', [
    signedIn('ann'), ended(1000), taken(1100, 0), disturbed(1150, 1200, true), fault('replica-killed', 1140),
    answer(1300)], undefined],

  ['401 while Authgear is out', [signedIn('ann'), fault('authgear-down', 0), refused(10, 401)], /taken for a log-out/],
  ['401 after the end', [signedIn('ann'), ended(1000), refused(1010, 401)], undefined],
  ['401 as the session ends', [signedIn('ann'), ended(1000), refused(998, 401)], undefined],
  ['401 just before the end', [signedIn('ann'), ended(1000), refused(990, 401)], /taken for a log-out/],

  ['old roles at once', [signedIn('ann'), roles(1000, true), answer(1001)], undefined],
  ['new roles at once', [signedIn('ann'), roles(1000, true), answer(1001, { roles: 'admin,staff' })], undefined],
  ['new roles before', [signedIn('ann'), roles(1000, true), answer(900, { roles: 'admin,staff' })], /roles admin/],
  ['old roles long after', [
    signedIn('ann'), roles(1000, true), logged(1010, 'roles'), answer(1011 + AT_ONCE)], /roles staff/],
  ['old roles, and Redis is away', [
    signedIn('ann'), roles(1000, true), logged(1010, 'roles'), fault('redis-frozen', 900), answer(1011 + AT_ONCE)],
  undefined],

  ['503 though all is well', [signedIn('ann'), refused(10, 503)], /503 refused \(healthy\)/],
  ['503 while Redis is away', [signedIn('ann'), fault('redis-killed', 0), refused(10, 503)], /redis-killed/],
  ['503 while Authgear is away', [signedIn('ann'), fault('authgear-down', 0), refused(10, 503)], undefined],
  ['503 to somebody who is remembered', [
    signedIn('ann'), answer(10, { source: 'authgear' }), fault('authgear-down', 100), refused(200, 503)], /remembered/],
  ['503 to somebody who was remembered long ago', [
    signedIn('ann'), answer(10, { source: 'authgear' }), fault('authgear-down', 100), refused(10_000, 503)], undefined],
  ['503 after all was purged', [
    signedIn('ann'), answer(10, { source: 'authgear' }), { kind: 'everything', at: 50 }, fault('authgear-down', 100),
    refused(200, 503)], undefined],
  ['503 of a frozen replica', [
    signedIn('ann'), fault('replica-frozen', 0, [0]), disturbed(0, 2000, false), refused(10, 503)], undefined],
  ['503 of another one', [
    signedIn('ann'), fault('replica-frozen', 0, [0]), disturbed(0, 2000, false), refused(10, 503, { replica: 1 })],
  /replica-frozen/],
  ['503 while the machine stood still', [
    signedIn('ann'), stall(0, 500), refused(10, 503, { endedAt: 490 })], undefined],
  ['503 soon after the machine stood still', [signedIn('ann'), stall(0, 500), refused(3299, 503)], undefined],
  ['503 long after it', [signedIn('ann'), stall(0, 500), refused(3300, 503)], /healthy/],
  ['503 after another replica stood still', [signedIn('ann'), stall(0, 500, 2), refused(600, 503)], /healthy/],

  ['an answer in time', [signedIn('ann'), answer(10, { endedAt: 760 })], undefined],
  ['an answer too late', [signedIn('ann'), answer(10, { endedAt: 761 })], /waited 751 ms; the bound is 700/],
  ['as late, while Authgear hangs', [
    signedIn('ann'), fault('authgear-hangs', 0), answer(10, { endedAt: 2560 })], undefined],
  ['as late, while the machine stood still', [
    signedIn('ann'), stall(100, 700), answer(10, { endedAt: 1361 })], /waited 751 ms/],
  ['no answer', [{ kind: 'unanswered', replica: 0, at: 10, endedAt: 20, hangs: false }], /got no answer/],
  ['no answer from one that is killed', [
    disturbed(15, 100, true), { kind: 'unanswered', replica: 0, at: 10, endedAt: 20, hangs: false }], undefined],
  ['a request that hangs', [{ kind: 'unanswered', replica: 0, at: 10, endedAt: 20_010, hangs: true }], /hangs/],

  ['one call for four replicas', [burst(10, 1)], undefined],
  ['one call too many', [burst(10, 2)], /2 calls for one credential; the bound is 1/],
  ['one more as all is purged', [{ kind: 'everything', at: 20 }, burst(10, 2)], undefined],
  ['one more long after all was purged', [{ kind: 'everything', at: 20 }, burst(2000, 2)], /2 calls/],
  ['one a replica beside a line of the log', [logged(300), burst(500, 4)], undefined],
  ['one more than that beside it', [logged(300), burst(500, 5)], /5 calls for one credential beside a line/],
  ['one more long after a line of the log', [logged(300), burst(900, 2)], /2 calls .* the bound is 1/],
  ['one a replica beside a line that is acknowledged later', [logged(590), burst(500, 4)], undefined],
  ['one more before a line of the log', [logged(700), burst(500, 2)], /2 calls .* the bound is 1/],
  ['one a replica that stood still beside a line', [logged(300), stall(500, 800, 0), burst(900, 4)], undefined],
  ['one a replica while Redis is away', [fault('cut-reset', 0, [1]), burst(10, 4)], undefined],
  ['one more than that', [fault('cut-reset', 0, [1]), burst(10, 5)], /5 calls .* the bound is 4/],
  ['more calls while Authgear fails', [fault('authgear-down', 0), burst(10, 9)], undefined],
  ['more calls while the machine stood still', [stall(20, 60, 3), burst(10, 2)], undefined],
  ['one a replica after the relays stood still', [stall(0, 280), burst(1600, 4)], undefined],
  ['one more than that after it', [stall(0, 280), burst(1600, 5)], /5 calls .* the bound is 4/],
  ['one a replica long after it', [stall(0, 280), burst(4500, 4)], /4 calls .* the bound is 1/],
  ['one a replica after many short stalls', [
    stall(0, 100), stall(200, 300), stall(400, 500), burst(1600, 4)], /4 calls .* the bound is 1/],
  ['one a replica after a replica stood still', [stall(0, 280, 2), burst(1600, 4)], /4 calls .* the bound is 1/],

  ['a process that ends by itself', [{ kind: 'crash', replica: 2, at: 1 }], /ended by itself/],
  ['a replica that does not come back', [{ kind: 'unhealed', what: 'replica 1 says redis down', at: 1 }], /redis down/]
]

for (const [what, history, violation] of ROWS) {
  t.test(`${violation === undefined ? 'allows' : 'notices'}: ${what}`, async (t) => {
    const found = createOracle().judge(history).map((one) => one.what)
    if (violation === undefined) t.strictSame(found, [])
    else t.match(found, [violation])
    t.ok(found.length <= 1, found.join())
  })
}

t.test('measures the worst of each situation, less what the machine stood still', async (t) => {
  const { judge, measures } = createOracle()
  judge([
    ...REVOKED, fault('cut-silent', 900, [0]), stall(1100, 1200), answer(3110), answer(2000, { endedAt: 2030 }),
    healed(5000)
  ])
  judge([fault('cut-silent', 6000, [0]), burst(6100, 3), healed(7000)])
  t.match(measures['cut-silent'], {
    times: 2, acceptedMs: 2000, revocations: 1, waitMs: 30, answers: 2, calls: 3, bursts: 1
  })
})

t.test('counts two faults at a time by themselves', async (t) => {
  const { judge, measures } = createOracle()
  judge([fault('cut-silent', 0, [0]), fault('redis-far', 10), signedIn('ann'), answer(20, { endedAt: 50 }), healed(99)])
  t.match(measures.several, { times: 1, waitMs: 30 })
})
