import { escapeHtml } from '../pages/escape.ts'
import { headOf } from '../pages/head.ts'
import { chartsOf, type Chart } from './charts.ts'
import { axisOf, draw } from './drawing.ts'
import { figuresOf, type Figure } from './figures.ts'
import { format, timeOfDay } from './format.ts'
import { WINDOW } from './history.ts'
import type { Sample } from './sample.ts'
import { STYLE } from './style.ts'

const SCRIPT_TAG = '<script src="status.js" defer></script>\n'

export type Status = Readonly<{
  version: string
  state: 'starting' | 'serving' | 'draining'
  /** Oldest first, the last is now. */
  samples: readonly Sample[]
}>

/** The page: complete without its script, which only puts new parts (`data-part`) in the place of old ones. */
export function renderPage ({ version, state, samples }: Status): string {
  const now = samples.at(-1)
  if (now === undefined) throw new Error('a status page without a sample')
  return `${headOf(`forward-auth: ${state}`, STYLE, SCRIPT_TAG)}<header>
<h1>authgear-forward-auth</h1>
<p data-part="when">This replica at <time datetime="${new Date(now.wall).toISOString()}">${timeOfDay(now.wall)} UTC</time>, version ${escapeHtml(version)}; figures since ${timeOfDay(samples[0]?.wall ?? now.wall)}, ${WINDOW / 60_000} minutes at most.</p>
<p><a href="">Refresh</a> <button type="button" id="pause" aria-pressed="false" hidden>Pause updates</button> <span id="updates" role="status" class="bad"></span></p>
</header>
<main>
${facts(state, now)}
<div class="charts">
${chartsOf(now).map((chart) => section(chart, samples)).join('\n')}
</div>
</main>
<footer><p>The same as data: <a href="status.json">status.json</a>, and for Prometheus <a href="metrics">metrics</a>.</p></footer>
</body>
</html>
`
}

function facts (state: Status['state'], { now }: Sample): string {
  const rows: ReadonlyArray<readonly [name: string, value: string, isGood?: boolean]> = [
    ['This replica', state, state === 'serving'],
    ['Authgear', now.circuitOpen ? 'left alone after failures' : 'asked as needed', !now.circuitOpen],
    ['Resolutions under way / waiting', `${now.inFlight} / ${now.queued}`],
    ['Entries in memory', format(now.cacheEntries, 'count')],
    ...now.redisUp === undefined
      ? [['Redis', 'none: memory only'] as const]
      : [
          ['Redis', now.redisUp ? 'answers' : 'does not answer', now.redisUp] as const,
          ['Revocation log', now.logFollowed === true ? 'followed' : 'not followed', now.logFollowed === true] as const,
          ['Replicas seen on it', now.replicasSeen === undefined || now.replicasSeen === 0 ? 'not known' : String(now.replicasSeen)] as const
        ]
  ]
  const item = ([name, value, isGood]: (typeof rows)[number]): string => `<div><dt>${name}</dt><dd${isGood === undefined ? '' : ` class="${isGood ? 'good' : 'bad'}"`}>${escapeHtml(value)}</dd></div>`
  return `<dl data-part="facts">${rows.map(item).join('')}</dl>`
}

function section (chart: Chart, samples: readonly Sample[]): string {
  const { id, title, scale } = chart
  const figures = figuresOf(chart, samples)
  const axis = axisOf(figures, scale)
  const now = `now ${figures.map(({ line, latest }) => `${line.name} ${format(latest, scale)}`).join(', ')}`
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeHtml(title)}</h2>
<div data-part="${id}-chart">${draw(figures, axis, `${title}, ${WINDOW / 60_000} minutes; ${now}`)}<p class="axis" aria-hidden="true"><span>15 min ago</span><span>${format(axis.bottom, scale)} to ${format(axis.top, scale)}</span><span>now</span></p></div>
<ul data-part="${id}-key">${figures.map((figure, index) => key(chart, figure, index)).join('')}</ul>
<details><summary>Minute by minute</summary><div class="table" tabindex="0" role="region" aria-label="${escapeHtml(title)}, minute by minute">${table(chart, figures)}</div></details>
</section>`
}

function key ({ id, scale, totals }: Chart, { line, total, latest }: Figure, index: number): string {
  const value = scale === 'state' || scale === 'count' ? latest ?? total : total
  return `<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="l${index}" d="M0 6H28"/></svg><span>${escapeHtml(line.name)}</span> <data id="${id}-${line.id}" value="${value ?? ''}">${format(value, totals ?? scale)}</data></li>`
}

function table ({ id, scale }: Chart, figures: readonly Figure[]): string {
  const head = figures.map(({ line }) => `<th scope="col">${escapeHtml(line.name)}</th>`).join('')
  const rows = (figures[0]?.rows ?? []).map(({ to }, row) =>
    `<tr><th scope="row">${timeOfDay(to.wall)}</th>${figures.map(({ rows }) => `<td>${format(rows[row]?.value, scale)}</td>`).join('')}</tr>`)
  return `<table><thead><tr><th scope="col">until (UTC)</th>${head}</tr></thead><tbody data-part="${id}-rows">${rows.join('')}</tbody></table>`
}
