import { escapeHtml } from '../../pages/layout.ts'
import { LATENCY_BUCKETS } from '../../metrics/request-counts.ts'
import type { Figure, Point, Scale } from './charts.ts'
import { ago, format } from './format.ts'
import { WINDOW_MS } from './history.ts'

const [WIDTH, HEIGHT] = [300, 72]
/** Room for the width of a line. */
const MARGIN = 2

export type Axis = Readonly<{ bottom: number, top: number, isLogarithmic: boolean }>

/** From 0 to the largest value; latencies from 10 µs to 10 s by powers of ten. */
export function axisOf (figures: readonly Figure[], scale: Scale): Axis {
  if (scale === 'seconds') {
    return { bottom: (LATENCY_BUCKETS[0] ?? 0) / 5, top: (LATENCY_BUCKETS.at(-1) ?? 0) * 2, isLogarithmic: true }
  }
  if (scale === 'share' || scale === 'state') return { bottom: 0, top: 1, isLogarithmic: false }
  return {
    bottom: 0,
    top: Math.max(scale === 'count' ? 1 : 0.1, ...figures.flatMap(({ curve }) => curve.map(({ value }) => value ?? 0))),
    isLogarithmic: false
  }
}

/** @param label what a reader who does not see it is told */
export function draw (figures: readonly Figure[], axis: Axis, scale: Scale, label: string): string {
  const lines = figures.map(({ curve }, index) => `<path class="l${index}" d="${pathOf(curve, axis)}"/>`)
  const grid = [0, 0.5, 1].map((share) => `<path class="grid" d="M0 ${y(share)}H${WIDTH}"/>`)
  return svg(HEIGHT, label, `${grid.join('')}${lines.join('')}${hovers(figures, scale)}`)
}

const svg = (height: number, label: string, content: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" role="img" ` +
  `aria-label="${escapeHtml(label)}">${content}</svg>`

/** A strip for each minute, which says its values under a pointer: no script. */
function hovers (figures: readonly Figure[], scale: Scale): string {
  const rows = figures[0]?.rows ?? []
  const now = rows[0]?.to.monotonic ?? 0
  return rows.map(({ from, to }, row) => {
    const values = figures.map(({ line, rows }) => `${line.name} ${format(rows[row]?.value, scale)}`)
    const title = `until ${ago(now - to.monotonic)}: ${values.join(', ')}`
    return strip(from.monotonic, to.monotonic, now, `<title>${escapeHtml(title)}</title>`)
  }).join('')
}

function strip (from: number, to: number, now: number, content: string, shape = `y="0" height="${HEIGHT}"`): string {
  const [left, right] = [x(from, now), x(to, now)]
  return `<rect x="${round(left)}" width="${round(right - left)}" ${shape}>${content}</rect>`
}

const BAR = 12

/** How a state went on: a thin bar while it holds, a full one while it does not, so that colour is not all. */
export function drawTimeline ({ line, curve }: Figure, label: string): string {
  const now = curve.at(-1)?.to.monotonic ?? 0
  const bars = runsOf(curve).map(({ from, to, value }) => {
    const [begin, end] = [from.monotonic, to.monotonic]
    const title = `${line.name}: ${format(value, 'state')}, from ${ago(now - begin)} until ${ago(now - end)}`
    const shape = value === 1 ? 'class="up" y="4" height="4"' : `class="down" y="0" height="${BAR}"`
    return strip(begin, end, now, `<title>${escapeHtml(title)}</title>`, shape)
  })
  return svg(BAR, label, bars.join(''))
}

/** What is the same one after the other, as one. */
function runsOf (curve: readonly Point[]): readonly Point[] {
  const runs: Point[] = []
  for (const point of curve) {
    const last = runs.at(-1)
    if (last?.value === point.value && last !== undefined) runs[runs.length - 1] = { ...last, to: point.to }
    else runs.push(point)
  }
  return runs.filter(({ value }) => value !== undefined)
}

function pathOf (curve: Figure['curve'], { bottom, top, isLogarithmic }: Axis): string {
  const now = curve.at(-1)?.to.monotonic ?? 0
  const share = (value: number): number =>
    isLogarithmic
      ? Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom)
      : (value - bottom) / (top - bottom)
  let isOn = false
  return curve.map(({ from, to, value }) => {
    const [wasOn, height] = [isOn, y(share(value ?? 0))]
    isOn = value !== undefined
    if (!isOn) return ''
    const begin = `M${round(x(from.monotonic, now))} ${height}`
    return `${wasOn ? `V${height}` : begin}H${round(x(to.monotonic, now))}`
  }).join('')
}

const x = (at: number, now: number): number => WIDTH * Math.max(0, 1 - (now - at) / WINDOW_MS)
const y = (share: number): string => round(HEIGHT - MARGIN - Math.min(1, share) * (HEIGHT - 2 * MARGIN))
const round = (value: number): string => String(Math.round(value * 10) / 10)
