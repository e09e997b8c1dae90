import { escapeHtml } from '../../base/http/html.ts'
import { intervals, lastMinute } from './figures.ts'
import { format, timeElement } from './format.ts'
import { type Sample, STEP_MS } from './history.ts'
import { type Past, timeline } from './past.ts'
import { TILES } from './tiles.ts'

const DIGITS = 3
const seconds = (ms: number | undefined): number | undefined => ms === undefined ? undefined : Math.round(ms / 1000)

/** The figures step by step and the problems, as data for the charts: no policy forbids it. */
export function coursePart (samples: readonly Sample[], past: readonly Past[]): string {
  const [steps, at] = [intervals(samples, STEP_MS).toReversed(), timeline(samples)]
  const minute = lastMinute(samples)
  const course = {
    at: steps.map(([, to]) => seconds(at(to))),
    series: TILES.map(({ name, scale, of }) => ({
      name,
      scale,
      now: format(minute && of(...minute), scale),
      values: steps.map((step) => rounded(of(...step)))
    })),
    problems: past.map(({ level, sentence, from, to }) => ({ level, sentence, from: seconds(from), to: seconds(to) }))
  }
  const json = JSON.stringify(course).replaceAll('<', '\\u003c')
  return `<script type="application/json" data-part="course">${json}</script>`
}

const rounded = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(DIGITS))

const LIST = '<ul class="past" aria-label="When problems began and ended">'

/** The problems with their times, for readers without charts, too. */
export function pastPart (past: readonly Past[]): string {
  const list = past.map((one) =>
    `<li class="${one.level}">${spanOf(one)} <a href="runbook#${one.link}">${escapeHtml(one.sentence)}</a></li>`)
  return `<div data-part="past">${list.length === 0 ? '' : `${LIST}${list.join('')}</ul>`}</div>`
}

function spanOf ({ from, to }: Past): string {
  const begin = from === undefined ? '' : timeElement(from)
  if (to === undefined) return `since ${begin}`
  return from === undefined ? `until ${timeElement(to)}` : `${begin} to ${timeElement(to)}`
}
