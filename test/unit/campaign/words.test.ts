import t from 'tap'
import type { Asked, HistoryEvent, Said } from '../../campaign/history.ts'
import { createOracle } from '../../campaign/oracle.ts'
import type { SituationId } from '../../campaign/situations.ts'

const said = (word: Said, at: number): HistoryEvent => ({ kind: 'said', client: 'a', word, at })
const kept = (word: Said, at: number): HistoryEvent => ({ kind: 'kept', client: 'a', word, at })
const heard = (word: Said, at: number, replica: number): HistoryEvent =>
  ({ kind: 'heard', client: 'a', word, replica, at })
const fault = (situation: SituationId, at: number, replicas: readonly number[] = [0, 1, 2, 3]): HistoryEvent =>
  ({ kind: 'fault', situation, replicas, at, what: { kind: situation } })
const reboot = (kind: 'redis-kept' | 'redis-emptied', at: number, killed: readonly number[]): HistoryEvent =>
  ({ kind: 'fault', situation: kind, replicas: [0, 1, 2, 3], at, what: { kind, killed } })
const ALL = [0, 1, 2, 3]
const healed = (at: number): HistoryEvent => ({ kind: 'healed', at })
const ended = (at: number, endedAt: number): HistoryEvent =>
  ({ kind: 'disturbed', replica: 0, at, endedAt, forgets: true })
const stall = (at: number, endedAt: number): HistoryEvent => ({ kind: 'stall', who: 'harness', at, endedAt })

const answer = (at: number, status: number, reason = status === 401 ? 'client_blocked' : 'allowed'): Asked =>
  ({ kind: 'client', client: 'a', replica: 0, at, endedAt: at + 5, status, reason })

const BLOCKED = [said('block', 1000), heard('block', 1010, 1), kept('block', 1010)]
const LIFTED = [...BLOCKED, said('lift', 5000), kept('lift', 5010)]
/** One that was not acknowledged, and given up. */
const GIVEN_UP = [...BLOCKED, said('lift', 5000), heard('lift', 5010, 1), said('block', 5100), kept('block', 5110)]
const [AT_ONCE, STALE, DEPOSED] = [550, 3150, 6250]

