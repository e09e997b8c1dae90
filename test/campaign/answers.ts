import type { Answered, Moment } from './history.ts'
import type { Known, State } from './knowledge.ts'
import { measureOf, rowOf } from './measures.ts'
import { coversWay } from './people.ts'
import { SETTINGS, type SituationId } from './situations.ts'
import { rulesOf } from './spans.ts'

/** Clocks that count in whole milliseconds may differ by so much. */
const SLACK_MS = 50
/** Authgear answered too late because the machine had no time. */
const STALL_FOR_503_MS = 200
/** Five such answers open the circuit breaker for a second, and the next one is asked for before it closes. */
const STALL_LINGERS_MS = 2 * SETTINGS.authgearTimeoutMs + 1000
/** A session is remembered for certain within this share of its life. */
const REMEMBERED_MS = SETTINGS.ttlMs * 0.4

/** @returns what is wrong with the answer, by the bounds of all situations that may have had a part in it */
export function judgeAnswer (state: State, answer: Answered): readonly string[] {
  const known = answer.person === undefined ? undefined : state.people.get(answer.person)
  if (answer.person !== undefined && known === undefined) return [] // forgotten: the end was long ago
  const found = [...answer.flaws]
  if (![200, 401, 403, 503].includes(answer.status)) found.push(`status ${answer.status}`)
  if (answer.status === 200) found.push(...wrongSuccess(state, known, answer))
  if (answer.status === 401 && known !== undefined && answer.endedAt < known.endedAt) {
    found.push('an error was taken for a log-out')
  }
  if (answer.status === 403 && !mayBeForbidden(state, known, answer)) found.push('forbidden without a reason')
  found.push(...wrongWait(state, answer), ...wrongUnavailable(state, known, answer))
  remember(state, answer)
  return found
}

export function wrongSuccess (state: State, known: Known | undefined, answer: Answered): string[] {
  if (known === undefined) return ['200 without a session']
  const found: string[] = []
  if (answer.userId !== answer.person) found.push('another user\'s identity')
  const possible = possibleRoles(state, known, answer)
  if (!possible.some((isAdmin) => answer.roles === (isAdmin ? 'admin,staff' : 'staff'))) {
    found.push(`roles ${answer.roles}, which are not theirs any more`)
  }
  if (answer.policy === 'admin' && answer.roles !== 'admin,staff') found.push('a policy was skipped')
  return [...found, ...wrongAcceptance(state, known, answer)]
}

/** Whether the session may still be accepted, and for how long it was. */
function wrongAcceptance (state: State, known: Known, answer: Answered): string[] {
  const { replica, way, at } = answer
  if (at <= known.endedAt) return []
  const { spans, measures } = state
  const isTaken = known.taken.some((one) =>
    one.replica === replica && one.at < at && one.at >= known.endedAt && coversWay(one.covers, way) &&
    !spans.hasForgotten(replica, one.at, at))
  if (isTaken) return ['accepted by the replica that took the revocation']
  const loggedAt = Math.min(known.loggedAt.user, coversWay('cookie', way) ? known.loggedAt.cookie : Infinity)
  const found = boundOf(state, replica, loggedAt, at)
  if (at > loggedAt) {
    const measure = measureOf(measures, rowOf(spans.situations(loggedAt, at, replica)))
    measure.acceptedMs = Math.max(measure.acceptedMs, Math.round(Math.max(0, at - loggedAt - found.stalledMs)))
  }
  const lastAt = Math.min(known.endedAt + SETTINGS.ttlMs + SETTINGS.staleMs, loggedAt + found.ms) + SLACK_MS
  if (at <= lastAt + found.stalledMs) return []
  return [
    `accepted ${Math.round(at - known.endedAt)} ms after its end, ` +
    `${Math.round(at - loggedAt)} ms after it was logged; the bound is ${found.ms} ms (${found.situations.join(', ') || 'healthy'})`
  ]
}

