import { escapeHtml } from '../../base/http/html.ts'
import { answersOf } from './facts.ts'
import {
  counted, type Figure, type Interval, intervals, lastMinute, quantile, ratio, type Scale
} from './figures.ts'
import { format } from './format.ts'
import { type Sample, SOURCES, WINDOW_MS } from './history.ts'

export type Tile = Figure & Readonly<{ scale: Scale }>

/** The figures that an operator looks at first. */
export const TILES: readonly Tile[] = [
  { ...counted('tile-requests', 'Requests', answersOf), scale: 'rate' },
  {
    ...ratio('tile-allowed', 'Allowed', (sample) => ({ hits: sample.requests.allowed, reads: answersOf(sample) })),
    scale: 'share'
  },
  { id: 'tile-p99', name: 'p99 latency', scale: 'seconds', of: p99Of },
  {
    ...counted('tile-authgear', 'Requests to Authgear', ({ authgear: { answered, failed } }) => answered + failed),
    scale: 'rate'
  }
]

/** The time within which 99 of 100 were looked up, wherever the answer came from. */
function p99Of (from: Sample, to: Sample): number | undefined {
  const all = ({ durations }: Sample): readonly number[] =>
    durations.memory.map((_, bound) => SOURCES.reduce((sum, source) => sum + (durations[source][bound] ?? 0), 0))
  return quantile(0.99, all(from), all(to))
}

/** The tiles: each figure in the last minute, with its course over the window. */
export function tilesPart (samples: readonly Sample[]): string {
  const [minute, course] = [lastMinute(samples), intervals(samples, SPARK_MS).toReversed()]
  return `<ul class="tiles" data-part="tiles">${TILES.map((tile) => tileOf(tile, minute, course)).join('')}</ul>`
}

function tileOf ({ id, name, scale, of }: Tile, minute: Interval | undefined, course: readonly Interval[]): string {
  const now = minute && of(...minute)
  return `<li><span>${name}</span> <data id="${id}" value="${now ?? ''}">${format(now, scale)}</data>` +
    `${spark(name, scale, course.map((one) => of(...one)))}</li>`
}

/** The time of one point of a spark. */
const SPARK_MS = 30_000
const [WIDTH, HEIGHT] = [100, 20]

/** A line from the first value on, its scale at its left, from 0; nothing where there is no line yet. */
function spark (name: string, scale: Scale, all: ReadonlyArray<number | undefined>): string {
  const values = all.slice(all.findIndex((value) => value !== undefined))
  const known = values.filter((value) => value !== undefined)
  if (known.length < 2) return ''
  const top = scale === 'share' ? 1 : Math.max(...known)
  const x = (index: number): number => Math.round(index * WIDTH / (values.length - 1))
  const y = (value: number): number => Math.round(HEIGHT - (top === 0 ? 0 : value / top * HEIGHT))
  const points = values.flatMap((value, index) => value === undefined ? [] : [`${x(index)},${y(value)}`])
  const range = `${format(Math.min(...known), scale)} to ${format(Math.max(...known), scale)}`
  const title = `${name}, at most ${WINDOW_MS / 60_000} minutes: ${range}`
  return `<span class="spark"><span aria-hidden="true">${format(top, scale)}<br>0</span>` +
    `<svg viewBox="0 -1 ${WIDTH} ${HEIGHT + 2}" preserveAspectRatio="none" role="img">` +
    `<title>${escapeHtml(title)}</title><polyline points="${points.join(' ')}"/></svg></span>`
}
