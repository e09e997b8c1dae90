import type { CredentialDigest } from '../core/cache-key.ts'
import type { Affected, Entry, Stamp } from '../core/entry.ts'
import { AT, type Identity, type Resolution, type SharedValues, type UserId } from '../core/resolution.ts'
import type { EpochMs } from '../core/token-expiry.ts'

/** An entry's place in time, and what memory must know of it. */
export type Bookkeeping = Readonly<{
  /** How many revocations this replica had taken itself when the resolution began, and when that was (monotonic). */
  local: number
  beganAt: number
  isBounded: boolean
  /**
   * An entry ends by both clocks: only the wall clock runs while a machine sleeps, only the monotonic one is never set.
   * Whole milliseconds since the cache was made: V8 stores small integers in the object, others in 16 bytes more.
   */
  endsMonotonic: number
  endsWall: number
}>

/** The pause before a renewal that failed is tried again. */
export const RENEWAL_PAUSE_MS = 1000
/** Wall times are kept from here on, so that they are small integers. */
const SINCE = Date.now()

/** An entry in memory, with its bookkeeping in one object: two would take 32 bytes more. */
abstract class Remembered implements Entry, Affected, Bookkeeping {
  abstract readonly resolution: Resolution
  abstract readonly userId: UserId | undefined
  readonly stamp: Stamp
  readonly ttlMs: number
  readonly #sealedAfter: number
  readonly local: number
  readonly beganAt: number
  readonly isBounded: boolean
  readonly endsMonotonic: number
  readonly endsWall: number
  renewedAt: number
  readonly #digest: CredentialDigest | undefined
  /** Most entries have one digest or two: a list would take 56 bytes. */
  readonly #others: CredentialDigest | readonly CredentialDigest[] | undefined

  constructor (
    { stamp, digests, ttlMs, sealedAt }: Omit<Entry, 'resolution'>,
    { local, beganAt, isBounded, endsMonotonic, endsWall }: Bookkeeping
  ) {
    this.stamp = stamp
    this.ttlMs = ttlMs
    this.#sealedAfter = sealedAt - SINCE
    this.local = local
    this.beganAt = beganAt
    this.isBounded = isBounded
    this.endsMonotonic = endsMonotonic
    this.endsWall = endsWall
    this.renewedAt = -RENEWAL_PAUSE_MS
    this.#digest = digests[0]
    this.#others = digests.length > 2 ? digests.slice(1) : digests[1] // a copy of a list without spare capacity
  }

  get sealedAt (): EpochMs { return SINCE + this.#sealedAfter as EpochMs }

  get digests (): readonly CredentialDigest[] {
    const [digest, others] = [this.#digest, this.#others]
    if (digest === undefined) return []
    if (others === undefined) return [digest]
    return typeof others === 'string' ? [digest, others] : [digest, ...others]
  }
}

/** The two values that identities do not share; a time that is a small number is kept as one. */
export type OwnValues = Readonly<{ userId: UserId, authenticatedAt: string | number | undefined }>

/** A session that is its own resolution and identity: three objects would take 200 bytes more. */
export class RememberedSession extends Remembered implements Identity {
  readonly userId: UserId
  readonly #authenticatedAt: string | number | undefined
  readonly shared: SharedValues
  /** On the prototype, and the object itself: a hit runs no getter for them. */
  declare readonly kind: 'valid'
  readonly identity: this

  constructor (
    entry: Omit<Entry, 'resolution'>, { userId, authenticatedAt }: OwnValues, shared: SharedValues,
    bookkeeping: Bookkeeping
  ) {
    super(entry, bookkeeping)
    this.userId = userId
    this.#authenticatedAt = authenticatedAt
    this.shared = shared
    this.identity = this
  }

  get resolution (): this { return this }

  at (index: number): string | undefined {
    if (index === AT.userId) return this.userId
    if (index !== AT.authenticatedAt) return this.shared[index]
    const at = this.#authenticatedAt
    return typeof at === 'number' ? String(at) : at
  }
}

Object.assign(RememberedSession.prototype, { kind: 'valid' })

export class RememberedRefusal extends Remembered {
  readonly resolution: Resolution & { kind: 'invalid' }
  get userId (): undefined { return undefined }

  constructor (
    entry: Omit<Entry, 'resolution'>, resolution: Resolution & { kind: 'invalid' },
    bookkeeping: Bookkeeping
  ) {
    super(entry, bookkeeping)
    this.resolution = resolution
  }
}

export type Slot = RememberedSession | RememberedRefusal
