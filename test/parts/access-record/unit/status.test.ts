import t from 'tap'
import { parts } from '../../../../src/parts/index.ts'
import { factsOf } from '../../../../src/parts/status/facts.ts'
import { factsPart } from '../../../../src/parts/status/head.ts'
import { type Sample, sampleOf } from '../../../../src/parts/status/history.ts'
import { jsonOf } from '../../../../src/parts/status/of-parts.ts'
import { verdictsOf } from '../../../../src/parts/status/verdict.ts'
import { allMetrics } from '../../../helpers/series.ts'

type Numbers = Readonly<{ written: number, lost: number }>

/** How it is, after so many seconds. */
function sampleAt (second: number, numbers: Numbers | undefined, requiredAnswers = 0): Sample {
  const ofParts = numbers === undefined ? {} : { 'access-record': numbers }
  const metrics = allMetrics({ parts: () => ofParts })
  metrics.request('verify', 200, 'allowed', 'memory', 0.001)
  for (let n = 0; n < requiredAnswers; n++) metrics.request('verify', 503, 'record_unavailable', 'none', 0.001)
  return sampleOf(metrics.reading(), { wall: second * 1000, monotonic: second * 1000 })
}

/** The first sentence of a page whose window begins with a record that is written. */
function sentenceOf (numbers: Numbers | undefined, requiredAnswers = 0) {
  const samples = [sampleAt(0, { written: 1, lost: 2 }), sampleAt(60, numbers, requiredAnswers)]
  const [{ level, sentence, link }] = verdictsOf(factsOf({ state: 'serving', samples, others: [] }), parts)
  return { level, sentence, link }
}

t.test('the first line says what is wrong with the record', async (t) => {
  const link = 'forwardauthaccessrecordlost'
  t.match(sentenceOf({ written: 0, lost: 2 }), { level: 'warn', link, sentence: /cannot be written, and its lines wait/ })
  t.match(sentenceOf({ written: 1, lost: 5 }), { level: 'warn', link, sentence: /^3 lines of the access record lost/ })
  t.match(sentenceOf({ written: 1, lost: 3 }), { level: 'warn', link, sentence: /^1 line of the access record lost/ })
  t.match(sentenceOf({ written: 0, lost: 2 }, 3), { level: 'bad', link, sentence: /^3 of the last \d+ answers were 503/ })
  for (const well of [{ written: 1, lost: 2 }, undefined]) t.match(sentenceOf(well), { level: 'quiet' })
})

t.test('the facts and the JSON say whether it is written, where there is one', async (t) => {
  const shown = (numbers: Numbers | undefined): string => factsPart('serving', sampleAt(1, numbers), 'good', parts)
  t.match(shown({ written: 1, lost: 0 }), '<dt>Access record</dt><dd class="good">written</dd>')
  t.match(shown({ written: 0, lost: 0 }), '<dt>Access record</dt><dd class="bad">cannot be written</dd>')
  t.notMatch(shown(undefined), 'Access record')
  t.match(jsonOf(parts, sampleAt(1, { written: 0, lost: 0 }).now), { recordWritten: false, cacheEntries: 3 })
  t.notOk('parts' in jsonOf(parts, sampleAt(1, undefined).now))
})
