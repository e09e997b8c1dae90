import { wrongSuccess } from '../answers.ts'
import type { Answered } from '../history.ts'
import type { Known, State } from '../knowledge.ts'
import { measureOf, rowOf } from '../measures.ts'
import { LOSES_SESSIONS } from '../schedule.ts'

type OwnAnswer = Answered & Readonly<{ own: NonNullable<Answered['own']> }>

export const isOwn = (answer: Answered): answer is OwnAnswer => answer.own !== undefined

/** Authgear, or a replica, answered too late because the machine had no time. */
const STALL_FOR_503_MS = 200
/** After a sign-out, by the replica that took it. */
const GRANT_ENDS_MS = 1000
/** Longer than all that a stall makes fail. */
const STALL_LINGERS_MS = 5000

/**
 * Nobody is logged out but whom `invalid_grant` ended for good, and nobody is let in after their end beyond the bound
 * of the situation. While anything is wrong a 503 is an answer; when all is well again it is none.
 */
export function judgeOwn (state: State, answer: OwnAnswer): readonly string[] {
  const known = answer.person === undefined ? undefined : state.people.get(answer.person)
  if (known === undefined) return [] // forgotten: the end was long ago
  if (answer.endedAt < known.endedAt) measure(state, answer) // those whose session lives
  const found = judged(state, known, answer)
  if (answer.own.isCalm && answer.status === 200) state.remembered.set(nameOf(answer), answer.endedAt)
  return [...answer.flaws, ...found]
}

const nameOf = ({ person }: OwnAnswer): string => `own ${person ?? ''}`

function judged (state: State, known: Known, answer: OwnAnswer): readonly string[] {
  switch (answer.status) {
    case 200: return mayComeBack(state, known, answer) ? [] : wrongSuccess(state, known, answer)
    case 401: return wrongLogOut(state, known, answer)
    case 503: return wrongUnavailable(state, known, answer)
    default: return [`status ${answer.status}`]
  }
}

/** Its replica died before it ended the grant, and Redis lost that it has to be ended: decision 180. */
function mayComeBack ({ spans }: State, { taken, endedAt }: Known, { at, userId, person }: OwnAnswer): boolean {
  return userId === person && at > endedAt && taken.some((one) => one.covers === 'cookie' &&
    spans.situations(one.at, at).includes('redis-restored') &&
    spans.hasForgotten(one.replica, one.at, one.at + GRANT_ENDS_MS + spans.stalledMs(one.at, at)))
}

function measure ({ spans, measures }: State, { at, endedAt, status }: OwnAnswer): void {
  const row = measureOf(measures, rowOf(spans.situations(at, endedAt)))
  row.answers++
  if (status === 503) row.unavailable++
  row.waitMs = Math.max(row.waitMs, Math.round(endedAt - at - spans.stalledMs(at, endedAt)))
}

function wrongLogOut ({ spans, remembered }: State, known: Known, answer: OwnAnswer): readonly string[] {
  const { endedAt, own } = answer
  if (endedAt >= Math.min(known.leavingAt, known.endedAt)) return []
  // since the session was last known to be in Redis
  const since = remembered.get(nameOf(answer)) ?? known.roles[0]?.at ?? 0
  const situations = spans.situations(since, endedAt)
  // a Redis without persistence: docs/login.md, "Session storage"
  if (situations.some((one) => LOSES_SESSIONS.has(one as Parameters<typeof LOSES_SESSIONS.has>[0]))) return []
  if (!own.isRefused) return ['logged out without a word of Authgear']
  // rotation: an answer that was lost, or that a replica could not store
  if (own.rotates && (own.isLost || situations.length > 0)) return []
  return ['logged out by invalid_grant, and no answer was lost']
}

function wrongUnavailable ({ spans }: State, known: Known, { at, endedAt, reason, own }: OwnAnswer): readonly string[] {
  // with rotation a replica may wait for a minute for what another one got
  if (!own.isCalm || own.rotates || known.endedAt <= endedAt) return []
  if (spans.stalledMs(at - STALL_LINGERS_MS, endedAt) > STALL_FOR_503_MS) return []
  return [`503 ${reason} when all is well again`]
}
