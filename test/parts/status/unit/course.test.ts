import t from 'tap'
import { coursePart } from '../../../../src/parts/status/course.ts'
import { sampleOf, type Sample, STEP_MS } from '../../../../src/parts/status/history.ts'
import { allMetrics } from '../../../helpers/series.ts'

const NOW = Date.UTC(2026, 0, 1, 12)

/** One sample a step; the last is taken at NOW, and the wall clock was wrong until then. */
function samplesOf (count: number, wallSteps = 0): readonly Sample[] {
  const reading = allMetrics().reading()
  return Array.from({ length: count }, (_, index) => {
    const ago = (count - 1 - index) * STEP_MS
    const wall = NOW - ago - (ago === 0 ? 0 : wallSteps * STEP_MS)
    return sampleOf(reading, { wall, monotonic: 1e6 - ago })
  })
}

const courseOf = (samples: readonly Sample[]) =>
  JSON.parse(coursePart(samples).replace(/^<[^>]*>|<\/script>$/g, ''))

t.test('a wall clock that was set does not tear the course apart', async (t) => {
  t.strictSame(courseOf(samplesOf(4, 100)).at, [20, 10, 0].map((ago) => NOW / 1000 - ago))
})

t.test('the course has four figures step by step, and no problem', async (t) => {
  const samples = samplesOf(3)
  t.equal(coursePart(samples).split('<').length, 3, 'one element')
  const { at, series, ...more } = courseOf(samples)
  t.strictSame(at, [NOW / 1000 - 10, NOW / 1000])
  t.match(series, [
    { name: 'Requests', scale: 'rate', values: [0, 0] }, { name: 'Allowed', values: [null, null] },
    { name: 'p99 latency', scale: 'seconds' }, { name: 'Requests to Authgear' }
  ])
  t.strictSame(more, {}, 'ten seconds are not judged')
})
