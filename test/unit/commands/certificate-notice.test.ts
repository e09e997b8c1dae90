import t from 'tap'
import { watchCertificateLife } from '../../../src/commands/serve/replica.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const DAY_MS = 86_400_000

t.test('a line 14, 7 and 1 days before and after the end, one each', async (t) => {
  const clock = manualClock()
  const from = clock.wall()
  const lines: string[] = []
  const log = { warn: (line: string) => lines.push(`warn ${line}`), error: (line: string) => lines.push(`error ${line}`) }
  const notice = watchCertificateLife({ from, to: from + 90 * DAY_MS }, log as never, clock)
  t.teardown(notice.stop)
  for (let day = 0; day < 110; day += 0.5) {
    clock.advance(DAY_MS / 2)
    notice.look()
  }
  const said = lines.map((line) => /^(\w+) .*(ends in|ended) (.*?)(?:,| ago,) at/.exec(line)?.slice(1).join(' '))
  t.strictSame(said, [
    'warn ends in 14 days', 'warn ends in 7 days', 'warn ends in a day', 'error ended less than a day',
    'error ended a day', 'error ended 7 days', 'error ended 14 days'
  ])
  notice.renewed({ from: clock.wall(), to: clock.wall() + 90 * DAY_MS })
  notice.look()
  t.equal(lines.length, 7)
})
