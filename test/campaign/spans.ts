import type { HistoryEvent, Moment, Stalled } from './history.ts'
import { SITUATIONS, type Situation, type SituationId } from './situations.ts'

type Span = Readonly<{ at: Moment, endedAt: Moment }>
type Window = {
  readonly situation: SituationId
  readonly replicas: readonly number[]
  readonly at: Moment
  endedAt: Moment
}
type Of<K extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: K }>

/** Spans older than this say nothing more about any answer to come. */
const KEPT_MS = 120_000

const overlaps = (span: Span, from: Moment, to: Moment): boolean => span.at <= to && from <= span.endedAt
const overlapOf = (span: Span, from: Moment, to: Moment): number =>
  Math.max(0, Math.min(span.endedAt, to) - Math.max(span.at, from))

/** What held when: faults, replicas that were down or frozen, event loops that stood still. */
export class Spans {
  #windows: Window[] = []
  #disturbances: Of<'disturbed'>[] = []
  #stalls: Of<'stall'>[] = []

  begin ({ situation, replicas, at }: Of<'fault'>): void {
    this.#windows.push({ situation, replicas, at, endedAt: Infinity })
  }

  /** @returns the situations that have ended */
  heal (at: Moment): readonly SituationId[] {
    const open = this.#windows.filter(({ endedAt }) => endedAt === Infinity)
    for (const window of open) window.endedAt = at
    this.#windows = this.#windows.filter(({ endedAt }) => at - endedAt < KEPT_MS)
    this.#disturbances = this.#disturbances.filter(({ endedAt }) => at - endedAt < KEPT_MS)
    this.#stalls = this.#stalls.filter(({ endedAt }) => at - endedAt < KEPT_MS)
    return open.map(({ situation }) => situation)
  }

  disturb (disturbance: Of<'disturbed'>): void { this.#disturbances.push(disturbance) }

  stall (stall: Of<'stall'>): void { this.#stalls.push(stall) }

  isDisturbed (replica: number, from: Moment, to: Moment): boolean {
    return this.#disturbances.some((one) => one.replica === replica && overlaps(one, from, to))
  }

  /** When it was last down or frozen before then. */
  runsSince (replica: number, before: Moment): Moment {
    const ends = this.#disturbances.filter((one) => one.replica === replica && one.at <= before)
    return Math.max(-Infinity, ...ends.map(({ endedAt }) => endedAt))
  }

  /** Whether the process was started again, without what it had in memory. */
  hasForgotten (replica: number, from: Moment, to: Moment): boolean {
    return this.#disturbances.some((one) => one.replica === replica && one.forgets && overlaps(one, from, to))
  }

  /** @param replica only those that are about this one */
  situations (from: Moment, to: Moment, replica?: number): readonly SituationId[] {
    return this.#windows
      .filter((one) => overlaps(one, from, to) && (replica === undefined || one.replicas.includes(replica)))
      .map(({ situation }) => situation)
  }

  /** For how long the machine had no time for these event loops; a frozen replica is meant to stand still. */
  stalledMs (from: Moment, to: Moment, who?: readonly Stalled[]): number {
    return this.#stalls.filter((one) => who === undefined || who.includes(one.who))
      .filter((one) => one.who === 'harness' || !this.isDisturbed(one.who, one.at, one.endedAt))
      .reduce((sum, one) => sum + overlapOf(one, from, to), 0)
  }

  /** True if this event loop once stood still for that long at a stretch. */
  stoodStill (who: Stalled, ms: number, from: Moment, to: Moment): boolean {
    return this.#stalls.some((one) => one.who === who && one.endedAt - one.at >= ms && overlaps(one, from, to))
  }
}

export const rulesOf = (situations: readonly SituationId[]): readonly Situation[] =>
  ['healthy' as const, ...situations].map((id) => SITUATIONS[id])
