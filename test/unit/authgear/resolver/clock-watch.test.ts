import t from 'tap'
import { createClockWatch } from '../../../../src/base/authgear/resolver/clock-watch.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const MINUTE = 60_000
const TOOK_MS = 40

function world () {
  const told: string[] = []
  const clock = manualClock()
  const { answered: look, aheadMs: seenMs } = createClockWatch(clock, {
    clockOff: (aheadMs) => { told.push(`off by ${Math.round(aheadMs / 1000)} s`) },
    clockRight: () => { told.push('right') }
  })
  /** @param aheadMs of this machine's clock */
  const answer = (aheadMs: number): void => {
    clock.advance(10_000)
    const date = new Date(Math.floor((clock.wall() - aheadMs) / 1000) * 1000).toUTCString()
    look(['Content-Length', '0', 'Date', date], TOOK_MS)
  }
  return { told, clock, look, answer, seenMs }
}

t.test('says when a clock goes more than a minute off, and when it is within half of one', async (t) => {
  const { told, answer } = world()
  for (const aheadMs of [0, 55_000, 20 * MINUTE, 20 * MINUTE, 59_000, 45_000, 5000, 50_000]) answer(aheadMs)
  t.strictSame(told, ['off by 1199 s', 'right'])
})

t.test('keeps by how much a clock is off, until the clocks agree again', async (t) => {
  const { answer, seenMs } = world()
  t.equal(seenMs(), undefined)
  answer(4 * MINUTE)
  t.equal(Math.round((seenMs() ?? 0) / 1000), 239)
  answer(2 * MINUTE)
  t.equal(Math.round((seenMs() ?? 0) / 1000), 119)
  answer(45_000)
  t.equal(Math.round((seenMs() ?? 0) / 1000), 119, 'not sure yet')
  answer(1000)
  t.equal(seenMs(), undefined)
})

t.test('says that a clock is behind', async (t) => {
  const { told, answer } = world()
  answer(-2 * MINUTE)
  t.strictSame(told, ['off by -120 s'])
})

t.test('looks at one answer in ten seconds, and at none without a Date that can be read', async (t) => {
  const { told, look, clock } = world()
  look(['Date', 'yesterday'], TOOK_MS)
  look(['Date', new Date(0).toUTCString()], TOOK_MS)
  t.strictSame(told, [])
  clock.advance(10_000)
  look(['X-Date', new Date(0).toUTCString()], TOOK_MS)
  t.strictSame(told, [])
})
