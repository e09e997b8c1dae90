import type { ClientTrace } from '../../../base/authgear/resolver/types.ts'
import type { CacheKey, CacheKeys, SentDigests } from '../../../base/core/cache-key.ts'
import { isPositive, isString, objectOf, parseJson } from '../../../base/core/json.ts'
import { isUserId } from '../../../base/core/resolution.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import type { Sealer } from '../../../base/crypto/sealing.ts'

/** The names of one cookie: of its record, and those that a revocation may name. */
export type CookieNames = Readonly<{ keys: CacheKeys, digests: SentDigests }>

/** A session whose record another replica may have changed meanwhile. */
export type SessionRef = CookieNames & Readonly<{
  /** The cookie, as `Credentials` have it: host and value. */
  cookieRef: string
  trace: ClientTrace
}>

/** The session behind one cookie of ours. No part of it ever leaves this service but for Authgear. */
export type SessionRecord = Readonly<{
  /** Counts its writes: a late one never replaces a newer one. */
  version: number
  /** The one host at which its cookie is a session. */
  host: string
  userId: string
  /** Authgear's name of the session, unchanged by a refresh. */
  sid: string
  refreshToken: string
  accessToken: string
  accessEndsAt: EpochMs
  /** Milliseconds. */
  accessLifeMs: number
  /** The newest one, which may have expired: Authgear takes it as a hint all the same. */
  idToken: string
  /** The time of the interactive login; epoch seconds. */
  authTime: number
  amr: readonly string[]
  createdAt: EpochMs
  /** When it was written last. */
  usedAt: EpochMs
  /** True if the last refresh brought another refresh token; undefined before the first. */
  rotates?: boolean | undefined
  /** True if its login asked for full access, which a step-up needs; undefined of a login of an older version. */
  hasFullAccess?: boolean | undefined
  /** The named fields of a later release: a rollback of minutes must not lose them. */
  others?: Readonly<Record<string, unknown>> | undefined
}>

/**
 * First byte of a record, whose name in Redis has no version. A new field does not change it: it is one of OPTIONAL,
 * and a fact of the session, since a release that does not know it writes it again beside new tokens. Another form is
 * read by one release before the next one writes it (docs/inside/contributing-tasks.md, "The form of what is kept in
 * Redis").
 */
const FORM = 1
/** Longer ones are not Authgear's: an access token as JWT with hundreds of roles, an ID token with as many. */
const MAX_TOKEN = 16 * 1024

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'

/** The form of each field, in the order in which they are written. */
const FIELDS = {
  version: isPositive,
  host: isString,
  userId: isUserId,
  sid: isString,
  refreshToken: isToken,
  accessToken: isToken,
  accessEndsAt: isPositive,
  accessLifeMs: isPositive,
  idToken: isToken,
  authTime: isPositive,
  amr: (value: unknown) => Array.isArray(value) && value.every(isString),
  createdAt: isPositive,
  usedAt: isPositive
} satisfies Record<RequiredField, (value: unknown) => boolean>
const NAMES = Object.keys(FIELDS) as readonly RequiredField[]

/**
 * The form of each field that is written by name after the others, and is missing in records of releases that do not
 * know it.
 */
const OPTIONAL = {
  rotates: isBoolean,
  hasFullAccess: isBoolean
} satisfies Record<OptionalField, (value: unknown) => boolean>
const OPTIONAL_NAMES = Object.keys(OPTIONAL) as readonly OptionalField[]

type OptionalField = 'rotates' | 'hasFullAccess'
type RequiredField = Exclude<keyof SessionRecord, OptionalField | 'others'>

/** The list never grows, since older releases read none that is longer. New fields are named. */
export function encodeRecord (record: SessionRecord): Buffer {
  const fields: unknown[] = NAMES.map((name) => record[name])
  const known = OPTIONAL_NAMES.filter((name) => record[name] !== undefined).map((name) => [name, record[name]] as const)
  const named = [...known, ...Object.entries(record.others ?? {})]
  if (named.length > 0) fields.push(Object.fromEntries(named))
  return Buffer.concat([Buffer.of(FORM), Buffer.from(JSON.stringify(fields))])
}

