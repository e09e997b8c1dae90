import type { Scale } from './figures.ts'

const NONE = '–'

/** A value as people read it. */
export function format (value: number | undefined, scale: Scale): string {
  if (value === undefined) return NONE
  switch (scale) {
    case 'count': return grouped(value, 0)
    case 'rate': return `${grouped(value, value < 10 ? 2 : 0)}/s`
    case 'share': return `${(value * 100).toFixed(1)} %`
    case 'seconds': return duration(value)
    case 'state': return value === 1 ? 'yes' : 'no'
  }
}

/** Formats by fraction digits; each is made once and late, since making one takes longer than a page. */
const formats: Intl.NumberFormat[] = []
const grouped = (value: number, digits: 0 | 1 | 2): string =>
  (formats[digits] ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: digits })).format(value)

function duration (seconds: number): string {
  if (seconds < 0.001) return `${grouped(seconds * 1e6, 0)} µs`
  if (seconds < 1) return `${grouped(seconds * 1e3, seconds < 0.01 ? 1 : 0)} ms`
  return `${grouped(seconds, 2)} s`
}

/** `12:31:05` in UTC, until the script has put the reader's own time in its place. */
export function timeElement (wall: number): string {
  const time = new Date(wall).toISOString()
  return `<time datetime="${time}">${time.slice(11, 19)}</time>`
}

/** `12 min ago`: a title cannot be put into the reader's zone, so that it names no time of the day. */
export function ago (ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s ago` : `${Math.round(ms / 60_000)} min ago`
}
