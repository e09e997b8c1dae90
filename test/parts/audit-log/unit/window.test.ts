import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { variablesOf } from '../../../../src/parts/audit-log/client.ts'
import { delayAfter } from '../../../../src/parts/audit-log/run.ts'
import { createCoalescer } from '../../../../src/parts/audit-log/apply.ts'
import { type AuditEntry, type Page, timeOf } from '../../../../src/parts/audit-log/entry.ts'
import { classifyGap } from '../../../../src/parts/audit-log/follower.ts'
import {
  advance, beginAt, decodePosition, encodePosition, startOf
} from '../../../../src/parts/audit-log/position.ts'
import { readWindow, type Window } from '../../../../src/parts/audit-log/window.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { holds } from '../../../helpers/property.ts'

const NOW = 1_795_565_337
const OVERLAP = { least: 10, most: 10 }
const TYPES = ['A', 'B', 'C', 'D', 'E']

const entryAt = (number: number, second: number, type = 'A'): AuditEntry => ({
  seq: number.toString(16).padStart(16, '0'), second, type, data: {}
})

/** A log as Authgear shows it: the newest hundred of a window, those of one second in any order. */
function logOf (entries: readonly AuditEntry[]) {
  const asked: Window[] = []
  return {
    asked,
    async ask (window: Window): Promise<Page> {
      asked.push(window)
      const found = entries.filter(
        ({ second, type }) =>
          second >= (window.from ?? 0) && second < (window.to ?? Infinity) && window.types.includes(type)
      )
      return {
        entries: found.toSorted((a, b) => b.second - a.second || (a.seq < b.seq ? 1 : -1)).slice(0, 100),
        total: found.length,
        now: NOW
      }
    }
  }
}

const never = (): boolean => false

t.test('a time is written in Z and whole seconds', async (t) => {
  t.equal(timeOf(NOW), '2026-11-25T00:08:57Z')
  t.same(variablesOf({ from: NOW, to: undefined, types: TYPES }), {
    first: 100, activityTypes: TYPES, rangeFrom: '2026-11-25T00:08:57Z'
  })
  t.same(variablesOf({ from: undefined, to: NOW, types: [] }, 1), {
    first: 1, activityTypes: [], rangeTo: '2026-11-25T00:08:57Z'
  })
})

t.test('whatever is in a window is read, or the cell that does not fit is named', async (t) => {
  const someEntries = fc.array(
    fc.record({
      ago: fc.integer({ min: 0, max: 30 }), type: fc.constantFrom(...TYPES), count: fc.constantFrom(1, 3, 40, 99, 130)
    }),
    { maxLength: 12 }
  )
  await holds(t, fc.asyncProperty(someEntries, async (groups) => {
    const entries = groups
      .flatMap(({ ago, type, count }) => Array.from({ length: count }, () => [NOW - ago, type] as const))
      .map(([second, type], index) => entryAt(index, second, type))
    const { ask, asked } = logOf(entries)
    const reading = await readWindow({ from: NOW - 30, to: undefined, types: TYPES }, 100, ask, never)
    const read = new Set(reading.entries.map(({ seq }) => seq))
    const unread = entries.filter(({ seq }) => !read.has(seq))
    assert(unread.every(({ second, type }) => reading.overflows.has(`${second} ${type}`) || reading.overflows.has('all')))
    assert(asked.length <= 40)
    assert.deepEqual(reading.entries.map(({ seq }) => seq), [...read].toSorted(), 'by seq')
  }), 200)
})

t.test('what fits is one query, and newest halves come first', async (t) => {
  const few = logOf([entryAt(1, NOW)])
  await readWindow({ from: NOW - 10, to: undefined, types: TYPES }, 100, few.ask, never)
  t.equal(few.asked.length, 1)
  const many = logOf(Array.from({ length: 150 }, (_, index) => entryAt(index, NOW - index % 10)))
  await readWindow({ from: NOW - 10, to: undefined, types: TYPES }, 100, many.ask, never)
  t.same(many.asked.map(({ from, to }) => [from === undefined ? from : NOW - from, to === undefined ? to : NOW - to]),
    [[10, undefined], [5, undefined], [10, 5]])
})

t.test('what is too old to concern anything is not read', async (t) => {
  const log = logOf(Array.from({ length: 5000 }, (_, index) => entryAt(index, NOW - index * 60)))
  const { entries, overflows } = await readWindow(
    { from: NOW - 1_000_000, to: undefined, types: TYPES }, 40, log.ask, never
  )
  t.match(log.asked[1], { from: NOW - 40 })
  t.equal(log.asked.length, 2)
  t.same([entries.length, overflows.size], [100, 0], 'the first answer is used all the same')
})

t.test('a thousand in one second: the cell is named, one query while there are no more', async (t) => {
  const log = logOf(Array.from({ length: 1000 }, (_, index) => entryAt(index, NOW)))
  const { overflows, total } = await readWindow({ from: NOW - 10, to: undefined, types: TYPES }, 40, log.ask, never)
  t.same([...overflows], [[`${NOW} A`, 1000]])
  const queries = log.asked.length
  t.comment(`1,000 entries of one type in one second: ${queries} queries`)
  await readWindow({ from: NOW - 10, to: undefined, types: TYPES }, 40, log.ask, (count) => count === total)
  t.equal(log.asked.length - queries, 1)
})

