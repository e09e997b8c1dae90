import { escapeHtml, headOf } from '../../pages/layout.ts'
import type { Replica } from '../../revocation/presence.ts'
import { type Chart, chartsOf, type Figure, figuresOf } from './charts.ts'
import { axisOf, draw, drawTimeline } from './drawing.ts'
import { factsOf } from './facts.ts'
import { format, timeElement } from './format.ts'
import { type About, factsPart, fleetPart, refusalsPart, verdictPart } from './head.ts'
import { type Sample, WINDOW_MS } from './history.ts'
import { STYLE } from './style.ts'
import { type Facts, isWell, verdictsOf } from './verdict.ts'

const SCRIPT_TAG = '<script src="status.js" defer></script>\n'

export type Status = Readonly<{
  about: About
  state: Facts['state']
  /** Oldest first, the last is now. */
  samples: readonly Sample[]
  /** The other replicas, as far as they are known. */
  others: readonly Replica[]
}>

/** The page: complete without its script, which only puts new parts (`data-part`) in the place of old ones. */
export function renderPage (status: Status): string {
  const { about, state, samples, others } = status
  const now = samples.at(-1)
  if (now === undefined) throw new Error('a status page without a sample')
  const facts = factsOf(status)
  const verdicts = verdictsOf(facts)
  const self = { name: about.replica, state, authgear: now.now.circuitOpen ? 'failing' : 'ok' } as const
  const charts = chartsOf(now)
  return `${headOf(`${isWell(verdicts[0].level) ? '' : '! '}${about.replica}: ${state}`, STYLE, SCRIPT_TAG)}<header>
${verdictPart(verdicts, facts.untold ?? 0)}
<h1>authgear-forward-auth</h1>
<p class="again"><a href="">Refresh</a> <button type="button" id="pause" aria-pressed="false" hidden>Pause updates</button> <span id="updates" role="status" class="bad"></span></p>
${whenPart(about, samples[0] ?? now, now)}
</header>
<main>
${factsPart(state, now, verdicts[0].level)}
<div class="charts">
${fleetPart(self, others, now)}
${refusalsPart(samples)}
${timelines(charts.filter(({ scale }) => scale === 'state'), samples)}
${charts.filter(({ scale }) => scale !== 'state').map((chart) => section(chart, samples)).join('\n')}
</div>
</main>
<footer><p>The same as data: <a href="status.json">status.json</a>, and for Prometheus <a href="metrics">metrics</a>. What to do: <a href="runbook">the runbook</a>.</p></footer>
</body>
</html>
`
}

function whenPart ({ replica, version, endpoint, ttlMs }: About, first: Sample, now: Sample): string {
  return `<p data-part="when">Replica <b>${escapeHtml(replica)}</b>, version ${escapeHtml(version)}, for ` +
    `<b>${escapeHtml(endpoint)}</b>, CACHE_TTL ${ttlMs / 1000} s. At ${timeElement(now.wall)}<span data-zone=""> ` +
    `UTC</span>; figures since ${timeElement(first.wall)}, ${WINDOW_MS / 60_000} minutes at most.</p>`
}

/** All states on one time line each, and their minutes in one table. */
function timelines (charts: readonly Chart[], samples: readonly Sample[]): string {
  const all = charts.map((chart) => ({ chart, figures: figuresOf(chart, samples) }))
  const rows = all.flatMap(({ chart, figures }) => figures.map((figure) => stateRow(chart, figure)))
  const states: Chart = {
    id: 'states', title: STATES, scale: 'state', totals: undefined, lines: charts.flatMap(({ lines }) => lines)
  }
  return `<section class="wide" aria-labelledby="states">
<h2 id="states">${STATES}</h2>
<ul data-part="states" class="states">${rows.join('')}</ul>
${minutes(states, all.flatMap(({ figures }) => figures))}
</section>`
}

const STATES = 'States'

function stateRow ({ id }: Chart, figure: Figure): string {
  const { line, latest, total } = figure
  const value = latest ?? total
  const label = `${line.name}, ${WINDOW_MS / 60_000} minutes; now ${format(value, 'state')}`
  return `<li><span>${escapeHtml(line.name)}</span> ${drawTimeline(figure, label)} <data id="${id}-${line.id}" ` +
    `value="${value ?? ''}" class="${value === 1 ? 'good' : 'bad'}">${format(value, 'state')}</data></li>`
}

/** So few lines that half the width will do on a phone. */
const NARROW_LINES = 3

function section (chart: Chart, samples: readonly Sample[]): string {
  const { id, title, scale } = chart
  const figures = figuresOf(chart, samples)
  const axis = axisOf(figures, scale)
  const now = `now ${figures.map(({ line, latest }) => `${line.name} ${format(latest, scale)}`).join(', ')}`
  const width = figures.length > NARROW_LINES ? 'wide' : 'narrow'
  return `<section class="${width}" aria-labelledby="${id}">
<h2 id="${id}">${escapeHtml(title)}</h2>
<div data-part="${id}-chart">${draw(figures, axis, scale, `${title}, ${WINDOW_MS / 60_000} minutes; ${now}`)}<p class="axis" aria-hidden="true"><span>15 min ago</span><span>${format(axis.bottom, scale)} to ${format(axis.top, scale)}</span><span>now</span></p></div>
<ul data-part="${id}-key">${figures.map((figure, index) => key(chart, figure, index)).join('')}</ul>
${minutes(chart, figures)}
</section>`
}

function key ({ id, scale, totals }: Chart, { line, total, latest }: Figure, index: number): string {
  const value = scale === 'count' ? latest ?? total : total
  return `<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="l${index}" d="M0 ` +
    `6H28"/></svg><span>${escapeHtml(line.name)}</span> <data id="${id}-${line.id}" ` +
    `value="${value ?? ''}">${format(value, totals ?? scale)}</data></li>`
}

function minutes (chart: Chart, figures: readonly Figure[]): string {
  const label = `${escapeHtml(chart.title)}, minute by minute`
  return '<details><summary>Minute by minute</summary><div class="table" tabindex="0" role="region" ' +
    `aria-label="${label}">${table(chart, figures)}</div></details>`
}

function table ({ id, scale }: Chart, figures: readonly Figure[]): string {
  const head = figures.map(({ line }) => `<th scope="col">${escapeHtml(line.name)}</th>`).join('')
  const rows = (figures[0]?.rows ?? []).map(
    ({ to }, row) =>
      `<tr><th scope="row">${timeElement(to.wall)}</th>${figures.map(({ rows }) => `<td>${format(rows[row]?.value, scale)}</td>`).join('')}</tr>`
  )
  return `<table><thead><tr><th scope="col">until <span data-zone="">(UTC)</span></th>${head}</tr></thead><tbody ` +
    `data-part="${id}-rows">${rows.join('')}</tbody></table>`
}
