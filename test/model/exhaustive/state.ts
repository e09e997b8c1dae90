/** One state of a small world: plain data, never changed; all that a transition may look at or change. */

/** An entry of the log by its nonce, or a generation by the nonce of its first entry; 0 = none. */
export type Token = number
/** A set of small numbers: revocations, servers or replicas. */
export type Bits = number
export type ServerIndex = 0 | 1

export type LogEntry = Readonly<{
  token: Token
  /** Which revocation it bears; -1: the first entry of a generation, which bears none. */
  of: number
  /** It revokes everything, since the replica that wrote it could not say what `of` means. */
  all: boolean
  /** The CACHE_SECRET it was made under. */
  secret: number
  /** A writer to Redis has put another content in its place. */
  isRewritten: boolean
  /** Of a generation's first entry: replicas that had not followed for 10 s when it was written, nor have since. */
  missedBy: Bits
}>

/**
 * What Authgear answered once, for each user at once: the revocations are of different users, so that each member of
 * this family is void, trusted or old by itself.
 */
export type CachedEntry = Readonly<{
  generation: Token
  /** Position in the log: index + 1 of the newest entry that was read when Authgear was asked; 0 = none. */
  id: number
  token: Token
  /** Revocations that had not been taken when Authgear was asked: once they are, the answer for that user is wrong. */
  predates: Bits
  secret: number
  /** Older than CACHE_DEGRADED_TTL. */
  isOld: boolean
  /** Redis is to have it, too. */
  isToBeShared: boolean
}>

export type Server = Readonly<{
  role: 'master' | 'replica' | 'down'
  /** Undefined where the head is gone. The head names the last entry. */
  log: readonly LogEntry[] | undefined
  cached: CachedEntry | undefined
  /** Whether the head's `replid` is the server's own. */
  isOfHistory: boolean
  /** Redis replicas as ROLE shows them: acknowledging, listed though gone, one of two acknowledging, not listed. */
  attendance: 'live' | 'silent' | 'half' | 'none'
}>

/** `mastery.ts` and `health.ts` of one replica. */
export type Mastery = Readonly<{
  server: ServerIndex | -1
  /** Servers that are known to have had Redis replicas. */
  attended: Bits
  isDeposed: boolean
  isProven: boolean
  wasHeard: boolean
}>

/** `suspension.ts` of one replica. */
export type Suspension = Readonly<{
  changes: number
  isActive: boolean
  hasJustAdopted: boolean
  seen: Token
  isSeenNew: boolean
}>

/** A revocation on its way into the log: `taken` here, appended, `readBack` from a master in doubt. */
export type Own = 'no' | 'taken' | 'appended' | 'readBack'
/** A revocation that a new log lacks: not yet due, due, appended. */
type Republish = Readonly<{ all: boolean, attempt: 'none' | 'due' | 'appended' }>

/** One process of ours. */
export type Replica = Readonly<{
  isUp: boolean
  secret: number
  /** Where follower and publisher are connected. */
  connection: ServerIndex | -1
  generation: Token
  /** The generation that it began before it followed any. */
  began: Token
  left: readonly Token[]
  /** Nonces read in this generation; the position of each is its index + 1. */
  read: readonly Token[]
  isCaughtUp: boolean
  /** Position at which each revocation was read last; 0 = not. */
  revokedAt: readonly number[]
  voidBefore: number
  skippedTo: number
  /** Revocations that it has skipped as junk in this generation. */
  skipped: Bits
  /** Whether junk is skipped; `over`: until the next poll. */
  skipping: 'no' | 'yes' | 'over'
  /** Junk within the last second. */
  junk: number
  /** What it has read within the retention, by revocation. */
  kept: ReadonlyArray<'no' | 'it' | 'all'>
  republish: ReadonlyArray<Republish | undefined>
  own: readonly Own[]
  /** The newest poll that linked up is less than 3 s old. */
  isFresh: boolean
  mastery: Mastery
  suspension: Suspension
  memory: CachedEntry | undefined
  /** A question to Authgear that is not answered yet. */
  flight: CachedEntry | undefined
  /** How often junk has overtaken that question. */
  overtaken: number
  /** Junk was read since that question. */
  isOvertaken: boolean
  /** It has read the log to its end: until then no proxy sends it requests. */
  hasFollowed: boolean
  /** Revocations that this process has taken or applied. */
  knows: Bits
  /** Of resource tokens: revocations that end them here (`token-ledger.ts`). */
  ended: Bits
  /** What it has read reaches back to when the tokens were issued: `#knownSince`. */
  isWhole: boolean
  /** It has not followed for 10 s, nor for CACHE_DEGRADED_TTL: `#linkedAt`, `#followedAt`. */
  hasGap: boolean
}>

/**
 * How far a revocation is; every fault that may lose writes puts `logged` and `due` back to `acknowledged`.
 * `logged`: the log of the master has it. `due`: for as long as a tick. `outlived`: it was logged when the last replica
 * ended: from then on nothing older may be used, whatever Redis has forgotten.
 */
export type Stage = 'none' | 'taken' | 'acknowledged' | 'logged' | 'due' | 'outlived'

export type State = Readonly<{
  servers: readonly [Server, Server]
  master: ServerIndex
  /** The two servers do not see each other; replicas that see only the deposed one. */
  isParted: boolean
  partedReplicas: Bits
  isDeposedLong: boolean
  replicas: readonly [Replica, Replica]
  stages: readonly Stage[]
  /** How often each fault may still happen. */
  budget: readonly number[]
  faults: number
  /** A promise that a transition has broken. */
  broken: string | undefined
  /** The newest token. */
  tokens: Token
}>

export const SERVERS = [0, 1] as const
export const REPLICAS = [0, 1] as const

export const has = (bits: Bits, index: number): boolean => (bits >> index & 1) === 1
export const bit = (index: number): Bits => 1 << index
export const other = (server: ServerIndex): ServerIndex => server === 0 ? 1 : 0

export function set<T> (list: readonly T[], index: number, value: T): readonly T[] {
  return list.map((old, i) => i === index ? value : old)
}

export function withReplica (state: State, index: number, change: Partial<Replica>): State {
  const [first, second] = state.replicas
  return index === 0
    ? { ...state, replicas: [{ ...first, ...change }, second] }
    : { ...state, replicas: [first, { ...second, ...change }] }
}

export function withServer (state: State, index: ServerIndex, change: Partial<Server>): State {
  const [first, second] = state.servers
  return index === 0
    ? { ...state, servers: [{ ...first, ...change }, second] }
    : { ...state, servers: [first, { ...second, ...change }] }
}