t.test('an entry dated ahead does not hide what comes after it', async (t) => {
  const log = logOf([
    entryAt(1, NOW + 3600),
    ...Array.from({ length: 150 }, (_, index) => entryAt(2 + index, NOW - (index % 5)))
  ])
  const reading = await readWindow({ from: NOW - 10, to: undefined, types: TYPES }, 40, log.ask, never)
  t.equal(reading.entries.length, 151)
  const position = advance(beginAt(NOW - 10), NOW - 10, reading, OVERLAP)
  t.equal(position.newest, NOW)
  t.ok(position.seen.has(entryAt(1, 0).seq))
})

t.test('a position begins at the newest entry, moves with it, forgets beyond overlap', async (t) => {
  const begun = beginAt(NOW - 5)
  t.equal(startOf(begun, 10), NOW - 5, 'nothing older')
  const log = logOf([entryAt(1, NOW - 5), entryAt(2, NOW)])
  const first = advance(
    begun, NOW - 5, await readWindow({ from: NOW - 5, to: undefined, types: TYPES }, 40, log.ask, never), OVERLAP
  )
  t.same([first.newest, startOf(first, 10), [...first.seen.values()]], [NOW, NOW - 5, [NOW - 5, NOW]])
  const later = advance(
    first,
    NOW - 5,
    {
      entries: [entryAt(3, NOW + 8)],
      total: 3,
      overflows: new Map([
        [`${NOW + 8} A`, 200],
        [`${NOW - 9} A`, 200]
      ]),
      now: NOW + 8
    },
    OVERLAP
  )
  t.same([startOf(later, 10), [...later.seen.values()], [...later.covered.keys()]],
    [NOW - 2, [NOW, NOW + 8], [`${NOW + 8} A`]])
  t.equal(startOf(beginAt(undefined), 10), undefined, 'an empty log is read from its beginning')
})

t.test('a position comes back as it was stored, and nothing else does', async (t) => {
  const position = {
    ...beginAt(NOW),
    seen: new Map([['a', NOW]]),
    covered: new Map([['x', 7]]),
    settled: { from: undefined, total: 3 },
    isEverythingDue: true
  }
  t.strictSame(decodePosition(encodePosition(position)), position)
  t.strictSame(decodePosition(encodePosition(beginAt(undefined))), beginAt(undefined))
  for (const text of ['', 'null', '[]', '{}', '{"v":2}', 'x']) t.equal(decodePosition(text), undefined, text)
  t.strictSame(
    decodePosition('{"v":1,"newest":"x","seen":[["a"],7,["b",1]],"settled":7}'),
    { ...beginAt(undefined), seen: new Map([['b', 1]]), isTroubled: true, isEverythingDue: true },
    'what is missing is trouble'
  )
})

const GAPS: ReadonlyArray<readonly [what: string, gap: Parameters<typeof classifyGap>[0], verdict: string]> = [
  ['a first start', { ageMs: undefined, isTroubled: false, isRedisToBlame: false }, 'none'],
  ['a first start after failures', { ageMs: undefined, isTroubled: true, isRedisToBlame: false }, 'lost'],
  ['the poll before was just now', { ageMs: 2000, isTroubled: false, isRedisToBlame: false }, 'none'],
  ['another one leads, within the overlap', { ageMs: 10_000, isTroubled: false, isRedisToBlame: false }, 'none'],
  ['an error', { ageMs: 4000, isTroubled: true, isRedisToBlame: false }, 'lost'],
  ['a gap longer than the overlap', { ageMs: 10_001, isTroubled: false, isRedisToBlame: false }, 'lost'],
  ['an outage as long as the TTL', { ageMs: 30_000, isTroubled: true, isRedisToBlame: false }, 'lost'],
  ['an outage longer than the TTL', { ageMs: 30_001, isTroubled: true, isRedisToBlame: false }, 'lost'],
  ['Redis gave no lease beyond the overlap', { ageMs: 10_001, isTroubled: false, isRedisToBlame: true }, 'redis'],
  ['Redis gave no lease for an hour', { ageMs: 3_600_000, isTroubled: false, isRedisToBlame: true }, 'redis'],
  ['Redis was slow within the overlap', { ageMs: 10_000, isTroubled: false, isRedisToBlame: true }, 'none'],
  ['Authgear failed, and Redis too', { ageMs: 10_001, isTroubled: true, isRedisToBlame: true }, 'lost'],
  ['a service that stood still for a day', { ageMs: 86_400_000, isTroubled: false, isRedisToBlame: false }, 'expired']
]

t.test('gaps', async (t) => {
  for (const [what, gap, verdict] of GAPS) t.equal(classifyGap(gap, 10_000, 30_000), verdict, what)
})

t.test('the first everything at once, one more at the end of ten seconds', async (t) => {
  const clock = manualClock()
  const everything = createCoalescer(clock)
  t.equal(everything.waitMs(), undefined)
  everything.request()
  t.equal(everything.waitMs(), 0)
  everything.done()
  t.equal(everything.waitMs(), undefined)
  clock.advance(3000)
  for (let n = 0; n < 100; n++) everything.request()
  t.equal(everything.waitMs(), 7000)
  clock.advance(7000)
  t.equal(everything.waitMs(), 0)
  everything.done()
  everything.request()
  everything.forget()
  t.equal(everything.waitMs(), undefined)
})

t.test('after failures it asks less and less often, after one that hung at once less', async (t) => {
  t.same(
    [1, 2, 3, 4, 20].map((failures) => delayAfter('server', failures, 2000, 0.5)), [2000, 4000, 8000, 16_000, 60_000]
  )
  t.same([1, 2, 3, 4].map((failures) => delayAfter('timeout', failures, 2000, 0.5)), [10_000, 20_000, 40_000, 60_000])
  t.same([0, 1].map((random) => delayAfter('server', 1, 2000, random)), [1500, 2500], 'with jitter')
})
