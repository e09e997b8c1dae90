import t from 'tap'
import { createClockCheck } from '../../../src/base/revocation/stream-log.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

t.test('a clock one minute off is logged once, and again after it was right', async (t) => {
  const clock = manualClock()
  const lines: string[] = []
  const check = createClockCheck({ clock, observer: { ...NO_OBSERVER, trouble: (what) => { lines.push(what) } } })
  const readAt = (offsetMs: number): void => check({ now: clock.wall() - offsetMs })
  for (let polls = 0; polls < 34; polls++) readAt(60_000 + (polls % 2 === 0 ? 5 : -5))
  t.equal(lines.length, 1)
  t.match(lines, [/60 s ahead of/])
  readAt(2000)
  readAt(-61_000)
  t.match(lines[1], /61 s behind/)
  readAt(61_000)
  t.equal(lines.length, 2)
})

t.test('a skew of five seconds is logged, and later one of a minute', async (t) => {
  const clock = manualClock()
  const lines: string[] = []
  const check = createClockCheck({ clock, observer: { ...NO_OBSERVER, trouble: (what) => { lines.push(what) } } })
  const readAt = (offsetMs: number): void => check({ now: clock.wall() - offsetMs })
  for (const offset of [4900, 5100, 4900, 5100, 40_000, 61_000, 59_000, 61_000, 20_000]) readAt(offset)
  t.match(lines, [/5 s ahead of.*assertions/, /61 s ahead of.*CACHE_TTL/, /20 s ahead of.*assertions/])
  t.equal(lines.length, 3)
})
