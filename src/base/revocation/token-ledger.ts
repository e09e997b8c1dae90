import { elapsedSince, momentOf, NEVER, type Clock, type Moment } from '../clock.ts'
import { CLOCK_TOLERANCE_MS } from '../core/resource-token.ts'
import { BoundedMap } from './bounded-map.ts'
import { EVERYTHING, nameOf, type Revocation, type TokenNames, type TokenStanding } from './types.ts'

/** Milliseconds since 1970 by Redis' clock. */
type RedisMs = number

export type TokenLedgerOptions = Readonly<{
  clock: Clock
  /** The longest life of a token: no older one is accepted, so that no older revocation matters. */
  maxAgeMs: number
  /** CACHE_DEGRADED_TTL: how long a replica that stopped following the log continues as if it did. */
  degradedMs: number
  maxNames: number
}>

/** A replica that missed no more of the log than this has missed no revocation that another one still knows. */
const MAX_GAP_MS = 10_000
/** How often a running process marks that it runs; after `STOOD_STILL_MS` without a mark it was frozen. */
export const HEARTBEAT_MS = 500
const STOOD_STILL_MS = 2500
/** `iat` is in whole seconds. */
const IAT_STEP_MS = 1000
/** Names dropped with each entry: more than one entry adds. */
const MAX_SWEPT = 4

/** A revocation that ends tokens, as it goes into a new log. */
type Ended = Readonly<{ of: string, revocation: Revocation, at: RedisMs }>

/**
 * Which resource tokens are revoked: there is no introspection, so a replica must not accept what it may not have
 * learned of. A revocation ends every token that was issued before it: names are kept with its time, by Redis' clock.
 */
export class TokenLedger {
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #degradedMs: number
  readonly #ended: BoundedMap<Ended>
  /** Taken here, and not read in the log yet: they hold at once, by this machine's clock. */
  readonly #taken = new Map<string, Readonly<{ name: string, at: number }>>()
  /** Every token that was issued before is revoked: by `everything`, or since a name had no room. */
  #allEndedAt: RedisMs = -Infinity
  /** The time before which revocations of issued tokens may be missing. No allowance: clocks that are apart here
   * matter only to who was revoked within seconds of a loss of all that was known. */
  #knownSince: RedisMs = Infinity
  /** Redis' time at the last poll that linked up. */
  #linkedAt: RedisMs = -Infinity
  /** Since a new generation began, where its coverage is not known yet. */
  #isBeginning = false
  #followedAt: Moment = NEVER
  /** When this process is known to have run. */
  #ranAt: Moment
  #stoodStill = false

  constructor ({ clock, maxAgeMs, degradedMs, maxNames }: TokenLedgerOptions) {
    this.#clock = clock
    this.#ranAt = momentOf(clock)
    this.#maxAgeMs = maxAgeMs
    this.#degradedMs = degradedMs
    this.#ended = new BoundedMap(maxNames)
  }

  /** Called every HEARTBEAT_MS: between two calls that are far apart this process was frozen. */
  ran (): void {
    this.#stoodStill ||= this.#isStanding()
    this.#ranAt = momentOf(this.#clock)
  }

  #isStanding (): boolean { return elapsedSince(this.#ranAt, this.#clock) > STOOD_STILL_MS }

