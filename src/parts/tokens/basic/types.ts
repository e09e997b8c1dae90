import type { Clock } from '../../../base/clock.ts'
import type { Keyer, MemoryKey } from '../../../base/core/cache-key.ts'
import type { Credentials } from '../../../base/core/credentials.ts'
import type { ResolverError } from '../../../base/errors.ts'
import type { Rules } from '../read-token.ts'
import type { TokenIssuer } from './exchange.ts'
import type { Budget } from './shared-budget.ts'
import type { PairStore } from './store.ts'

/** The token of a pair that Authgear accepted; it is verified and judged as any other. */
export type Good = Readonly<{
  kind: 'good'
  credentials: Credentials
  key: MemoryKey
  issuedAt: number
  endsAt: number
  endsMonotonic: number
}> & {
  /** Monotonic milliseconds. */
  renewAt: number
  /** Why there is no other token yet. */
  failed?: Failed
}
type Refused = Readonly<{ kind: 'refused', why: string, isBlocked?: true }>
type Unavailable = Readonly<{ kind: 'unavailable', error: ResolverError }>
export type Answer = Good | Refused | Unavailable

/** Until when it stands, monotonic milliseconds. */
type Lasting = Readonly<{ until: number }>
type Failed = Unavailable & Lasting
/** `isKept`: Authgear was asked, or this pair was good before; what any stranger can cause is not remembered. */
export type Found = Good | (Refused & Lasting) | (Failed & Readonly<{ isKept: boolean }>)

/** `held`: not made, since this minute's are used up. */
export const OUTCOMES = ['ok', 'refused', 'limited', 'held', 'error'] as const
export type Outcome = (typeof OUTCOMES)[number]

export type AskDeps = Readonly<{
  store: PairStore
  issuer: Pick<TokenIssuer, 'exchange'>
  budget: Budget
  rules: Rules
  keyer: Pick<Keyer, 'memoryKey'>
  clock: Clock
  random: () => number
  exchanged: (outcome: Outcome, error?: unknown) => void
}>

/** What a request brings. */
export type Asked = Readonly<{
  /** As it was sent, behind `Basic`. */
  token: string
  resource: string
  /** The client's network, if a trusted proxy names it. */
  from: () => string | undefined
}>