/** For how long a revocation logged then may be unknown to this replica. */
function boundOf ({ spans }: State, replica: number, from: Moment, to: Moment) {
  const situations = spans.situations(from, to, replica)
  const ms = Math.max(...rulesOf(situations).map(({ accepted }) => accepted.ms))
  return { ms, situations, stalledMs: spans.stalledMs(from, to, ['harness', replica]) }
}

/** Whether the person may count as an administrator in this answer; both, while the news is on its way. */
function possibleRoles (state: State, { roles }: Known, { replica, at, endedAt }: Answered): readonly boolean[] {
  return roles.filter((version, index) => {
    const next = roles[index + 1]
    if (version.at > endedAt) return false
    if (next === undefined) return true
    const loggedAt = next.loggedAt ?? Infinity
    const { ms, stalledMs } = boundOf(state, replica, loggedAt, at)
    const lastAt = Math.min(next.at + SETTINGS.ttlMs + SETTINGS.staleMs, loggedAt + ms)
    return at <= lastAt + SLACK_MS + stalledMs
  }).map(({ isAdmin }) => isAdmin)
}

function mayBeForbidden (state: State, known: Known | undefined, answer: Answered): boolean {
  return known !== undefined && answer.policy === 'admin' && possibleRoles(state, known, answer).includes(false)
}

function wrongWait ({ spans, measures }: State, { replica, at, endedAt }: Answered): string[] {
  if (spans.isDisturbed(replica, at, endedAt)) return []
  const situations = spans.situations(at, endedAt)
  const waitMs = Math.max(0, endedAt - at - spans.stalledMs(at, endedAt))
  const measure = measureOf(measures, rowOf(situations))
  measure.waitMs = Math.max(measure.waitMs, Math.round(waitMs))
  const boundMs = Math.max(...rulesOf(situations).map(({ wait }) => wait.ms))
  if (waitMs <= boundMs + SLACK_MS) return []
  return [`waited ${Math.round(waitMs)} ms; the bound is ${boundMs} ms (${situations.join(', ') || 'healthy'})`]
}

function wrongUnavailable (state: State, known: Known | undefined, answer: Answered): string[] {
  const { spans, measures } = state
  const { replica, at, endedAt, status } = answer
  const situations = spans.situations(at, endedAt)
  if (spans.stalledMs(at - STALL_LINGERS_MS, endedAt, ['harness', replica]) > STALL_FOR_503_MS) return []
  const measure = measureOf(measures, rowOf(situations))
  measure.answers++
  if (status !== 503) return []
  measure.unavailable++
  const rules = new Set(rulesOf(situations).map(({ unavailable }) => unavailable))
  if (rules.has('unknown')) return isRemembered(state, known, answer) ? ['503 for somebody who is remembered'] : []
  if (rules.has('ended') && (known === undefined || known.endedAt <= endedAt)) return []
  if (rules.has('frozen') && spans.isDisturbed(replica, at, endedAt)) return []
  return [`503 ${answer.reason} (${situations.join(', ') || 'healthy'})`]
}

const nameOf = ({ replica, person, way }: Answered): string => `${replica} ${person ?? ''} ${way}`

function remember ({ remembered }: State, answer: Answered): void {
  if (answer.status === 200 && answer.source === 'authgear') remembered.set(nameOf(answer), answer.endedAt)
}

/** By this replica, within a good part of its life, with nothing between that could make it void. */
function isRemembered (
  { spans, remembered, purges }: State,
  known: Known | undefined,
  answer: Answered
): boolean {
  const since = remembered.get(nameOf(answer))
  if (known === undefined || since === undefined || answer.at - since > REMEMBERED_MS || answer.at < since) return false
  if (known.lastChangeAt > known.roles.reduce((first, { at }) => Math.min(first, at), Infinity)) return false
  if (purges.some((at) => at > since - SETTINGS.ttlMs)) return false
  if (spans.hasForgotten(answer.replica, since, answer.endedAt)) return false
  const isAuthgears = (situation: SituationId): boolean => situation.startsWith('authgear-')
  return spans.situations(since, answer.endedAt).every(isAuthgears)
}
