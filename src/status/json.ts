import { chartsOf } from './charts.ts'
import { figuresOf } from './figures.ts'
import type { Status } from './page.ts'

/** The page as data: per chart and line what its key says (`total`), the newest value of its curve, and its minutes, newest first. Seconds, shares, and things a second. */
export function renderJson ({ version, state, samples }: Status): string {
  const [first, now] = [samples[0], samples.at(-1)]
  if (first === undefined || now === undefined) throw new Error('a status without a sample')
  const charts = chartsOf(now).map((chart) => [chart.id, Object.fromEntries(figuresOf(chart, samples).map(({ line, total, latest, rows }) =>
    [line.id, { total: total ?? null, latest: latest ?? null, minutes: rows.map(({ value }) => value ?? null) }]))])
  return JSON.stringify({
    version,
    state,
    at: new Date(now.wall).toISOString(),
    windowSeconds: (now.monotonic - first.monotonic) / 1000,
    now: now.now,
    charts: Object.fromEntries(charts)
  })
}
