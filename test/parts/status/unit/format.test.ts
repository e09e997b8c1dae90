import t from 'tap'
import type { Scale } from '../../../../src/parts/status/figures.ts'
import { ago, format, timeElement } from '../../../../src/parts/status/format.ts'

const WRITTEN: ReadonlyArray<readonly [value: number | undefined, scale: Scale, text: string]> = [
  [undefined, 'rate', '–'],
  [1_234_567, 'count', '1,234,567'],
  [0.125, 'rate', '0.13/s'],
  [1234.5, 'rate', '1,235/s'],
  [0.98765, 'share', '98.8 %'],
  [0.00005, 'seconds', '50 µs'],
  [0.00449, 'seconds', '4.5 ms'],
  [0.044, 'seconds', '44 ms'],
  [2.345, 'seconds', '2.35 s'],
  [1, 'state', 'yes'],
  [0, 'state', 'no']
]
t.test('values are written as people read them', async (t) => {
  for (const [value, scale, text] of WRITTEN) t.equal(format(value, scale), text)
  t.strictSame([0, 59_000, 61_000, 899_000].map(ago), ['0 s ago', '59 s ago', '1 min ago', '15 min ago'])
  t.match(timeElement(Date.UTC(2026, 10, 25, 8, 5, 9)), '"2026-11-25T08:05:09.000Z">08:05:09<')
})
