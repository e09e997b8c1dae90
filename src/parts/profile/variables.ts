import { type SettingsOf, type Variables } from '../../base/config/kind.ts'
import { choice, duration, someOf } from '../../base/config/parsers/values.ts'
import type { FactName } from '../../base/core/requirement.ts'
import { PROFILE_FIELDS } from '../../base/identity/profile.ts'
import type { ProfileSettings } from './types.ts'

export const variables = {
  IDENTITY_PROFILE: {
    as: 'fields',
    kind: someOf(PROFILE_FIELDS),
    example: 'email,name,username',
    meaning:
      'What to read of a user from Authgear for headers and rules (docs/profile.md). Needs `LOGIN_SESSION=own`, or ' +
        '`AUTHGEAR_ADMIN_API_URL`, which also has `groups`. If the profile is unavailable, headers are empty, and ' +
        'a rule by address or group gives 503.'
  },
  PROFILE_TTL: {
    as: 'ttlMs',
    kind: duration({ min: '10s', max: '1h' }),
    fallback: '5m',
    meaning: 'How long to cache a profile: the longest delay of a change that neither webhook nor audit log reports.'
  },
  PROFILE_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '1ms', max: '5s' }),
    fallback: '300ms',
    meaning: "How long a user's first request waits for the profile; then the values are empty."
  },
  IDENTITY_UNVERIFIED_EMAIL: {
    as: 'unverified',
    kind: choice(['omit', 'send']),
    fallback: 'omit',
    meaning:
      'Whether to send e-mail addresses that Authgear does not call verified: the user may not own them. A project ' +
        'without verification has no others.'
  }
} as const satisfies Variables

/** The facts by which rules may decide. An address that goes out unverified decides nothing. */
export function factsKnownBy ({ fields, sendsUnverifiedEmail }: ProfileSettings): readonly FactName[] {
  const email = fields.includes('email') && !sendsUnverifiedEmail
  return [...email ? ['email'] as const : [], ...fields.includes('groups') ? ['groups'] as const : []]
}

/** Undefined: it is off. */
export function settingsOf (
  { fields, ttlMs, timeoutMs, unverified }: SettingsOf<typeof variables>, hasValue: (name: string) => boolean
): ProfileSettings | undefined {
  if (fields === undefined) return undefined
  const isLent = !hasValue('AUTHGEAR_ADMIN_API_URL')
  return { fields, isLent, ttlMs, timeoutMs, sendsUnverifiedEmail: unverified === 'send' }
}
