import { REFUSALS } from '../../base/core/reason.ts'
import { escapeHtml } from '../../base/http/html.ts'
import type { Replica } from '../../base/parts/places.ts'
import { answersOf, refusalsOf } from './facts.ts'
import {
  counted, type Figure, type Interval, intervals, lastMinute, quantile, ratio, type Scale
} from './figures.ts'
import { format } from './format.ts'
import { replicasIn, type Sample, SOURCES, WINDOW_MS } from './history.ts'
import { partFacts, type Parts } from './of-parts.ts'
import { MAX_SHOWN } from './presence.ts'
import { isWell, type Level, type Verdict } from './verdict.ts'

const MARKS: Readonly<Record<Level, string>> = { good: '✓', quiet: '–', warn: '!', bad: '✗' }
const WORDS: Readonly<Record<Level, string>> = { good: 'Good', quiet: 'Quiet', warn: 'Warning', bad: 'Trouble' }

/** The first line: one sentence, linked to what to do; what else there is follows. */
export function verdictPart (
  [first, ...others]: readonly [Verdict, ...Verdict[]], notes: readonly string[]
): string {
  const also = others.map(({ level, ...rest }) => `<li class="${level}">${sentence(rest)}</li>`)
  const mark = `<span role="img" aria-label="${WORDS[first.level]}">${MARKS[first.level]}</span>`
  const rest = also.length === 0 ? '' : `<ul class="also">${also.join('')}</ul>`
  return `<div data-part="verdict"><p class="verdict ${first.level}">${mark} ${sentence(first)}</p>${rest}` +
    `${notes.join('')}</div>`
}

const sentence = ({ sentence, link }: Pick<Verdict, 'sentence' | 'link'>): string =>
  `<a href="runbook#${link}">${escapeHtml(sentence)}</a>`

type Tile = Figure & Readonly<{ scale: Scale }>

/** The figures that an operator looks at first. */
const TILES: readonly Tile[] = [
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

export function factsPart (state: Replica['state'], { now }: Sample, level: Level, parts: Parts): string {
  const rows: ReadonlyArray<readonly [name: string, value: string, isGood?: boolean | undefined]> = [
    // green beside a page full of 503 would say that all is well
    ['This replica', state, state !== 'serving' ? false : isWell(level) ? true : undefined],
    ['Authgear', now.circuitOpen ? 'paused after failures' : 'healthy', !now.circuitOpen],
    ['Waiting for Authgear', `${now.inFlight}${now.queued === 0 ? '' : `, and ${now.queued} queued`}`],
    ['In memory', `${format(now.cacheEntries, 'count')} answers`],
    ...redisRows(now),
    ...partFacts(parts, now)
  ]
  const item = ([name, value, isGood]: (typeof rows)[number]): string =>
    `<div><dt>${name}</dt><dd${isGood === undefined ? '' : ` class="${isGood ? 'good' : 'bad'}"`}>` +
    `${escapeHtml(value)}</dd></div>`
  return `<dl data-part="facts">${rows.map(item).join('')}</dl>`
}

function redisRows (
  { redisUp, logFollowed }: Sample['now']
): ReadonlyArray<readonly [name: string, value: string, isGood?: boolean]> {
  if (redisUp === undefined) return [['Redis', 'none: memory only']]
  return [
    ['Redis', redisUp ? 'reachable' : 'unreachable', redisUp],
    ['Revocation log', logFollowed === true ? 'followed' : 'not followed', logFollowed === true]
  ]
}

/** Each replica with its state: this one, and the others by what they announce. */
export function replicasPart (self: Replica, others: readonly Replica[], sample: Sample): string {
  const { redisUp } = sample.now
  const seen = replicasIn(sample) ?? 0
  const shown = others.slice(0, MAX_SHOWN - 1)
  const more = Math.max(0, seen - 1 - shown.length)
  const rest = more === 0 ? '' : `<li>and ${more} more</li>`
  return '<section aria-labelledby="replicas"><h2 id="replicas">Replicas</h2>' +
    '<div data-part="replicas"><ul class="replicas">' +
    `${chip(self, ' (this one)')}${shown.map((one) => chip(one)).join('')}${rest}</ul>` +
    `${noteOf(redisUp, seen + others.length)}</div></section>`
}

function noteOf (redisUp: boolean | undefined, seen: number): string {
  if (redisUp === undefined) return soft('Replicas find each other through Redis, which is not configured.')
  return seen === 0 ? soft('Other replicas are unknown while this one does not follow the revocation log.') : ''
}

const soft = (text: string): string => `<p class="soft">${text}</p>`

function chip ({ name, state, authgear }: Replica, which = ''): string {
  const isGood = state === 'serving' && authgear === 'ok'
  const what = authgear === 'ok' ? state : `${state}, Authgear paused after failures`
  return `<li><b>${escapeHtml(name)}</b>${which} <span class="${isGood ? 'good' : 'bad'}">${what}</span></li>`
}

/** Refusals by reason, with what the answer hides from the client. */
export function refusalsPart (samples: readonly Sample[]): string {
  const refusals = refusalsOf(samples)
  const row = ([reason, count]: (typeof refusals)[number]): string =>
    `<li><span title="${escapeHtml(meaningOf(reason))}">${escapeHtml(reason)}</span> ` +
    `<data id="refused-${escapeHtml(reason)}" value="${count}">${format(count, 'count')}</data></li>`
  const list = refusals.length === 0 ? '<p class="soft">None.</p>' : `<ul>${refusals.map(row).join('')}</ul>`
  return '<section aria-labelledby="refused"><h2 id="refused">Refusals by reason</h2>' +
    `<div data-part="refused">${list}</div></section>`
}

function meaningOf (reason: string): string {
  const known: Readonly<Record<string, Readonly<{ status: number, message: string }>>> = REFUSALS
  const { status, message } = known[reason] ?? { status: '', message: 'docs/interface.md has its meaning' }
  return `${status} ${message}`.trim()
}
