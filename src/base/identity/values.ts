import { AT, type Identity } from '../core/resolution.ts'
import type { Profile } from './profile.ts'
import type { IdentityField, IdentityHeaders, UserField } from './sets.ts'

export type IdentitySettings = Readonly<{
  /** IDENTITY_HEADERS */
  headers: IdentityHeaders
  /** IDENTITY_USER: what stands for the user. */
  user: UserField
  /** IDENTITY_ENCODING */
  encoding: Encoding
}>

/** IDENTITY_ENCODING: how a value beyond ASCII is written. */
export type Encoding = 'percent' | 'rfc8187'
/** The source of `{groups}`: the profile where profiles know groups, also while they cannot be read; else the roles. */
export type GroupsSource = 'profile' | 'roles'

/** Longest value in bytes once it is encoded; a longer one goes out empty, since half a name may be another's. */
const MAX_BYTES = 4096
/** The characters that a header may hold as they are: printable ASCII. */
const PLAIN = /^[\x20-\x7e]*$/
/** RFC 8187, section 3.2.1: what needs no escape; all of them are plain in a percent-encoded value too. */
const ATTRIBUTE = /[A-Za-z0-9!#$&+.^_`|~-]/
/** Kept readable in a percent-encoded value; `%` is not, so that decoding gives back what was there. */
const READABLE = /[\x20-\x24\x26-\x7e]/

/** The person that a header speaks of. A machine has no user id. */
export type Person = Readonly<{ userId: string | undefined, identity: Identity, profile: Profile }>

/** @returns the value as HTTP may carry it, empty where it is not known */
export function valueOf (
  field: IdentityField,
  person: Person,
  { user, encoding, groups }: Readonly<{ user: UserField, encoding: Encoding, groups: GroupsSource }>
): string {
  const text = textOf(field === 'user' ? user : field, person, groups)
  const encoded = ENCODERS[encoding](text)
  return encoded.length > MAX_BYTES ? '' : encoded
}

function textOf (
  field: Exclude<IdentityField, 'user'>,
  { userId = '', identity, profile }: Person,
  groups: GroupsSource
): string {
  const roles = identity.at(AT.roles) ?? ''
  switch (field) {
    case 'user_id': return userId
    case 'roles': return roles
    case 'groups': return groups === 'roles' ? roles : profile.groups?.join(',') ?? ''
    default: return profile[field] ?? ''
  }
}

const ENCODERS: Readonly<Record<Encoding, (text: string) => string>> = { percent, rfc8187 }

/** Whatever is sent decodes to what was meant, and nothing else does. */
function percent (text: string): string {
  return escapeAllBut(READABLE, text)
}

/** A plain value that looks like an encoded one is encoded too. */
function rfc8187 (text: string): string {
  return PLAIN.test(text) && !/^utf-8'/i.test(text) ? text : `UTF-8''${escapeAllBut(ATTRIBUTE, text)}`
}

function escapeAllBut (kept: RegExp, text: string): string {
  const escape = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return [...text].map((char) => kept.test(char) ? char : [...Buffer.from(char)].map(escape).join('')).join('')
}
