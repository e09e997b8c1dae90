import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry, Stamp } from '../core/entry.ts'
import type { Origin, Revocation } from './revocation.ts'

/** What this replica knew when a resolution began: captured before the request to Authgear is queued. */
export type Mark = Readonly<{
  stamp: Stamp
  /** Number of the revocations taken here so far: they hold at once, before the log has them. */
  local: number
  /** Monotonic milliseconds. */
  at: number
}>

/** Whom a resolution is about. */
export type About = Readonly<{ userId: string | undefined, digests: readonly CredentialDigest[] }>

/** `pending`: it holds on this replica, and is published as soon as Redis takes it. */
export type RevokeOutcome = 'logged' | 'pending'

/** The revocation log as `authenticate` sees it: revocation.md is the protocol, I1 to I3 its invariants. */
export interface RevocationLog {
  mark (): Mark
  /** Decided at each hit: the newest linked-up poll is less than 3 s old by both clocks. */
  isFollowing (): boolean
  /** Whether something that was revoked since makes this resolution unusable. */
  isVoid (about: About, mark: Pick<Mark, 'stamp' | 'local'>): boolean
  /** Whether an entry of another replica may be used: positions this replica read itself, nothing pending about it. */
  trusts (entry: Entry): boolean
  /** Whether entries of other replicas may be looked at, and own ones written, at all. */
  trustsShared (): boolean
  /** Whether a resolution that began then is answered to its flight but not remembered. */
  isQuiet (about: About, at: number): boolean
  revoke (revocation: Revocation): Promise<RevokeOutcome>
  /** @returns whether one more of this origin would be written by itself, and not with others as `everything` */
  admits (origin: Origin): boolean
  close (): Promise<void>
}

export type LogObserver = Readonly<{
  /** A revocation was taken here, or read from another replica. */
  revoked: (origin: Origin) => void
  /** Seconds from the append to the reading, by Redis' clock alone. */
  lag: (seconds: number) => void
  /** A new generation: nothing of the old one may be used. */
  adopted: () => void
  /** An entry that is not authentic was read as `everything`. */
  inauthentic: () => void
  /** One more of this origin is beyond what the log takes in a minute. */
  capped: (origin: Origin) => void
  /** Entries that the log holds now. */
  length: (entries: number) => void
  trouble: (what: string, error?: unknown) => void
}>
