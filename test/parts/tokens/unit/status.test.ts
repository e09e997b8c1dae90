import t from 'tap'
import { parts } from '../../../../src/parts/index.ts'
import { factsOf } from '../../../../src/parts/status/facts.ts'
import { type Sample, sampleOf } from '../../../../src/parts/status/history.ts'
import { verdictsOf } from '../../../../src/parts/status/verdict.ts'
import { allMetrics } from '../../../helpers/series.ts'

type Numbers = Readonly<{ held: number, limited: number }>

/** How it is, after so many seconds and answers of 503 for guesses. */
function sampleAt (second: number, numbers: Numbers): Sample {
  const metrics = allMetrics({ parts: () => ({ tokens: numbers }) })
  metrics.request('resource', 200, 'allowed', 'memory', 0.001)
  for (let n = 0; n < numbers.held; n++) metrics.request('resource', 503, 'exchange_limited', 'authgear', 0.001)
  return sampleOf(metrics.reading(), { wall: second * 1000, monotonic: second * 1000 })
}

function sentenceOf (before: Numbers, now: Numbers) {
  const samples = [sampleAt(0, before), sampleAt(60, now)]
  const [{ level, sentence, link }] = verdictsOf(factsOf({ state: 'serving', samples, others: [] }), parts)
  return { level, sentence, link }
}

t.test('guesses are a warning that says what to do, and no outage', async (t) => {
  t.match(sentenceOf({ held: 1, limited: 1 }, { held: 90, limited: 2 }), {
    level: 'warn', sentence: /^90 client ids and secrets .* name your clients with client=/, link: 'users-see-503'
  })
  t.notMatch(sentenceOf({ held: 1, limited: 1 }, { held: 1, limited: 1 }), { level: /warn|bad/ })
})
