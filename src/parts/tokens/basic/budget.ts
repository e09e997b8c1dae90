/** One call of the token endpoint for a machine. */
export type Exchange = Readonly<{ at: number, client: string, isKnown: boolean }>

const WINDOW_MS = 60_000
/** Authgear's own, which it counts before it looks at the secret. */
export const OF_AUTHGEAR = { ofClient: 5, inAll: 20 } as const
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

/** Clocks of replicas differ a little; what is a minute ahead is no exchange. */
const within = (made: readonly Exchange[], now: number): readonly Exchange[] =>
  made.filter(({ at }) => Math.abs(now - at) < WINDOW_MS)

function isReached (made: readonly Exchange[], client: string, { ofClient, inAll }: Limit): boolean {
  return made.length >= inAll || made.filter((one) => one.client === client).length >= ofClient
}
