import { escapeHtml } from '../../pages/layout.ts'
import { LATENCY_BUCKETS } from '../../metrics/request-counts.ts'
import type { Figure, Scale } from './charts.ts'
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
export function draw (figures: readonly Figure[], axis: Axis, label: string): string {
  const lines = figures.map(({ curve }, index) => `<path class="l${index}" d="${pathOf(curve, axis)}"/>`)
  const grid = [0, 0.5, 1].map((share) => `<path class="grid" d="M0 ${y(share)}H${WIDTH}"/>`)
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" ` +
    `aria-label="${escapeHtml(label)}">${grid.join('')}${lines.join('')}</svg>`
}

function pathOf (curve: Figure['curve'], { bottom, top, isLogarithmic }: Axis): string {
  const now = curve.at(-1)?.to.monotonic ?? 0
  const x = (at: number): string => round(WIDTH * Math.max(0, 1 - (now - at) / WINDOW_MS))
  const share = (value: number): number =>
    isLogarithmic
      ? Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom)
      : (value - bottom) / (top - bottom)
  let isOn = false
  return curve.map(({ from, to, value }) => {
    const [wasOn, height] = [isOn, y(share(value ?? 0))]
    isOn = value !== undefined
    if (!isOn) return ''
    return `${wasOn ? `V${height}` : `M${x(from.monotonic)} ${height}`}H${x(to.monotonic)}`
  }).join('')
}

const y = (share: number): string => round(HEIGHT - MARGIN - Math.min(1, share) * (HEIGHT - 2 * MARGIN))
const round = (value: number): string => String(Math.round(value * 10) / 10)
