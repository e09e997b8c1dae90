import { escapeHtml, headOf } from '../../base/http/html.ts'
import type { About } from '../../base/parts/feature.ts'
import { factsOf, type Known } from './facts.ts'
import { type Group, groupsOf, minuteEnds, type Scale, type Values, valuesOf } from './figures.ts'
import { format, timeElement } from './format.ts'
import { CHARTS_PART } from './charts.ts'
import { coursePart } from './course.ts'
import { factsPart, replicasPart, refusalsPart, verdictPart } from './head.ts'
import { endsOf, type Sample, WINDOW_MS } from './history.ts'
import type { Parts } from './of-parts.ts'
import { STYLE } from './style.ts'
import { tilesPart } from './tiles.ts'
import { isWell, notesOf, verdictsOf } from './verdict.ts'

const LINKED = '<link rel="stylesheet" href="charts.css">\n<script src="status.js" defer></script>\n' +
  '<script src="charts.js" defer></script>\n'

export type Status = Known & Readonly<{ about: About, parts: Parts }>

/**
 * The page: complete without its script, which only puts new parts (`data-part`) in the place of old ones.
 * @param more markup before the figures
 */
export function renderPage (status: Status, more = ''): string {
  const { about, state, samples, others, parts } = status
  const [first, now] = endsOf(samples)
  const facts = factsOf(status)
  const verdicts = verdictsOf(facts, parts)
  const self = { name: about.replica, state, authgear: now.now.circuitOpen ? 'failing' : 'ok' } as const
  return `${headOf(`${isWell(verdicts[0].level) ? '' : '! '}${about.replica}: ${state}`, STYLE, LINKED)}<header>
${verdictPart(verdicts, notesOf(facts, parts))}
${tilesPart(samples)}
${CHARTS_PART}
${coursePart(samples)}
<h1>authgear-forward-auth</h1>
<p class="again"><a href="">Refresh</a>
<button type="button" id="pause" aria-pressed="false" hidden>Pause updates</button>
<span id="updates" role="status" class="bad"></span></p>
${whenPart(about, first, now)}${entrancePart(about)}
</header>
<main>
${factsPart(state, now, verdicts[0].level, parts)}
<div class="parts">
${replicasPart(self, others, now)}
${refusalsPart(samples)}
${more}${figuresPart(samples, now, parts)}
</div>
</main>
${END}`
}

const END = `\
<footer><p>Same data: <a href="status.json">status.json</a>, and <a href="metrics">metrics</a> for Prometheus.
How to fix problems: <a href="runbook">runbook</a>.</p></footer>
</body>
</html>
`

function whenPart ({ replica, version, endpoint, ttlMs }: About, first: Sample, now: Sample): string {
  return `<p data-part="when">Replica <b>${escapeHtml(replica)}</b>, version ${escapeHtml(version)}, for ` +
    `<b>${escapeHtml(endpoint)}</b>, CACHE_TTL ${ttlMs / 1000} s. At ${timeElement(now.wall)}<span data-zone=""> ` +
    `UTC</span>; figures since ${timeElement(first.wall)}, ${WINDOW_MS / 60_000} minutes at most.</p>`
}

const entrancePart = ({ entrance }: About): string =>
  entrance === undefined ? '' : `\n<p class="note">${escapeHtml(capital(entrance))}.</p>`
const capital = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`

/**
 * Each figure in a row, minute by minute: the newest minutes are seen first where the window is narrow. What there was
 * nothing of is named below.
 */
function figuresPart (samples: readonly Sample[], now: Sample, parts: Parts): string {
  const ends = minuteEnds(samples)
  const head = ends.map(({ wall }) => `<th scope="col">${timeElement(wall)}</th>`).join('')
  const groups = groupsOf(now, parts).map((group) => ({ ...group, values: valuesOf(group, samples) }))
  const rows = groups.map((group) => groupRows(group, group.values.filter((one) => !isNothing(group, one))))
  const nothing = groups.flatMap((group) => group.values.filter((one) => isNothing(group, one))
    .map(({ name }) => `${group.title.toLowerCase()}: ${name}`))
  return `<section class="figures" aria-labelledby="figures"><h2 id="figures">Minute by minute</h2>
<div class="table" tabindex="0" role="region" aria-label="Figures, minute by minute"><table data-part="figures">
<thead><tr><th scope="col">minute until <span data-zone="">(UTC)</span></th><th scope="col">all</th>${head}</tr></thead>
${rows.join('\n')}
</table></div>
${nothingPart(nothing)}</section>`
}

/** A state that is `no`, and no replica at all, are something. */
const isNothing = ({ scale }: Group, { total = 0, minutes }: Values): boolean =>
  scale !== 'state' && scale !== 'count' && total === 0 && minutes.every((value = 0) => value === 0)

const nothingPart = (names: readonly string[]): string =>
  `<p class="soft" data-part="nothing">${names.length === 0 ? '' : `No data for: ${escapeHtml(names.join('; '))}.`}</p>`

function groupRows ({ id, title, scale }: Group, values: readonly Values[]): string {
  if (values.length === 0) return ''
  const totals = scale === 'rate' ? 'count' : scale
  const rows = values.map(({ id: figure, name, total, minutes }) =>
    `<tr><th scope="row">${escapeHtml(name)}</th>` +
    `<td><data id="${id}-${figure}" value="${total ?? ''}">${format(total, totals)}</data></td>` +
    `${minutes.map((value) => cell(value, scale)).join('')}</tr>`)
  return `<tbody><tr><th scope="rowgroup">${escapeHtml(title)}</th></tr>${rows.join('')}</tbody>`
}

function cell (value: number | undefined, scale: Scale): string {
  const mark = value !== 0 ? '' : ` class="${scale === 'state' ? 'bad' : 'soft'}"`
  return `<td${mark}>${format(value, scale)}</td>`
}
