import t from 'tap'
import { coursePart, pastPart } from '../../../../src/parts/status/course.ts'
import { sampleOf, type Sample, STEP_MS } from '../../../../src/parts/status/history.ts'
import { type Past, pastOf } from '../../../../src/parts/status/past.ts'
import { allMetrics } from '../../../helpers/series.ts'

const NOW = Date.UTC(2026, 0, 1, 12)

/** One sample a step; the last is taken at NOW. `!`: Redis is down, `?`: the log is not followed, `B`: both. */
function samplesOf (steps: string, wallSteps = 0): readonly Sample[] {
  const { now, ...rest } = allMetrics().reading()
  return Array.from(steps, (mark, index) => {
    const ago = (steps.length - 1 - index) * STEP_MS
    // the wall clock was wrong until the last sample
    const wall = NOW - ago - (ago === 0 ? 0 : wallSteps * STEP_MS)
    const state = { redisUp: !'!B'.includes(mark), logFollowed: !'?B'.includes(mark), circuitOpen: mark === 'B' }
    return sampleOf({ ...rest, now: { ...now, ...state } }, { wall, monotonic: 1e6 - ago })
  })
}

const REDIS = 'forwardauthredisdown'
const stepsAgo = (time: number | undefined): number | undefined =>
  time === undefined ? undefined : (NOW - time) / STEP_MS
const spansOf = (samples: readonly Sample[]) =>
  pastOf(samples, []).map(({ link, from, to }) => [link, stepsAgo(from), stepsAgo(to)])

t.test('a problem begins with the first step that had it, and ends with the last', async (t) => {
  t.strictSame(spansOf(samplesOf('.........')), [])
  t.strictSame(spansOf(samplesOf('....!!!..')), [[REDIS, 5, 2]])
  t.strictSame(spansOf(samplesOf('..!..!...')), [[REDIS, 4, 3], [REDIS, 7, 6]], 'the newest first')
  t.strictSame(spansOf(samplesOf('......!!!')), [[REDIS, 3, undefined]], 'goes on')
  t.strictSame(spansOf(samplesOf('!!!......')), [[REDIS, undefined, 6]], 'was there before')
  t.strictSame(spansOf(samplesOf('!!!!!!!!!')), [], 'of the whole window: the verdict says it')
})

t.test('two problems at once are two', async (t) => {
  t.same(new Set(pastOf(samplesOf('...BB..'), []).map(({ link }) => link)), new Set([
    'forwardauthauthgearcircuitopen', REDIS
  ]))
})

t.test('a wall clock that was set does not tear the course apart', async (t) => {
  t.strictSame(spansOf(samplesOf('....!!!..', 100)), [[REDIS, 5, 2]])
  const [, json = ''] = /<script[^>]*>(.*)<\/script>/.exec(coursePart(samplesOf('....', 100), [])) ?? []
  t.strictSame(JSON.parse(json).at, [20, 10, 0].map((ago) => NOW / 1000 - ago))
})

t.test('problems that come and go are shown to a bound', async (t) => {
  const past = pastOf(samplesOf('.!'.repeat(45)), [])
  t.equal(past.length, 8)
  t.strictSame([past[0]?.to, stepsAgo(past[1]?.from)], [undefined, 3], 'the newest')
})

const PAST: Past = { level: 'bad', sentence: '</script><b>.', link: 'x', from: NOW, to: undefined }
t.test('what is said is text, in the list and in the data', async (t) => {
  t.match(pastPart([PAST]), '<a href="runbook#x">&lt;/script&gt;&lt;b&gt;.</a>')
  t.equal(pastPart([]), '<div data-part="past"></div>')
  const part = coursePart(samplesOf('...'), [PAST])
  t.equal(part.split('<').length, 3, 'one element')
  t.match(JSON.parse(part.replace(/^<[^>]*>|<\/script>$/g, '')), {
    at: [NOW / 1000 - 10, NOW / 1000],
    series: [
      { name: 'Requests', scale: 'rate', values: [0, 0] }, { name: 'Allowed', values: [null, null] },
      { name: 'p99 latency', scale: 'seconds' }, { name: 'Requests to Authgear' }
    ],
    problems: [{ level: 'bad', sentence: '</script><b>.', from: NOW / 1000 }]
  })
})
