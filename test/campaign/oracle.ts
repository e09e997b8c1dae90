import { judgeAnswer } from './answers.ts'
import type { HistoryEvent, Moment } from './history.ts'
import { forget, learn, newState, type State } from './knowledge.ts'
import { measureOf, rowOf, type Measures } from './measures.ts'
import { SETTINGS, SITUATIONS } from './situations.ts'
import { isOwn, judgeOwn } from './own/judge.ts'
import { rulesOf } from './spans.ts'
import { judgeApps, type Apps } from './told.ts'
import { judgeClient, type Words } from './words.ts'

export type Violation = Readonly<{ what: string, at: Moment, event: HistoryEvent }>

export interface Oracle {
  /** All that happened since the last time. */
  judge (events: readonly HistoryEvent[]): readonly Violation[]
  readonly measures: Measures
  /** What was seen of blocked clients. */
  readonly blocks: Words['measure']
  /** What apps were told. */
  readonly events: Apps['measure']
}

/** A lease ended because the machine had no time. */
const STALL_FOR_CALLS_MS = 25
/**
 * The relays run in the harness: while it stands still for about REDIS_TIMEOUT, all replicas lose Redis, and ask for
 * themselves until they follow the log again.
 */
const RELAYS_STALL_MS = 0.75 * SETTINGS.redisTimeoutMs
const FOLLOWS_WITHIN_MS = SITUATIONS['cut-reset'].accepted.ms
/** A purge of everything has what is under way asked again; until then no replica may have taken it. */
const PURGED_WITHIN_MS = 1500
/** Nobody takes an entry that was made after a line of the log which they have not read yet: they ask themselves. */
const READ_WITHIN_MS = 500
/** And later by what stood still before it was asked. */
const STALLS_COUNT_MS = 5000

export function createOracle (): Oracle {
  const state = newState()
  return Object.freeze({
    measures: state.measures,
    blocks: state.words.measure,
    events: state.apps.measure,
    judge (events: readonly HistoryEvent[]): readonly Violation[] {
      const sorted = [...events].sort((one, other) => one.at - other.at)
      for (const event of sorted) learn(state, event)
      const found = sorted.flatMap((event) => [...judged(state, event), ...judgeApps(state.apps, state.spans, event)]
        .map((what) => ({ what, at: event.at, event })))
      forget(state, sorted.at(-1)?.at ?? 0)
      return found
    }
  })
}

function judged (state: State, event: HistoryEvent): readonly string[] {
  switch (event.kind) {
    case 'answer': return isOwn(event) ? judgeOwn(state, event) : judgeAnswer(state, event)
    case 'client': return judgeClient(state.words, state.spans, event)
    case 'unanswered':
      if (state.spans.isDisturbed(event.replica, event.at, event.endedAt)) return []
      return [event.hangs ? 'a request hangs' : 'a request got no answer']
    case 'burst': return judgeBurst(state, event)
    case 'logged':
      if (event.of === 'end') measureOf(state.measures, rowOf(state.spans.situations(event.at, event.at))).revocations++
      return []
    case 'crash': return ['a process ended by itself']
    case 'unhealed': return [event.what]
    default: return []
  }
}

function judgeBurst (state: State, burst: Extract<HistoryEvent, { kind: 'burst' }>): readonly string[] {
  const { spans, measures, purges, lines } = state
  if (purges.some((at) => at > burst.at - PURGED_WITHIN_MS && at < burst.endedAt)) return []
  const situations = spans.situations(burst.at, burst.endedAt)
  const limits = rulesOf(situations).map(({ calls }) => calls?.count ?? Infinity)
  if (limits.includes(Infinity) || burst.statuses.some((status) => status !== 200)) return []
  if (spans.stalledMs(burst.at, burst.endedAt) >= STALL_FOR_CALLS_MS) return []
  const readMs = READ_WITHIN_MS + spans.stalledMs(burst.at - STALLS_COUNT_MS, burst.at)
  if (lines.some(({ since, at }) => at > burst.at - readMs && since < burst.endedAt)) {
    return burst.calls > SETTINGS.replicas && !limits.some((limit) => limit > SETTINGS.replicas)
      ? [`${burst.calls} calls for one credential beside a line of the log`]
      : []
  }
  const isCut = spans.stoodStill('harness', RELAYS_STALL_MS, burst.at - FOLLOWS_WITHIN_MS, burst.at)
  const limit = Math.max(...limits, isCut ? SETTINGS.replicas : 0)
  if (!isCut) {
    const measure = measureOf(measures, rowOf(situations))
    measure.bursts++
    measure.calls = Math.max(measure.calls, burst.calls)
  }
  return burst.calls > limit
    ? [`${burst.calls} calls for one credential; the bound is ${limit} (${situations.join(', ') || 'healthy'})`]
    : []
}
