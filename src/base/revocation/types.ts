import type { CredentialDigest } from '../core/cache-key.ts'
import type { ClientName } from '../core/client-name.ts'
import type { Affected, Entry, Stamp } from '../core/entry.ts'
import type { ResourceToken } from '../core/resource-token.ts'
import type { Mark } from './block-mark.ts'

/** No revocation, but told as one: a client is blocked, or not any more. It makes nothing void. */
type BlockTarget = Readonly<{ kind: 'block', name: ClientName, mark: Mark }>

/**
 * The target that a revocation makes void: every resolution of a user, every one made with a credential, or all there
 * are. Only resource tokens have a client and an id.
 */
export type Target =
  | Readonly<{ kind: 'user', userId: string }>
  | Readonly<{ kind: 'credential', digest: CredentialDigest }>
  | Readonly<{ kind: 'client', clientId: string }>
  | Readonly<{ kind: 'token', id: string }>
  | BlockTarget
  | Readonly<{ kind: 'everything' }>

export const ORIGINS = ['webhook', 'management', 'audit', 'logout'] as const
export type Origin = (typeof ORIGINS)[number]

export type Revocation = Readonly<{
  target: Target
  origin: Origin
  /** Milliseconds after a replica reads this in which the answer of a resolution that begins is not stored. */
  quietMs: number
  /**
   * It ends resource tokens that were issued before: 0 = before its entry in the log, negative = so many milliseconds
   * before that, positive = before this time by Redis' clock. Undefined: it ends none, as a change of a profile.
   */
  ends?: number | undefined
  /** The fields of a later release, which a new log must have, too. */
  others?: Readonly<Record<string, string>> | undefined
}>

/** The name under which a target is looked up; the kinds never meet. */
export function nameOf (target: Target): string {
  switch (target.kind) {
    case 'user': return `u:${target.userId}`
    case 'credential': return `c:${target.digest}`
    case 'client': return `k:${target.clientId}`
    case 'token': return `t:${target.id}`
    case 'block': return `b:${target.name}`
    case 'everything': return EVERYTHING
  }
}

export const EVERYTHING = '*'

/** A writer to Redis may reuse the name of an entry: for another target, or for one that ends no token. */
export function isCopy (read: Revocation, original: Revocation): boolean {
  const isEnding = original.ends === undefined || read.ends !== undefined
  return isEnding && nameOf(read.target) === nameOf(original.target)
}

/** The names of a resolution: a revocation of any of them makes it void. */
export function namesOf (userId: string | undefined, digests: readonly CredentialDigest[]): string[] {
  const names = digests.map((digest) => `c:${digest}`)
  if (userId !== undefined) names.push(`u:${userId}`)
  return names
}

/** The knowledge of this replica when a resolution began: captured before the request to Authgear is queued. */
export type RevocationSnapshot = Readonly<{
  stamp: Stamp
  /** Number of the revocations taken here so far: they hold at once, before the log has them. */
  local: number
  /** Monotonic milliseconds. */
  at: number
}>

/** The names of a resource token that a revocation may have. */
export type TokenNames = Readonly<Pick<ResourceToken, 'userId' | 'clientId' | 'id' | 'issuedAt'>>

/**
 * `unknown`: whether it was revoked nobody can say here; a newer token would be accepted. `unread`: this process stood
 * still, and has not read the log since.
 */
export type TokenStanding = 'good' | 'revoked' | 'unknown' | 'unread'

/** `pending`: it holds on this replica, and is published as soon as Redis takes it. */
export type RevokeOutcome = 'logged' | 'pending'

/**
 * The revocation log as `authenticate` sees it: docs/inside/revocation-protocol.md has I1 to I3.
 */
export interface RevocationLog {
  snapshot (): RevocationSnapshot
  /** Decided at each hit: the newest linked-up poll is less than 3 s old by both clocks. */
  isFollowing (): boolean
  /** True if a later revocation makes this resolution unusable. */
  isVoid (about: Affected, snapshot: Pick<RevocationSnapshot, 'stamp' | 'local'>): boolean
  /** True if a revocation that this replica holds names one of these credentials, whenever it came. */
  names (about: Pick<Affected, 'digests'>): boolean
  /** True if a resource token is revoked, as far as this replica can know. */
  standingOf (token: TokenNames): TokenStanding
  /** True if an entry of another replica may be used: positions this replica read itself, nothing pending about it. */
  trusts (entry: Entry): boolean
  /** True if this replica may read shared entries, and write its own, at all. */
  trustsShared (): boolean
  /** True if the answer of a resolution that began then may be given to its callers, but not stored. */
  isUncacheable (about: Affected, at: number): boolean
  revoke (revocation: Revocation): Promise<RevokeOutcome>
  /** @returns whether one more of this origin would get its own entry, not a shared `everything` */
  admits (origin: Origin): boolean
  close (): Promise<void>
}

/** Reads what the log says, in its order, for subscribers. */
export type LogReader = Readonly<{
  /** Another log is read from its beginning. @param since milliseconds since 1970 from which on it lacks nothing */
  begins: (log: string, since: number) => void
  /** @param at milliseconds since 1970; `of`: the name that all copies of this revocation share */
  read: (entry: Readonly<{ id: StreamId, of?: string, revocation: Revocation }>, at: number) => void
  /** An entry that tells nothing, or nothing that can be believed. */
  passed: (id: StreamId) => void
  /** An entry whose meaning counts only once the skipping ends, with `lost`. */
  skipped: (id: StreamId) => void
  /** Everything is void: something may have been revoked before then that nobody can name. */
  lost: (at: number) => void
}>

export type LogObserver = Readonly<{
  reader?: LogReader | undefined
  /** A revocation was taken here, or read from another replica. */
  revoked: (origin: Origin) => void
  /** Seconds from the append to the reading, by Redis' clock alone. */
  lag: (seconds: number) => void
  /** A new generation: nothing of the old one may be used. */
  adopted: () => void
  /** An entry with a wrong tag was read as `everything`. */
  inauthentic: () => void
  /** An entry was made under another CACHE_SECRET: a user is that user, all else is read as `everything`. */
  foreign: () => void
  /** Nothing says any more that the server is the master, or something does again. */
  doubted: (isDoubted: boolean) => void
  /** One more of this origin is beyond what the log takes in a minute. */
  capped: (origin: Origin) => void
  /** Entries that the log holds now. */
  length: (entries: number) => void
  trouble: (what: string, error?: unknown) => void
}>

/** An id of a Redis Stream: milliseconds and a number within them. Ids are compared only within one generation. */
export type StreamId = string

export const FIRST_ID: StreamId = '0-0'

export const millisecondsOf = (id: StreamId): number => Number(id.split('-')[0])

/** @returns negative where a is before b; both halves are compared as numbers, since text puts 9-0 after 10-0 */
export function compareIds (a: StreamId, b: StreamId): number {
  const [aMs = '', aSeq = ''] = a.split('-')
  const [bMs = '', bSeq = ''] = b.split('-')
  return compareNumbers(aMs, bMs) || compareNumbers(aSeq, bSeq)
}

/** Numbers of 64 bits, which `Number` cannot hold; decimal and without leading zeros, as Redis writes them. */
function compareNumbers (a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b))
}
