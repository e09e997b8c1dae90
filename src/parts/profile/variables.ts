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
      "What the service reads of a user from Authgear, beside the resolver's answer (docs/profile.md). " +
        'For headers it decides nothing: without an answer the values are empty. A rule by address or group waits ' +
        'for it, and is 503 without an answer. Needs `LOGIN_SESSION=own`, whose people it reads with their own ' +
        'tokens, or `AUTHGEAR_ADMIN_API_URL`, which has `groups`, too, and also follows the audit log.'
  },
  PROFILE_TTL: {
    as: 'ttlMs',
    kind: duration({ min: '10s', max: '1h' }),
    fallback: '5m',
    meaning:
      'How long a profile is remembered, and so how late a change may be noticed that no webhook and no audit log ' +
        'tells.'
  },
  PROFILE_TIMEOUT: {
    as: 'timeoutMs',
    kind: duration({ min: '1ms', max: '5s' }),
    fallback: '300ms',
    meaning: 'How long the first request of a user waits for the profile, in all; after it the values are empty.'
  },
  IDENTITY_UNVERIFIED_EMAIL: {
    as: 'unverified',
    kind: choice(['omit', 'send']),
    fallback: 'omit',
    meaning:
      'Whether an e-mail goes out that Authgear does not call verified: the user who typed it may not own it. A ' +
        'project whose verification is switched off has no others.'
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
