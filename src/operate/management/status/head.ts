import { REFUSALS } from '../../../core/reason.ts'
import { escapeHtml } from '../../../request/pages/layout.ts'
import { MAX_SHOWN, type Replica } from '../../../shared/revocation/presence.ts'
import { refusalsOf } from './facts.ts'
import { format } from './format.ts'
import type { Sample } from './history.ts'
import { isWell, type Level, type Verdict } from './verdict.ts'

/** What a replica is, and does not change. */
export type About = Readonly<{
  /** Its machine's name, and its port where it has one. */
  replica: string
  version: string
  /** AUTHGEAR_ENDPOINT */
  endpoint: string
  /** CACHE_TTL */
  ttlMs: number
}>

const MARKS: Readonly<Record<Level, string>> = { good: '✓', quiet: '–', warn: '!', bad: '✗' }
const WORDS: Readonly<Record<Level, string>> = { good: 'Good', quiet: 'Quiet', warn: 'Warning', bad: 'Trouble' }

/** The first line: one sentence, linked to what to do; what else there is follows. */
export function verdictPart ([first, ...others]: readonly [Verdict, ...Verdict[]], untold: number): string {
  const also = others.map(({ level, ...rest }) => `<li class="${level}">${sentence(rest)}</li>`)
  const mark = `<span role="img" aria-label="${WORDS[first.level]}">${MARKS[first.level]}</span>`
  const rest = also.length === 0 ? '' : `<ul class="also">${also.join('')}</ul>`
  return `<div data-part="verdict"><p class="verdict ${first.level}">${mark} ${sentence(first)}</p>${rest}` +
    `${untold > 0 ? BLOCKED : ''}</div>`
}

const sentence = ({ sentence, link }: Pick<Verdict, 'sentence' | 'link'>): string =>
  `<a href="runbook#${link}">${escapeHtml(sentence)}</a>`

const BLOCKED =
  '<p class="note">Since September 2026 Authgear calls no webhook at an address that is not public, and ' +
  'says so in its own log alone: <code>outbound fetch blocked by SSRF address policy</code>. Its operator ' +
  'lifts it with <code>http.insecure_fetch_address_allowed_hosts</code> in <code>authgear.features.yaml</code>.</p>'

export function factsPart (state: Replica['state'], { now }: Sample, level: Level): string {
  const rows: ReadonlyArray<readonly [name: string, value: string, isGood?: boolean | undefined]> = [
    // green beside a page full of 503 would say that all is well
    ['This replica', state, state !== 'serving' ? false : isWell(level) ? true : undefined],
    ['Authgear', now.circuitOpen ? 'paused after failures' : 'asked as needed', !now.circuitOpen],
    ['Waiting for Authgear', `${now.inFlight}${now.queued === 0 ? '' : `, and ${now.queued} in line`}`],
    ['In memory', `${format(now.cacheEntries, 'count')} answers`],
    ...redisRows(now),
    ...recordRows(now)
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
    ['Redis', redisUp ? 'answers' : 'does not answer', redisUp],
    ['Revocation log', logFollowed === true ? 'followed' : 'not followed', logFollowed === true]
  ]
}

function recordRows ({ recordWritten: isWritten }: Sample['now']): ReadonlyArray<readonly [string, string, boolean]> {
  return isWritten === undefined ? [] : [['Access record', isWritten ? 'written' : 'cannot be written', isWritten]]
}

/** Each replica with its state: this one, and the others by what they announce. */
export function replicasPart (self: Replica, others: readonly Replica[], { now }: Sample): string {
  const { redisUp, replicasSeen = 0 } = now
  const shown = others.slice(0, MAX_SHOWN - 1)
  const more = Math.max(0, replicasSeen - 1 - shown.length)
  const rest = more === 0 ? '' : `<li>and ${more} more</li>`
  return '<section aria-labelledby="replicas"><h2 id="replicas">Replicas</h2>' +
    '<div data-part="replicas"><ul class="replicas">' +
    `${chip(self, ' (this one)')}${shown.map((one) => chip(one)).join('')}${rest}</ul>` +
    `${noteOf(redisUp, replicasSeen + others.length)}</div></section>`
}

function noteOf (redisUp: boolean | undefined, seen: number): string {
  if (redisUp === undefined) return '<p class="soft">Without Redis no replica knows of another.</p>'
  return seen === 0 ? '<p class="soft">The others are not known while the revocation log is not followed.</p>' : ''
}

function chip ({ name, state, authgear }: Replica, which = ''): string {
  const isGood = state === 'serving' && authgear === 'ok'
  const what = authgear === 'ok' ? state : `${state}, Authgear paused after failures`
  return `<li><b>${escapeHtml(name)}</b>${which} <span class="${isGood ? 'good' : 'bad'}">${what}</span></li>`
}

/** What was not let in, and why, with what the answer hides from the client. */
export function refusalsPart (samples: readonly Sample[]): string {
  const refusals = refusalsOf(samples)
  const row = ([reason, count]: (typeof refusals)[number]): string =>
    `<li><span title="${escapeHtml(meaningOf(reason))}">${escapeHtml(reason)}</span> ` +
    `<data id="refused-${escapeHtml(reason)}" value="${count}">${format(count, 'count')}</data></li>`
  const list = refusals.length === 0 ? '<p class="soft">None.</p>' : `<ul>${refusals.map(row).join('')}</ul>`
  return '<section aria-labelledby="refused"><h2 id="refused">Refused, by reason</h2>' +
    `<div data-part="refused">${list}</div></section>`
}

function meaningOf (reason: string): string {
  const known: Readonly<Record<string, Readonly<{ status: number, message: string }>>> = REFUSALS
  const { status, message } = known[reason] ?? { status: '', message: 'docs/interface.md has its meaning' }
  return `${status} ${message}`.trim()
}
