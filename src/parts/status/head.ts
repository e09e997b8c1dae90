import { REFUSALS } from '../../base/core/reason.ts'
import { escapeHtml } from '../../base/http/html.ts'
import type { Replica } from '../../base/parts/given.ts'
import { refusalsOf } from './facts.ts'
import { format } from './format.ts'
import { replicasIn, type Sample } from './history.ts'
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
