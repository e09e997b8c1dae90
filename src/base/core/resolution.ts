import { trimBlanks } from './blanks.ts'

/** The headers by which Authgear names a user, in the order in which a 200 carries them. */
export const IDENTITY_HEADERS = [
  'x-authgear-session-valid',
  'x-authgear-user-id',
  'x-authgear-user-anonymous',
  'x-authgear-user-verified',
  'x-authgear-user-roles',
  'x-authgear-session-amr',
  'x-authgear-session-authenticated-at',
  'x-authgear-user-can-reauthenticate'
] as const

/** The places of some of them. */
export const AT = Object.freeze({
  userId: 1, anonymous: 2, verified: 3, roles: 4, amr: 5, authenticatedAt: 6
} as const)

/** The values that are a person's own. */
export const OWN_VALUES = [AT.userId, AT.authenticatedAt] as const

/** One value for each of IDENTITY_HEADERS, of all who have the same ones; without a person's own. */
export type SharedValues = ReadonlyArray<string | undefined>

/**
 * One value for each of IDENTITY_HEADERS, in that order: undefined = Authgear did not send it. A list is one.
 * `shared`: identities with the same object differ in nothing but a person's own values.
 */
export type Identity = Readonly<{ at: (index: number) => string | undefined, shared?: SharedValues | undefined }>

export const valuesOf = (identity: Identity): ReadonlyArray<string | undefined> =>
  IDENTITY_HEADERS.map((_, index) => identity.at(index))
export type UserId = string & { readonly __brand: 'UserId' }

/** The resolver's answer. Cached; never mixed with a decision. */
export type Resolution =
  | Readonly<{ kind: 'valid', userId: UserId, identity: Identity }>
  /**
   * `noIdentityHeaders`: not one x-authgear header, which may also be a hiccup of Authgear's (docs/inside/authgear.md,
   * "The resolver's answers").
   */
  | Readonly<{ kind: 'invalid', noIdentityHeaders: boolean }>

export type ResolutionReading =
  | Readonly<{ kind: 'resolution', resolution: Resolution }>
  | Readonly<{ kind: 'unusable', why: 'garbage' | 'too_large' }>

/** Bytes of names and values of one identity: hundreds of roles. */
const MAX_IDENTITY_BYTES = 12 * 1024
const PREFIX = 'x-authgear-'
/** Authgear's values are printable ASCII; another byte is another server's answer or an injection. */
const VALUE = /^[\x20-\x7e]*$/
const INDEX: ReadonlyMap<string, number> = new Map(IDENTITY_HEADERS.map((name, index) => [name, index]))

export const INVALID: Resolution = Object.freeze({ kind: 'invalid', noIdentityHeaders: false })
export const SILENT: Resolution = Object.freeze({ kind: 'invalid', noIdentityHeaders: true })
const GARBAGE: ResolutionReading = { kind: 'unusable', why: 'garbage' }

/** @param rawHeaders flat name, value, … of an answer with status 200 */
export function readResolution (rawHeaders: readonly string[]): ResolutionReading {
  const values: Array<string | undefined> = IDENTITY_HEADERS.map(() => undefined)
  let named = 0
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (!name.startsWith(PREFIX)) continue
    named++
    const index = INDEX.get(name)
    if (index === undefined) continue
    if (values[index] !== undefined) return GARBAGE
    const value = rawHeaders[i + 1] ?? ''
    values[index] = trimBlanks(value, 0, value.length)
  }
  return named === 0 ? { kind: 'resolution', resolution: SILENT } : readIdentity(values)
}

/** @returns `garbage` also for a refusal of another form than Authgear's */
export function readIdentity (identity: ReadonlyArray<string | undefined>): ResolutionReading {
  if (identity.some((value) => value !== undefined && !VALUE.test(value))) return GARBAGE
  const [valid, userId] = identity
  if (valid === 'false') return { kind: 'resolution', resolution: INVALID }
  if (valid !== 'true') return GARBAGE
  if (userId === undefined || userId === '') return { kind: 'resolution', resolution: INVALID }
  if (sizeOf(identity) > MAX_IDENTITY_BYTES) return { kind: 'unusable', why: 'too_large' }
  return {
    kind: 'resolution',
    resolution: Object.freeze({ kind: 'valid', userId: userId as UserId, identity: Object.freeze(identity) })
  }
}

function sizeOf (identity: ReadonlyArray<string | undefined>): number {
  return identity.reduce(
    (sum, value, index) => (value === undefined ? sum : sum + value.length + (IDENTITY_HEADERS[index]?.length ?? 0)),
    0
  )
}

/** Authgear's ids are UUIDs of 36 characters; what is remembered of a user must have a bound. */
const MAX_LENGTH = 256

/** True if a text can be a user's id: a lone surrogate would be another text once it was written as UTF-8. */
export function isUserId (value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH && !/\p{Cs}/u.test(value)
}
