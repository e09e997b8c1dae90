import type { Replica } from '../../base/parts/given.ts'
import { endsOf, type Sample, sumOf } from './history.ts'
import { type Facts, OUTAGES } from './verdict.ts'

/** Recent events are those of so much of the window. */
const NOW_MS = 2 * 60_000

export type Known = Readonly<{
  state: Replica['state']
  /** Oldest first, the last is now. */
  samples: readonly Sample[]
  /** The other replicas, as far as they are known. */
  others: readonly Replica[]
}>

export function factsOf ({ state, samples, others }: Known): Facts {
  const [first, last] = endsOf(samples)
  return {
    ...last.now,
    state,
    othersFailing: others.filter(({ authgear }) => authgear === 'failing').length,
    answers: answersOf(last) - answersOf(first),
    windowMs: last.monotonic - first.monotonic,
    unavailable: unavailableOf(first, last).count,
    unavailableNow: unavailableOf(samples.find(({ monotonic }) => last.monotonic - monotonic <= NOW_MS) ?? first, last),
    wrongPath: last.requests.elsewhere - first.requests.elsewhere,
    badPolicy: (last.refusals['bad_policy'] ?? 0) - (first.refusals['bad_policy'] ?? 0),
    inauthentic: foreignOf(last) - foreignOf(first),
    partNumbers: partNumbersOf(first, last),
    webhooksRefused: last.webhooksRefused - first.webhooksRefused
  }
}

export const answersOf = ({ requests }: Sample): number => sumOf(requests)
const foreignOf = ({ revocations: { inauthentic, foreign } }: Sample): number => inauthentic + foreign

/** The numbers of each part: those of now, and their growth in the window. */
function partNumbersOf (first: Sample, last: Sample): Facts['partNumbers'] {
  return Object.fromEntries(Object.entries(last.now.parts).map(([name, now]) => {
    const before = first.now.parts[name]
    const since = Object.entries(now).map(([number, value]) => [number, value - (before?.[number] ?? 0)])
    return [name, { now, since: Object.fromEntries(since) as Readonly<Record<string, number>> }]
  }))
}

/** Strangers cause it by guesses. */
const NO_OUTAGE = 'exchange_limited'

/** The answers with 503 in that time, and the reason that most of them had. */
function unavailableOf (from: Sample, to: Sample): Facts['unavailableNow'] {
  const since = (reason: string): number => (to.refusals[reason] ?? 0) - (from.refusals[reason] ?? 0)
  const most = OUTAGES.reduce((a, b) => since(b) > since(a) ? b : a)
  const count = to.requests.unavailable - from.requests.unavailable - since(NO_OUTAGE)
  return { count, of: answersOf(to) - answersOf(from), reason: since(most) === 0 ? undefined : most }
}

/** The reasons that were given in the window with their counts, the most frequent first. */
export function refusalsOf (samples: readonly Sample[]): ReadonlyArray<readonly [reason: string, count: number]> {
  const [first, last] = endsOf(samples)
  return Object.entries(last.refusals)
    .map(([reason, count]) => [reason, count - (first.refusals[reason] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .sort(([a, most], [b, more]) => more - most || a.localeCompare(b))
}
