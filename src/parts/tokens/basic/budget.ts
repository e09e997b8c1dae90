/** One call of the token endpoint for a machine. `from`: the client's network, if a trusted proxy names it. */
export type Exchange = Readonly<{ at: number, client: string, isKnown: boolean, from: string | undefined }>

const WINDOW_MS = 60_000
/** Authgear's own, which it counts before it looks at the secret. */
export const OF_AUTHGEAR = { ofClient: 5, inAll: 20 } as const
/** What pairs that were never good may use of it: guesses lock out nobody. */
const OF_UNKNOWN = { ofClient: 2, inAll: 8 } as const
/** The same from one network: it leaves some to the machine whose secret was rotated. */
const OF_NETWORK = { ofClient: 1, inAll: 4 } as const
/** Calls beyond these for clients that have passed before by another secret. */
const KEPT_FOR_PASSED = 2

type Limit = Readonly<{ ofClient: number, inAll: number }>

/**
 * The exchanges of the last minute with one more; a minute's window never exceeds Authgear's buckets.
 * @param made in any order
 * @param hasPassed true if its client has passed before, by whichever secret
 * @param replicas that share Authgear's limits, where they cannot count together
 * @returns undefined where this one would be too many
 */
export function spend (
  made: readonly Exchange[], next: Exchange, hasPassed = false, replicas = 1
): readonly Exchange[] | undefined {
  const recent = within(made, next.at)
  const isReached = createIsReached(replicas)
  const isTooMany = isReached(recent, next.client, OF_AUTHGEAR) ||
    (!next.isKnown && isHeld(recent, next, hasPassed, isReached))
  return isTooMany ? undefined : [...recent, next]
}

function isHeld (
  recent: readonly Exchange[], { client, from }: Exchange, hasPassed: boolean, isReached: IsReached
): boolean {
  const unknown = recent.filter(({ isKnown }) => !isKnown)
  const inAll = OF_UNKNOWN.inAll + (hasPassed ? KEPT_FOR_PASSED : 0)
  const ofNetwork = from === undefined ? [] : unknown.filter((one) => one.from === from)
  return isReached(unknown, client, { ...OF_UNKNOWN, inAll }) || isReached(ofNetwork, client, OF_NETWORK)
}

/** The same exchanges, of which the newest of an unknown pair was none of a guess: the pair is good. */
export function passed (
  made: readonly Exchange[], { client, from }: Pick<Exchange, 'client' | 'from'>
): readonly Exchange[] {
  const good = made.findLast((one) => !one.isKnown && one.client === client && one.from === from)
  return made.map((one) => one === good ? { ...one, isKnown: true } : one)
}

/** Clocks of replicas differ a little; what is a minute ahead is no exchange. */
const within = (made: readonly Exchange[], now: number): readonly Exchange[] =>
  made.filter(({ at }) => Math.abs(now - at) < WINDOW_MS)

type IsReached = (made: readonly Exchange[], client: string, limit: Limit) => boolean

function createIsReached (replicas: number): IsReached {
  const share = (limit: number): number => Math.max(1, Math.floor(limit / replicas))
  return (made, client, { ofClient, inAll }) =>
    made.length >= share(inAll) || made.filter((one) => one.client === client).length >= share(ofClient)
}
