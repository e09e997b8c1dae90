import { factsOf } from './facts.ts'
import { intervals } from './figures.ts'
import { type Sample, STEP_MS } from './history.ts'
import type { Parts } from './of-parts.ts'
import { isWell, type Verdict, verdictsOf } from './verdict.ts'

/** A problem that began or ended within the window: epoch milliseconds, undefined where it lies outside. */
export type Past = Verdict & Readonly<{ from: number | undefined, to: number | undefined }>

/** The newest; a problem that comes and goes may have been there dozens of times. */
const MOST = 8

/**
 * What was wrong in each step of the window, as far as its samples say: of other replicas they say nothing. The newest
 * first; a problem of the whole window is in the verdict alone.
 */
export function pastOf (samples: readonly Sample[], parts: Parts): readonly Past[] {
  const steps = intervals(samples, STEP_MS).toReversed()
  const at = timeline(samples)
  const all: Past[] = []
  const open = new Map<string, Past>()
  for (const [index, [from, to]] of steps.entries()) {
    const said = verdictsOf(factsOf({ state: 'serving', samples: [from, to], others: [] }), parts)
    const now = new Map(said.filter(({ level }) => !isWell(level)).map((verdict) => [verdict.link, verdict]))
    for (const [link, past] of open) {
      if (now.has(link)) continue
      all.push({ ...past, to: at(from) })
      open.delete(link)
    }
    for (const [link, verdict] of now) {
      if (open.has(link)) continue
      const since = index === 0 ? undefined : at(from)
      open.set(link, { ...verdict, sentence: whatOf(verdict), from: since, to: undefined })
    }
  }
  return [...all, ...open.values()]
    .filter(({ from, to }) => from !== undefined || to !== undefined)
    .sort((a, b) => (b.from ?? 0) - (a.from ?? 0))
    .slice(0, MOST)
}

/** A past problem is not to be fixed any more. */
const whatOf = ({ sentence }: Verdict): string => `${sentence.split(/: |\.$/, 1)[0]}.`

/** The time of a sample by today's wall clock, which may have been set meanwhile. */
export function timeline (samples: readonly Sample[]): (sample: Sample) => number {
  const { wall = 0, monotonic = 0 } = samples.at(-1) ?? {}
  return (sample) => wall - (monotonic - sample.monotonic)
}
