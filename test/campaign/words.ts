import type { Asked, HistoryEvent, Moment, Said } from './history.ts'
import { SETTINGS, SITUATIONS, type SituationId } from './situations.ts'
import type { Fault } from './schedule.ts'
import type { Spans } from './spans.ts'

type Word = Readonly<{ word: Said, saidAt: Moment }> & { keptAt: Moment, heard: { replica: number, at: Moment }[] }

/** What operators said of each client, in their order: there is one word about a client at a time. */
export type Words = {
  readonly of: Map<string, Word[]>
  /** What was acknowledged since then is lost with all that knew it. */
  lostSince: Moment
  /** Worst of what was seen, less what the machine itself stood still. */
  readonly measure: { words: number, answers: number, refused: number, acceptedMs: number }
}

export const newWords = (): Words => ({
  of: new Map(), lostSince: Infinity, measure: { words: 0, answers: 0, refused: 0, acceptedMs: 0 }
})

/** CACHE_DEGRADED_TTL, 3 s at least: nobody lives by an older list. */
const STALE_MS = 3100
/** It may be read from a master that was deposed, until that is known. */
const DEPOSED_MS = 2 * STALE_MS
const BOUNDS: Readonly<Partial<Record<SituationId, number>>> = {
  'cut-silent': STALE_MS,
  'cut-reset': STALE_MS,
  'replica-frozen': STALE_MS,
  'redis-killed': DEPOSED_MS,
  'redis-frozen': DEPOSED_MS,
  'redis-kept': DEPOSED_MS,
  'redis-emptied': DEPOSED_MS,
  'planned-failover': DEPOSED_MS,
  'deposed-master': DEPOSED_MS
}
/** Words of a client that may matter in a round: on a machine that has no time a round takes two minutes. */
const KEPT_WORDS = 64
/** A block that is acknowledged is in the log, which every replica reads. */
const READ_WITHIN_MS = SITUATIONS.healthy.accepted.ms
const SLACK_MS = 50
/** A lift is read with the next poll. */
const LIFTED_WITHIN_MS = 1500
/** So long after Redis is back a replica has the list again, and what others have written back. */
const READ_AGAIN_MS = 4500
const STALL_MS = 200
/** What happens here keeps no replica from knowing who is blocked; a clock that jumps may have slept. */
const KNOWN: ReadonlySet<SituationId> = new Set<SituationId>([
  'healthy', 'authgear-down', 'authgear-hangs', 'authgear-slow', 'redis-far', 'junk-few'
])

export function learnWord (words: Words, event: HistoryEvent): void {
  const { of, measure } = words
  switch (event.kind) {
    case 'said': {
      const said = of.get(event.client) ?? []
      const word: Word = { word: event.word, saidAt: event.at, keptAt: Infinity, heard: [] }
      of.set(event.client, [...said.slice(1 - KEPT_WORDS), word])
      return
    }
    case 'heard': of.get(event.client)?.at(-1)?.heard.push(event); return
    case 'kept': {
      const last = of.get(event.client)?.at(-1)
      if (last !== undefined) last.keptAt = event.at
      measure.words++
      return
    }
    case 'fault':
      words.lostSince = Math.min(words.lostSince, lostSince(event))
      return
    case 'healed': return forgetLost(words)
    default:
  }
}

/** All begin again from a snapshot, or from nothing; or one replica gives back what it has read by then. */
function lostSince ({ what, at }: Extract<HistoryEvent, { kind: 'fault' }>): Moment {
  const fault = what as Fault
  switch (fault.kind) {
    case 'redis-restored': return at
    case 'redis-kept': return haveAllEnded(fault) ? at : Infinity
    case 'redis-emptied': return haveAllEnded(fault) ? -Infinity : at - READ_WITHIN_MS
    default: return Infinity
  }
}

const haveAllEnded = ({ killed }: Extract<Fault, { killed: unknown }>): boolean => killed.length === SETTINGS.replicas

function forgetLost (words: Words): void {
  for (const word of [...words.of.values()].flat()) if (word.keptAt >= words.lostSince) word.keptAt = Infinity
  words.lostSince = Infinity
}

/** @returns what is wrong with the answer to a client's token */
export function judgeClient (words: Words, spans: Spans, answer: Asked): readonly string[] {
  words.measure.answers++
  if (answer.reason === 'client_blocked') words.measure.refused++
  const said = (words.of.get(answer.client) ?? []).filter(({ saidAt }) => saidAt <= answer.endedAt)
  switch (answer.status) {
    case 200: return wronglyAccepted(words, said.at(-1), spans, answer)
    case 401: return answer.reason === 'client_blocked' ? wronglyBlocked(said, spans, answer) : []
    case 503: return isKnown(spans, answer, answer.at - READ_AGAIN_MS)
      ? [`503 ${answer.reason} for a client's token`]
      : []
    default: return [`status ${answer.status} for a client's token`]
  }
}

function wronglyAccepted (
  { measure, lostSince }: Words,
  last: Word | undefined,
  spans: Spans,
  { replica, at }: Asked
): readonly string[] {
  if (last?.word !== 'block') return []
  const hasHeard = last.heard.some((one) =>
    one.replica === replica && one.at < at && !spans.hasForgotten(replica, one.at, at))
  if (hasHeard) return ['a blocked client is accepted by the replica that took the block']
  if (at <= last.keptAt || last.keptAt >= lostSince) return []
  const stalledMs = spans.stalledMs(last.keptAt, at, ['harness', replica])
  const situations = spans.situations(last.keptAt, at, replica)
  const boundMs = Math.max(...['healthy' as const, ...situations].map(boundOf))
  const afterMs = Math.round(at - last.keptAt - stalledMs)
  measure.acceptedMs = Math.max(measure.acceptedMs, afterMs)
  return afterMs <= boundMs + SLACK_MS
    ? []
    : [`a blocked client is accepted ${afterMs} ms after it was acknowledged; the bound is ${boundMs} ms ` +
       `(${situations.join(', ') || 'healthy'})`]
}

const boundOf = (id: SituationId): number => BOUNDS[id] ?? SITUATIONS[id].accepted.ms

function wronglyBlocked (said: readonly Word[], spans: Spans, answer: Asked): readonly string[] {
  if (said.every(({ word }) => word === 'lift')) return ['a client is refused as blocked that nobody blocked']
  const last = said.at(-1)
  if (last?.word !== 'lift' || !isKnown(spans, answer, last.saidAt - READ_AGAIN_MS)) return []
  const stalledMs = spans.stalledMs(last.keptAt, answer.at)
  return answer.at > last.keptAt + LIFTED_WITHIN_MS + stalledMs
    ? [`a client is refused as blocked ${Math.round(answer.at - last.keptAt)} ms after it was lifted`]
    : []
}

/** Nothing happened since then that keeps this replica from knowing who is blocked. */
function isKnown (spans: Spans, { replica, endedAt }: Asked, since: Moment): boolean {
  return spans.situations(since, endedAt).every((id) => KNOWN.has(id)) &&
    !spans.isDisturbed(replica, since, endedAt) && spans.stalledMs(since, endedAt, ['harness', replica]) < STALL_MS
}
