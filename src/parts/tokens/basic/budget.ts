/** One call of the token endpoint for a machine. */
export type Exchange = Readonly<{ at: number, client: string, isKnown: boolean }>

export const WINDOW_MS = 60_000
/** Authgear's own, which it counts before it looks at the secret. */
const OF_AUTHGEAR = { ofClient: 5, inAll: 20 } as const
/** What pairs that were never good may use of it: guesses lock out nobody. */
const OF_UNKNOWN = { ofClient: 2, inAll: 8 } as const

type Limit = Readonly<{ ofClient: number, inAll: number }>

/**
 * The exchanges of the last minute with one more; a minute's window never exceeds Authgear's buckets.
 * @param made in any order
 * @returns undefined where this one would be too many
 */
export function spend (made: readonly Exchange[], next: Exchange): readonly Exchange[] | undefined {
  const recent = within(made, next.at)
  const isTooMany = isReached(recent, next.client, OF_AUTHGEAR) ||
    (!next.isKnown && isReached(recent.filter(({ isKnown }) => !isKnown), next.client, OF_UNKNOWN))
  return isTooMany ? undefined : [...recent, next]
}

/** @returns until when no unknown pair has a call, whatever its client: 0 if it may have one */
export function fullUntil (made: readonly Exchange[], now: number): number {
  const recent = within(made, now)
  const unknown = recent.filter(({ isKnown }) => !isKnown)
  const last = Math.max(freeAt(recent, OF_AUTHGEAR.inAll), freeAt(unknown, OF_UNKNOWN.inAll))
  return last > now ? last : 0
}

/** Clocks of replicas differ a little; what is a minute ahead is no exchange. */
const within = (made: readonly Exchange[], now: number): readonly Exchange[] =>
  made.filter(({ at }) => Math.abs(now - at) < WINDOW_MS)

function isReached (made: readonly Exchange[], client: string, { ofClient, inAll }: Limit): boolean {
  return made.length >= inAll || made.filter((one) => one.client === client).length >= ofClient
}

function freeAt (made: readonly Exchange[], most: number): number {
  const times = made.map(({ at }) => at).toSorted((a, b) => a - b)
  return times.length < most ? 0 : (times[times.length - most] ?? 0) + WINDOW_MS
}
