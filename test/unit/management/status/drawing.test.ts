import t from 'tap'
import type { Figure, Scale } from '../../../../src/management/status/charts.ts'
import { axisOf, draw, drawTimeline } from '../../../../src/management/status/drawing.ts'
import { ago, format, timeOfDay } from '../../../../src/management/status/format.ts'
import { type Sample, WINDOW_MS } from '../../../../src/management/status/history.ts'

const at = (monotonic: number): Sample => ({ monotonic }) as Sample

/** A curve of three equal parts of the window, which ends at `now`. */
function figure (
  now: number,
  ...values: readonly [number | undefined, number | undefined, number | undefined]
): Figure {
  const curve = values.map((value, index) => ({
    from: at(now - (WINDOW_MS * (3 - index)) / 3), to: at(now - (WINDOW_MS * (2 - index)) / 3), value
  }))
  return { line: { id: 'a', name: 'a', of: () => undefined }, curve, rows: [], total: undefined, latest: values[2] }
}
const pathsOf = (figures: readonly Figure[], scale: Scale): string[] =>
  Array.from(
    draw(figures, axisOf(figures, scale), scale, 'a "label"').matchAll(/<path class="l\d" d="([^"]*)"/g),
    ([, path = '']) => path
  )

const DRAWN: ReadonlyArray<
  readonly [
    what: string,
    scale: Scale,
    values: Parameters<typeof figure> extends [number, ...infer V] ? V : never,
    path: string
  ]
> = [
  ['from 0 to the largest', 'rate', [0, 5, 10], 'M0 70H100V36H200V2H300'],
  ['a ratio from 0 to 1, whatever the largest', 'share', [0.5, 0.5, 0.5], 'M0 36H100V36H200V36H300'],
  ['latency by powers of ten', 'seconds', [0.00001, 0.01, 10], 'M0 70H100V36H200V2H300'],
  ['what is under or over the axis, on its edge', 'seconds', [0, 1000, 0.01], 'M0 70H100V2H200V36H300'],
  ['nothing where there is nothing to say', 'share', [1, undefined, 0], 'M0 2H100M200 70H300'],
  ['nothing at all', 'rate', [undefined, undefined, undefined], ''],
  ['few as few: a rate of 0.05 does not fill the chart', 'rate', [0.05, 0.05, 0.05], 'M0 36H100V36H200V36H300']
]
for (const [what, scale, values, path] of DRAWN) {
  t.test(`${what} (${scale})`, async (t) => { t.strictSame(pathsOf([figure(5_000_000, ...values)], scale), [path]) })
}

t.test('lines share an axis, and each has its own class', async (t) => {
  const figures = [figure(WINDOW_MS, 1, 1, 1), figure(WINDOW_MS, 2, 2, 2)]
  t.match(draw(figures, axisOf(figures, 'rate'), 'rate', 'x'), /class="l0" d="M0 36H100.*class="l1" d="M0 2H100/)
  t.match(
    draw(figures, axisOf(figures, 'rate'), 'rate', 'a "label" & <more>'),
    'role="img" aria-label="a &quot;label&quot; &amp; &lt;more&gt;"'
  )
})

t.test('a pointer over a curve reads the values of its minute, without a script', async (t) => {
  const [one] = [figure(WINDOW_MS, 1, 5, 10)]
  const drawn = draw([{ ...one, rows: one.curve.toReversed() }], axisOf([one], 'rate'), 'rate', 'x')
  t.strictSame(Array.from(drawn.matchAll(/<rect x="(\d+)" width="(\d+)"[^>]*><title>([^<]*)</g), ([, ...all]) => all), [
    ['200', '100', 'until 0 s ago: a 10/s'],
    ['100', '100', 'until 5 min ago: a 5/s'],
    ['0', '100', 'until 10 min ago: a 1/s']
  ])
})

t.test('a state is a bar for each time that it went on, thin while it holds', async (t) => {
  const bars = (...values: Parameters<typeof figure> extends [number, ...infer V] ? V : never): string[] =>
    Array.from(
      drawTimeline(figure(WINDOW_MS, ...values), 'x').matchAll(/x="(\d+)" width="(\d+)" class="(\w+)".*?<title>(.*?)</g),
      ([, ...all]) => all.join(' ')
    )
  t.strictSame(bars(1, 1, 1), ['0 300 up a: yes, from 15 min ago until 0 s ago'])
  t.strictSame(bars(1, 0, 0), [
    '0 100 up a: yes, from 15 min ago until 10 min ago', '100 200 down a: no, from 10 min ago until 0 s ago'
  ])
  t.strictSame(bars(undefined, undefined, 1), ['200 100 up a: yes, from 5 min ago until 0 s ago'])
})

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
  t.equal(timeOfDay(Date.UTC(2026, 10, 25, 8, 5, 9)), '08:05:09')
})
