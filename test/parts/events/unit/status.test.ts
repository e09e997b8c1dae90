import t from 'tap'
import { parts } from '../../../../src/parts/index.ts'
import { groupsOf, valuesOf } from '../../../../src/parts/status/figures.ts'
import { createHistory, STEP_MS } from '../../../../src/parts/status/history.ts'
import { jsonOf } from '../../../../src/parts/status/of-parts.ts'
import { numbersOf } from '../../../../src/parts/events/status.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { allMetrics } from '../../../helpers/series.ts'

t.test('what apps are told in each minute, and their streams at its end', async (t) => {
  const clock = manualClock()
  const streams = new Map([['wiki', 2], ['grafana', 0]])
  let told = 0
  const metrics = allMetrics({ parts: () => ({ events: numbersOf(told, streams) }) })
  const history = createHistory({ read: metrics.reading, clock })
  const spend = (minutes: number): void => {
    for (let n = 0; n < 6 * minutes; n++) { clock.advance(STEP_MS); history.sample() }
  }
  told += 3
  spend(1)
  streams.set('wiki', 1)
  told += 1
  spend(1)
  const samples = history.window()
  const last = samples.at(-1) ?? t.fail('no sample') as never
  const [group] = groupsOf(last, parts).filter(({ id }) => id === 'events')
  t.strictSame(group && valuesOf(group, samples).map(({ id, total, minutes }) => [id, total, minutes]), [
    ['told', 4, [1, 3]], ['streams-wiki', 1, [1, 2]], ['streams-grafana', 0, [0, 0]]
  ])
  t.strictSame(jsonOf(parts, last.now)['eventStreams'], { wiki: 1, grafana: 0 })
})
