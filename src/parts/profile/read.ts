import { NO_PROFILE, type Profile, type ProfileField } from '../../base/identity/profile.ts'
import type { ProfileRules } from './types.ts'
import type { UserRecord } from './users.ts'

type Read = (record: UserRecord, rules: ProfileRules) => string | readonly string[] | undefined

const READERS: Readonly<Record<ProfileField, Read>> = {
  email: ({ attributes }, { sendsUnverifiedEmail }) =>
    sendsUnverifiedEmail || attributes['email_verified'] === true ? cleanIdentifier(attributes['email']) : undefined,
  name: ({ formattedName, attributes }) => cleanName(formattedName) ?? cleanName(attributes['name']),
  username: ({ attributes }) => cleanIdentifier(attributes['preferred_username']),
  // an unverified number may belong to another person
  phone: ({ attributes }) =>
    attributes['phone_number_verified'] === true ? cleanIdentifier(attributes['phone_number']) : undefined,
  picture: ({ attributes }) => cleanPicture(attributes['picture']),
  groups: ({ groups }) => cleanGroups(groups)
}

/** Empty for a user who is disabled, anonymized or outside the validity period: Authgear calls all these disabled. */
export function profileOf (record: UserRecord, rules: ProfileRules): Profile {
  if (record.isDisabled) return NO_PROFILE
  const entries = rules.fields.flatMap((field) => {
    const value = READERS[field](record, rules)
    return value === undefined ? [] : [[field, value] as const]
  })
  return Object.freeze(Object.fromEntries(entries)) as Profile
}

/** What an address in a profile is worth. `hidden`: it has none, and the user may have one. */
export const ADDRESS_STATES = ['verified', 'other', 'hidden'] as const
export type AddressState = typeof ADDRESS_STATES[number]

export function addressStateOf ({ attributes, hidesAddress }: UserRecord, { fields }: ProfileRules): AddressState {
  if (hidesAddress === true && fields.includes('email')) return 'hidden'
  return attributes['email_verified'] === true ? 'verified' : 'other'
}

/** Longer names are cut. */
const MAX_NAME_CODE_POINTS = 256
/** Longer identifiers are dropped: an address of RFC 5321 has at most 254. */
const MAX_IDENTIFIER_CODE_POINTS = 256
const MAX_PICTURE_LENGTH = 2048
/** Bound on the keys of one user's groups together. */
const MAX_GROUPS_BYTES = 4096
/** The form that Authgear accepts for a group's key. */
const GROUP_KEY = /^[a-zA-Z_][a-zA-Z0-9:_]{0,39}$/

/**
 * Controls (C0, DEL, C1), line separators, and characters without width or that turn the direction of writing, which
 * make a name look like another one. A lone surrogate has no UTF-8.
 */
const UNWANTED = /[\p{Cc}\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{2069}\u{feff}\p{Cs}]/gu

/** Cleans a text for people to read. @returns undefined where nothing is left */
export function cleanName (value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  // a line break between two names is a space
  const text = value.replaceAll(/[\r\n\t\u{2028}\u{2029}]+/gu, ' ').replaceAll(UNWANTED, '').normalize('NFC').trim()
  return Array.from(text).slice(0, MAX_NAME_CODE_POINTS).join('').trimEnd() || undefined
}

/** Accepts an identifier as it is or not at all: cleaned, two people's could become one. */
export function cleanIdentifier (value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  if (Array.from(value).length > MAX_IDENTIFIER_CODE_POINTS) return undefined
  return value.replaceAll(UNWANTED, '').normalize('NFC').trim() === value ? value : undefined
}

/** @returns the URL in ASCII; undefined for one that no browser should load as a picture */
export function cleanPicture (value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined
  const { protocol, href } = new URL(value)
  const isWeb = protocol === 'https:' || protocol === 'http:'
  return isWeb && href.length <= MAX_PICTURE_LENGTH && /^[!-~]+$/.test(href) ? href : undefined
}

/** @returns undefined where there are none, and beyond the bound: an app may deny by a group that was cut off */
export function cleanGroups (values: readonly unknown[]): readonly string[] | undefined {
  const isKey = (key: unknown): key is string => typeof key === 'string' && GROUP_KEY.test(key)
  const keys = [...new Set(values.filter(isKey))].sort()
  const bytes = keys.reduce((sum, key) => sum + key.length + 1, 0)
  return keys.length === 0 || bytes > MAX_GROUPS_BYTES ? undefined : Object.freeze(keys)
}
