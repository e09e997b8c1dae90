/** What is known when a poll succeeds: how long ago the one before it did, and whether any failed since. */
export type Gap = Readonly<{
  /** Milliseconds; undefined where nobody knows of one. */
  ageMs: number | undefined
  isTroubled: boolean
}>

/**
 * - `none`: nothing can have been lost;
 * - `expired`: something may, but all that it could concern has expired meanwhile;
 * - `lost`: something may, and only `everything` makes up for it. Not more than that: Authgear slow, poll fails, all void, Authgear slower.
 */
export type GapVerdict = 'none' | 'expired' | 'lost'

/** @param lifetimeMs how long anything is remembered */
export function judgeGap ({ ageMs, isTroubled }: Gap, overlapMs: number, lifetimeMs: number): GapVerdict {
  if (ageMs === undefined || ageMs > lifetimeMs) return ageMs === undefined && !isTroubled ? 'none' : 'expired'
  return isTroubled || ageMs > overlapMs ? 'lost' : 'none'
}