const ROWS: ReadonlyArray<readonly [what: string, history: readonly HistoryEvent[], violation: RegExp | undefined]> = [
  ['a client that nobody blocked', [answer(10, 200)], undefined],
  ['the same, refused as blocked', [answer(10, 401)], /that nobody blocked/],
  ['the same, refused for something else', [answer(10, 401, 'invalid_session')], undefined],
  ['an answer of another kind', [answer(10, 500)], /status 500/],

  ['blocked, and refused', [...BLOCKED, answer(1200, 401)], undefined],
  ['blocked, within milliseconds', [...BLOCKED, answer(1010 + AT_ONCE, 200)], undefined],
  ['blocked, and accepted later', [...BLOCKED, answer(1011 + AT_ONCE, 200)], /551 ms .* bound is 500 ms \(healthy\)/],
  ['the machine stood still', [...BLOCKED, stall(1100, 1400), answer(1300 + AT_ONCE, 200)], undefined],
  ['blocked, at a replica that was cut off', [
    ...BLOCKED, fault('cut-reset', 900, [0]), answer(1010 + STALE, 200)], undefined],
  ['the same, later', [...BLOCKED, fault('cut-reset', 900, [0]), answer(1011 + STALE, 200)], /bound is 3100 ms \(cut/],
  ['another replica was cut off', [...BLOCKED, fault('cut-reset', 900, [1]), answer(1011 + AT_ONCE, 200)], /healthy/],
  ['blocked, beside a deposed master', [
    ...BLOCKED, fault('deposed-master', 900), answer(1010 + DEPOSED, 200)], undefined],
  ['the same, later', [...BLOCKED, fault('deposed-master', 900), answer(1011 + DEPOSED, 200)], /bound is 6200/],
  ['by the replica that took it', [...BLOCKED, heard('block', 1005, 0), answer(1006, 200)], /that took the block/],
  ['by that replica, started again', [
    ...BLOCKED, heard('block', 1005, 0), ended(1006, 1100), answer(1200, 200)], undefined],
  ['nobody acknowledged it', [said('block', 1000), heard('block', 1010, 1), answer(9000, 200)], undefined],
  ['blocked before the snapshot', [
    ...BLOCKED, fault('redis-restored', 2000), healed(6000), answer(9000, 200)], /bound is 500/],
  ['blocked after the snapshot that all began from', [
    fault('redis-restored', 900), ...BLOCKED, healed(6000), answer(9000, 200)], undefined],
  ['the same, before all are well again', [
    fault('redis-restored', 900), ...BLOCKED, answer(5900, 200)], undefined],
  ['a file that was appended to, and all that ended with it', [
    ...BLOCKED, reboot('redis-kept', 2000, ALL), healed(6000), answer(9000, 200)], /bound is 6200/],
  ['blocked while that file was not safe yet', [
    reboot('redis-kept', 900, ALL), ...BLOCKED, healed(6000), answer(9000, 200)], undefined],
  ['the same, and one replica lived', [
    reboot('redis-kept', 900, [0, 1, 2]), ...BLOCKED, healed(6000), answer(9000, 200)], /bound is 6200/],
  ['an empty Redis, and one replica lived', [
    ...BLOCKED, reboot('redis-emptied', 2000, [0, 1, 2]), healed(6000), answer(9000, 200)], /bound is 6200/],
  ['the same, by a replica that has just been started', [
    ...BLOCKED, reboot('redis-emptied', 7000, [0, 1, 2]), answer(9000, 200)], /bound is 6200/],
  ['the same, and it had not read of it', [
    ...BLOCKED, reboot('redis-emptied', 1200, [0, 1, 2]), healed(6000), answer(9000, 200)], undefined],
  ['an empty Redis, and all that began again', [
    ...BLOCKED, reboot('redis-emptied', 2000, ALL), answer(3000, 200), healed(6000), answer(9000, 200)], undefined],

  ['lifted', [...LIFTED, answer(5200, 200)], undefined],
  ['lifted, and refused until the next poll', [...LIFTED, answer(5010 + 1500, 401)], undefined],
  ['lifted, and refused later', [...LIFTED, answer(5011 + 1500, 401)], /1501 ms after it was lifted/],
  ['lifted while Redis is in trouble', [fault('redis-killed', 900), ...LIFTED, answer(9000, 401)], undefined],
  ['a lift that was given up undoes no later block', [...GIVEN_UP, answer(5111 + AT_ONCE, 200)], /551 ms/],
  ['the same, in time', [...GIVEN_UP, answer(5110 + AT_ONCE, 200)], undefined],

  ['503 while nothing is wrong', [answer(5000, 503, 'authgear_unavailable')], /503 .* client's token/],
  ['503 while Authgear is away', [fault('authgear-down', 900), answer(5000, 503)], /503/],
  ['503 while Redis is in trouble', [fault('redis-killed', 900), answer(5000, 503)], undefined],
  ['503 of a replica whose clock jumps, as of a machine that slept', [
    fault('clock-jump', 900, [0]), answer(5000, 503)], undefined],
  ['503 right after it', [fault('redis-killed', 900), healed(3000), answer(5000, 503)], undefined],
  ['503 a while after it', [fault('redis-killed', 900), healed(3000), answer(7501, 503)], /503/],
  ['503 of a replica that begins', [ended(4000, 4500), answer(5000, 503)], undefined]
]

for (const [what, history, violation] of ROWS) {
  t.test(`a client's token: ${what}`, async (t) => {
    const found = createOracle().judge(history).map((one) => one.what)
    if (violation === undefined) t.strictSame(found, [])
    else t.match(found, [violation])
  })
}

t.test('the worst is measured, less what the machine stood still', async (t) => {
  const oracle = createOracle()
  oracle.judge([...BLOCKED, stall(1100, 1150), answer(1210, 200), answer(1300, 401)])
  t.strictSame(oracle.blocks, { words: 1, answers: 2, refused: 1, acceptedMs: 150 })
})
