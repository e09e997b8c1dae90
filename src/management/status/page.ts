import { createHash } from 'node:crypto'
import { escapeHtml, headOf } from '../../pages/layout.ts'
import { type Chart, chartsOf, type Figure, figuresOf, type Scale } from './charts.ts'
import { axisOf, draw } from './drawing.ts'
import { type Sample, WINDOW_MS } from './history.ts'

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

/** By fraction digits; made once, since making one takes longer than a page. */
const FORMATS = [0, 1, 2].map((maximumFractionDigits) => new Intl.NumberFormat('en-US', { maximumFractionDigits }))
const grouped = (value: number, digits: 0 | 1 | 2): string => FORMATS[digits]?.format(value) ?? NONE

function duration (seconds: number): string {
  if (seconds < 0.001) return `${grouped(seconds * 1e6, 0)} µs`
  if (seconds < 1) return `${grouped(seconds * 1e3, seconds < 0.01 ? 1 : 0)} ms`
  return `${grouped(seconds, 2)} s`
}

/** `12:31:05` in UTC: the machine's zone is not the reader's. */
export function timeOfDay (wall: number): string {
  return new Date(wall).toISOString().slice(11, 19)
}

/** An open page refreshes itself this often. */
const REFRESH_INTERVAL_MS = 5000

/**
 * What a browser runs: puts new numbers in the place of old ones. Parts that did not change are not touched, nor what a
 * reader has opened, scrolled to or focused, all of which is outside of the parts. Stands still while nobody looks, or
 * when told to.
 */
export const SCRIPT = `'use strict'
const said = document.getElementById('updates')
const button = document.getElementById('pause')
const partsOf = (root) => Array.from(root.querySelectorAll('[data-part]'))
let isPaused = false

async function update () {
  if (isPaused || document.hidden) return
  try {
    const answer = await fetch(location.href, { cache: 'no-cache', redirect: 'error', signal: AbortSignal.timeout(${REFRESH_INTERVAL_MS}) })
    if (!answer.ok) throw new Error(String(answer.status))
    swap(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    say('')
  } catch {
    say('Not up to date: the service does not answer.')
  }
}

function swap (fresh) {
  const [olds, news] = [partsOf(document), partsOf(fresh)]
  if (olds.map((part) => part.dataset.part).join() !== news.map((part) => part.dataset.part).join()) return location.reload()
  olds.forEach((old, index) => { if (!old.isEqualNode(news[index])) old.replaceWith(news[index]) })
  document.title = fresh.title
}

function say (text) { if (said.textContent !== text) said.textContent = text }

button.hidden = false
button.addEventListener('click', () => {
  isPaused = !isPaused
  button.setAttribute('aria-pressed', String(isPaused))
  update()
})
document.addEventListener('visibilitychange', update)
setInterval(update, ${REFRESH_INTERVAL_MS})
`

/**
 * Lines differ by dashes too, not by colour alone. test/e2e/status-page.test.ts computes the contrasts. Nothing moves.
 */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;--mark:#2f5fb3;--good:#1b6e3c;--bad:#a3261b;--l0:#1f5fbf;--l1:#a34a00;--l2:#7a2d9c;--l3:#b3202c;--l4:#4d5566;--l5:#0d6e6e;--l6:#6b5600}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;--mark:#8fb4f2;--good:#7fd49c;--bad:#ff9a8f;--l0:#8fb4f2;--l1:#f0a765;--l2:#d3a4ee;--l3:#ff9a9f;--l4:#aab3c1;--l5:#74d0d0;--l6:#e0cf6b}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main,footer{max-width:72rem;margin:0 auto}