/** @returns undefined for bytes that no release wrote; keeps the named fields that this release does not know */
export function decodeRecord (bytes: Uint8Array): SessionRecord | undefined {
  if (bytes[0] !== FORM) return undefined
  const fields = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1).toString())
  if (!Array.isArray(fields) || !NAMES.every((name, index) => FIELDS[name](fields[index]))) return undefined
  const more = objectOf(fields[NAMES.length]) ?? {}
  const known = OPTIONAL_NAMES.filter((name) => OPTIONAL[name](more[name]))
  const others = Object.entries(more).filter(([name]) => !Object.hasOwn(OPTIONAL, name))
  return Object.fromEntries([
    ...NAMES.map((name, index) => [name, fields[index]] as const),
    ...known.map((name) => [name, more[name]] as const),
    ...others.length === 0 ? [] : [['others', Object.fromEntries(others)] as const]
  ]) as SessionRecord
}

/** True if it can be a token of Authgear's: a request's header carries it. */
export function isToken (value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) && value.length <= MAX_TOKEN
}

/** An upper bound of the bytes that it takes in V8's heap, with its place in memory. */
export function recordBytes (key: string, record: SessionRecord): number {
  const texts = [record.host, record.userId, record.sid, record.refreshToken, record.accessToken, record.idToken]
  return OBJECT_BYTES + key.length + texts.reduce((sum, text) => sum + TEXT_BYTES + text.length, 0) +
    record.amr.reduce((sum, text) => sum + TEXT_BYTES + text.length, 0) +
    (record.others === undefined ? 0 : OTHERS_FACTOR * JSON.stringify(record.others).length)
}

/** The record, its slot, its place in the map and in the least-recently-used lists. */
const OBJECT_BYTES = 520
const TEXT_BYTES = 32
/** Bytes of an object's heap for one character of its JSON: a short number is the worst. */
const OTHERS_FACTOR = 16

/** What is kept of a session, or beside it. `refresh-N`: which replica asked for tokens in the place of version N's. */
type Kept = 'session' | `refresh-${number}` | 'user' | 'ended-grants' | 'code'

/** The beginning of their names in Redis, and of those of leases, apart from the names of entries. */
export const ownPrefix = (prefix: string): string => `${prefix}own:`
export const ownKey = (prefix: string, key: string, what: Kept): string => `${ownPrefix(prefix)}{${key}}:${what}`

/** What is at a place: a record, the mark of an ended session, or nothing of ours. */
export type SealedRecord = SessionRecord | 'ended' | undefined

/** The place of a record under one secret: another name, another seal. */
export type Place = Readonly<{ key: CacheKey, sealer: Sealer }>

export const VERSION_DIGITS = 10
export const ENDED_VERSION = '9'.repeat(VERSION_DIGITS)
export const TOMBSTONE = Buffer.from(ENDED_VERSION)

export const versionText = (version: number): string => String(version).padStart(VERSION_DIGITS, '0')
/** The key is a digest of host and cookie: a record opens for nothing else. */
const nameInSeal = ({ key }: Place): string => `session ${key}`

/** The version in clear comes before the seal. */
export function seal (place: Place, record: SessionRecord): Buffer {
  const sealed = place.sealer.seal(nameInSeal(place), encodeRecord(record))
  return Buffer.concat([Buffer.from(versionText(record.version)), sealed])
}

/** Opens a value, which is hostile until then: one that does not open is nothing. */
export function openAt (place: Place, value: Buffer): SealedRecord {
  const version = value.subarray(0, VERSION_DIGITS).toString('latin1')
  if (version === ENDED_VERSION) return 'ended'
  const plain = place.sealer.open(nameInSeal(place), value.subarray(VERSION_DIGITS))
  const record = plain === undefined ? undefined : decodeRecord(plain)
  return record !== undefined && versionText(record.version) === version ? record : undefined
}

export function newest (
  own: SessionRecord | undefined, older: SessionRecord | undefined
): readonly [record: SessionRecord | undefined, isUnderPrevious: boolean] {
  return older !== undefined && older.version > (own?.version ?? 0) ? [older, true] : [own, false]
}
