import { authenticatedAtMs } from '../../base/core/requirement.ts'
import type { Moment } from '../../base/clock.ts'
import type { Asker, Loans } from '../../base/identity/profile.ts'
import type { CountsOf } from '../../base/metrics/table.ts'
import type { Feature } from '../../base/parts/feature.ts'
import type { Batches, BatchReading, Pause } from './batches.ts'
import type { METRICS } from './metrics.ts'
import { RENEW_AHEAD } from './shared.ts'
import type { ReadOutcome } from './types.ts'

/** How long a profile counts. */
export type Life = Readonly<{
  lifeMs: number
  /** The age from which one in use is read again in the background. */
  renewMs: number
  /** True if it may be used past its life, while no newer one can be read. */
  mayOutlive: boolean
}>

/** `refused`: these credentials opened no profile; others may. `isAsked: false`: too many wait. */
export type Reading = BatchReading | Readonly<{ kind: 'refused' } | { kind: 'failed', isAsked: false }>

/** The way in which one user is read. */
export type Source = Readonly<{
  /** True if it reads with the asker's own credentials, whose failures say nothing about other users. */
  isLent: boolean
  /** False while it rests after failures. */
  mayAsk: (asker: Asker) => boolean
  /** Reads of one name are one. */
  nameOf: (asker: Asker) => string
  /** Never rejects. */
  read: (asker: Asker) => Promise<Reading>
  /** @param since when it was read */
  lifeOf: (asker: Asker, since: Moment, lifeMs: number) => Life
}>

export type Counts = CountsOf<typeof METRICS>

/** A source whose client is open, and the places that it needs. */
export type OpenedSource = Pick<Feature, 'reads' | 'taken' | 'close'> & Readonly<{
  source: (loans: Loans | undefined) => Source
  /** Called after each read of a user. */
  read: (outcome: ReadOutcome) => void
}>

/** The Admin API reads anybody, and is never late. */
export const adminSource = (batches: Batches, pause: Pick<Pause, 'isOver'>): Source => Object.freeze({
  isLent: false,
  mayAsk: pause.isOver,
  nameOf: ({ userId }: Asker) => userId,
  read: ({ userId }: Asker) => batches.read(userId),
  lifeOf: (_asker: Asker, _since: Moment, lifeMs: number) => wholeLife(lifeMs)
})

export const wholeLife = (lifeMs: number): Life =>
  ({ lifeMs, renewMs: lifeMs * RENEW_AHEAD, mayOutlive: true })

/** The asker's sign-in, epoch milliseconds; 0: unknown. */
export const signedInAtOf = ({ identity }: Asker): number => authenticatedAtMs(identity) || 0