  /** A log without a past: a service without Redis knows what was revoked since it began. */
  beginAt (now: number): void { this.#knownSince = now }

  /** Another generation: what was read stays true, and what its beginning does not cover may be missing. */
  adopt (): void { this.#isBeginning = true }

  /** @param since what the new log covers: the time of its first entry, or of its last trim */
  covers (since: RedisMs): void {
    if (!this.#isBeginning) return
    this.#isBeginning = false
    if (since - this.#linkedAt > MAX_GAP_MS) this.#knownSince = since
  }

  /** A start read an entry that it cannot understand: what that ended, and until when, nobody can say here. */
  missed (at: RedisMs): void {
    if (this.#linkedAt === -Infinity) this.#forgetUntil(at)
  }

  /** Whatever clocks do: which tokens a revocation of then ended, nobody knows any more. */
  #forgetUntil (at: RedisMs): void {
    this.#knownSince = Math.max(this.#knownSince, at + CLOCK_TOLERANCE_MS + IAT_STEP_MS)
  }

  linked (now: RedisMs): void {
    this.#linkedAt = now
    this.#stoodStill = false
    this.#followedAt = momentOf(this.#clock)
  }

  /** @param revocation whose `ends` is a time */
  apply (of: string, revocation: Revocation): void {
    if (revocation.ends === undefined) return
    if (this.#taken.get(of)?.name === nameOf(revocation.target)) this.#taken.delete(of)
    this.#end(of, revocation, revocation.ends)
  }

  take (of: string, { target, ends }: Revocation): void {
    if (ends === undefined) return
    if (target.kind === 'everything') this.#taken.clear() // it covers all that were taken before
    this.#taken.set(of, { name: nameOf(target), at: this.#now() })
  }

  release (of: string): void { this.#taken.delete(of) }

  /** The revocations that a new log must have. */
  toRepublish (): ReadonlyArray<readonly [of: string, revocation: Revocation]> {
    return [...this.#ended.entries()].map(([, { of, revocation }]) => [of, revocation])
  }

  /** @param isFollowing whether this replica follows the log at this moment */
  standingOf (token: TokenNames, isFollowing: boolean): TokenStanding {
    if (this.#isRevoked(token)) return 'revoked'
    if (!isFollowing && (this.#stoodStill || this.#isStanding())) return 'unread'
    const isCutOff = !isFollowing && elapsedSince(this.#followedAt, this.#clock) > this.#degradedMs
    // as long as a session's answer would stand that Authgear gave just then
    if (isCutOff) return this.#now() - token.issuedAt <= this.#degradedMs ? 'good' : 'unknown'
    // by Redis' clock too: what is older may be forgotten here
    const isForgotten = token.issuedAt + this.#maxAgeMs + CLOCK_TOLERANCE_MS < this.#linkedAt
    return isForgotten || token.issuedAt + IAT_STEP_MS <= this.#knownSince ? 'unknown' : 'good'
  }

  /** Redis' time as far as is known, or this machine's where that is ahead: the later one accepts less. */
  #now (): number {
    const sinceLinked = elapsedSince(this.#followedAt, this.#clock)
    return Math.max(this.#clock.wall(), this.#linkedAt + (Number.isFinite(sinceLinked) ? sinceLinked : 0))
  }

  #isRevoked ({ userId, clientId, id, issuedAt }: TokenNames): boolean {
    const since = issuedAt - CLOCK_TOLERANCE_MS
    if (since <= this.#allEndedAt) return true
    if (this.#ended.size === 0 && this.#taken.size === 0) return false
    const client = `k:${clientId}`
    const user = userId === undefined ? undefined : `u:${userId}`
    const only = `t:${id}`
    if (this.#isEnded(EVERYTHING, since) || this.#isEnded(client, since) || this.#ended.has(only)) return true
    if (user !== undefined && this.#isEnded(user, since)) return true
    for (const { name, at } of this.#taken.values()) {
      const isOfToken = name === EVERYTHING || name === client || name === user
      if (name === only || (since <= at && isOfToken)) return true
    }
    return false
  }

  #isEnded (name: string, since: RedisMs): boolean {
    const ended = this.#ended.get(name)
    return ended !== undefined && since <= ended.at
  }

  #end (of: string, revocation: Revocation, at: RedisMs): void {
    const name = nameOf(revocation.target)
    const forgotten = this.#ended.set(name, { of, revocation, at: Math.max(at, this.#ended.get(name)?.at ?? at) })
    if (forgotten !== undefined) this.#allEndedAt = Math.max(this.#allEndedAt, forgotten.at)
    // by the clock that tells which tokens are too old, so that nothing is forgotten before its tokens are
    const until = Math.min(at, this.#linkedAt) - this.#maxAgeMs - 3 * CLOCK_TOLERANCE_MS
    for (let n = 0; n < MAX_SWEPT; n++) {
      const oldest = this.#ended.oldest()
      if (oldest === undefined || oldest[1].at >= until) return
      this.#ended.delete(oldest[0])
      this.#forgetUntil(oldest[1].at)
    }
  }
}