h1{margin:.25rem 0;font-size:1.5rem}
h2{margin:0 0 .5rem;font-size:1rem}
p{margin:.25rem 0}
.soft,footer,summary{color:var(--soft)}
.good{color:var(--good)}
.bad{color:var(--bad);font-weight:600}
button{font:inherit;color:var(--mark);background:var(--paper);border:1px solid var(--mark);border-radius:.5rem;padding:.25rem .75rem;min-height:2rem}
a{color:var(--mark)}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0}
dl div,section{background:var(--paper);border:1px solid var(--edge);border-radius:.5rem;padding:.75rem;min-width:0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:.75rem}
svg{display:block;width:100%;height:4.5rem;fill:none;stroke-width:1.75}
svg path{vector-effect:non-scaling-stroke}
.grid{stroke:var(--edge);stroke-width:1}
.l0{stroke:var(--l0)}.l1{stroke:var(--l1);stroke-dasharray:6 3}.l2{stroke:var(--l2);stroke-dasharray:2 2}.l3{stroke:var(--l3);stroke-dasharray:9 3 2 3}.l4{stroke:var(--l4);stroke-dasharray:1 3}.l5{stroke:var(--l5);stroke-dasharray:12 4}.l6{stroke:var(--l6);stroke-dasharray:5 2 1 2}
.axis{display:flex;justify-content:space-between;gap:.5rem;font-size:.8125rem;color:var(--soft)}
ul{list-style:none;margin:.5rem 0 0;padding:0;font-size:.875rem}
li{display:flex;align-items:center;gap:.5rem}
li svg{width:1.75rem;height:.75rem;flex:none}
li span{flex:1;min-width:0}
data{font-variant-numeric:tabular-nums;font-weight:600}
summary{margin-top:.5rem;font-size:.875rem;cursor:pointer;min-height:1.5rem}
.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.8125rem;font-variant-numeric:tabular-nums}
th,td{padding:.125rem .5rem;text-align:right;white-space:nowrap;border-top:1px solid var(--edge)}
th:first-child{text-align:left}
@media(forced-colors:active){svg path{stroke:CanvasText}}
`

const hash = createHash('sha256').update(STYLE).digest('base64')

/** This one style, and our script, which asks this page again; nothing else, from nowhere else. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${hash}'; script-src 'self'; ` +
  'connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\''

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
<p data-part="when">This replica at <time datetime="${new Date(now.wall).toISOString()}">${timeOfDay(now.wall)} UTC</time>, version ${escapeHtml(version)}; figures since ${timeOfDay(samples[0]?.wall ?? now.wall)}, ${WINDOW_MS / 60_000} minutes at most.</p>
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
    ['Authgear', now.circuitOpen ? 'not asked after failures' : 'asked as needed', !now.circuitOpen],
    ['Resolutions under way / waiting', `${now.inFlight} / ${now.queued}`],
    ['Entries in memory', format(now.cacheEntries, 'count')],
    ...(now.redisUp === undefined
      ? [['Redis', 'none: memory only'] as const]
      : [
          ['Redis', now.redisUp ? 'answers' : 'does not answer', now.redisUp] as const,
          ['Revocation log', now.logFollowed === true ? 'followed' : 'not followed', now.logFollowed === true] as const,
          [
            'Replicas seen on it',
            now.replicasSeen === undefined || now.replicasSeen === 0 ? 'not known' : String(now.replicasSeen)
          ] as const
        ])
  ]
  const item = ([name, value, isGood]: (typeof rows)[number]): string =>
    `<div><dt>${name}</dt><dd${isGood === undefined ? '' : ` class="${isGood ? 'good' : 'bad'}"`}>${escapeHtml(value)}</dd></div>`
  return `<dl data-part="facts">${rows.map(item).join('')}</dl>`
}

function section (chart: Chart, samples: readonly Sample[]): string {
  const { id, title, scale } = chart
  const figures = figuresOf(chart, samples)
  const axis = axisOf(figures, scale)
  const now = `now ${figures.map(({ line, latest }) => `${line.name} ${format(latest, scale)}`).join(', ')}`
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeHtml(title)}</h2>
<div data-part="${id}-chart">${draw(figures, axis, `${title}, ${WINDOW_MS / 60_000} minutes; ${now}`)}<p class="axis" aria-hidden="true"><span>15 min ago</span><span>${format(axis.bottom, scale)} to ${format(axis.top, scale)}</span><span>now</span></p></div>
<ul data-part="${id}-key">${figures.map((figure, index) => key(chart, figure, index)).join('')}</ul>
<details><summary>Minute by minute</summary><div class="table" tabindex="0" role="region" aria-label="${escapeHtml(title)}, minute by minute">${table(chart, figures)}</div></details>
</section>`
}

function key ({ id, scale, totals }: Chart, { line, total, latest }: Figure, index: number): string {
  const value = scale === 'state' || scale === 'count' ? latest ?? total : total
  return `<li><svg viewBox="0 0 28 12" aria-hidden="true"><path class="l${index}" d="M0 ` +
    `6H28"/></svg><span>${escapeHtml(line.name)}</span> <data id="${id}-${line.id}" ` +
    `value="${value ?? ''}">${format(value, totals ?? scale)}</data></li>`
}

function table ({ id, scale }: Chart, figures: readonly Figure[]): string {
  const head = figures.map(({ line }) => `<th scope="col">${escapeHtml(line.name)}</th>`).join('')
  const rows = (figures[0]?.rows ?? []).map(
    ({ to }, row) =>
      `<tr><th scope="row">${timeOfDay(to.wall)}</th>${figures.map(({ rows }) => `<td>${format(rows[row]?.value, scale)}</td>`).join('')}</tr>`
  )
  return `<table><thead><tr><th scope="col">until (UTC)</th>${head}</tr></thead><tbody ` +
    `data-part="${id}-rows">${rows.join('')}</tbody></table>`
}
