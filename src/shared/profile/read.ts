import type { UserRecord } from '../../authgear/admin-api/users.ts'
import { cleanGroups, cleanIdentifier, cleanName, cleanPicture } from './clean.ts'
import { NO_PROFILE, type Profile, type ProfileField } from './types.ts'

/** What may go out. */
export type ProfileRules = Readonly<{
  fields: readonly ProfileField[]
  /** IDENTITY_UNVERIFIED_EMAIL=send */
  sendsUnverifiedEmail: boolean
}>

type Read = (record: UserRecord, rules: ProfileRules) => string | readonly string[] | undefined

const READERS: Readonly<Record<ProfileField, Read>> = {
  email: ({ attributes }, { sendsUnverifiedEmail }) =>
    sendsUnverifiedEmail || attributes['email_verified'] === true ? cleanIdentifier(attributes['email']) : undefined,
  name: ({ formattedName, attributes }) => cleanName(formattedName) ?? cleanName(attributes['name']),
  username: ({ attributes }) => cleanIdentifier(attributes['preferred_username']),
  // a number that nobody verified may be anybody's
  phone: ({ attributes }) =>
    attributes['phone_number_verified'] === true ? cleanIdentifier(attributes['phone_number']) : undefined,
  picture: ({ attributes }) => cleanPicture(attributes['picture']),
  groups: ({ groups }) => cleanGroups(groups)
}

/** Nothing of a user who is disabled, anonymized or outside the validity period: Authgear calls all these disabled. */
export function profileOf (record: UserRecord, rules: ProfileRules): Profile {
  if (record.isDisabled) return NO_PROFILE
  const entries = rules.fields.flatMap((field) => {
    const value = READERS[field](record, rules)
    return value === undefined ? [] : [[field, value] as const]
  })
  return Object.freeze(Object.fromEntries(entries)) as Profile
}
