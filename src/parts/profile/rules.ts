import type { Rule } from '../../base/parts/part.ts'
import type { variables } from './variables.ts'

type OwnRule = Rule<typeof variables>

const ADMIN_API = 'AUTHGEAR_ADMIN_API_URL, AUTHGEAR_ADMIN_API_KEY and AUTHGEAR_APP_ID'

const isWhole: OwnRule = ({ isSet, base: { hasAdminApi, hasOwnSessions }, values: { IDENTITY_PROFILE: fields } }) => [
  isSet('IDENTITY_PROFILE') &&
    !hasAdminApi &&
    !hasOwnSessions &&
    "IDENTITY_PROFILE: is read with people's own tokens or from the Admin API: set LOGIN_SESSION=own " +
      `(docs/login.md), or ${ADMIN_API}, or leave this out`,
  fields?.includes('groups') === true &&
    !hasAdminApi &&
    hasOwnSessions &&
    `IDENTITY_PROFILE: names groups, which the Admin API alone tells: set ${ADMIN_API} too, or leave groups out`
]

const userIsVerified: OwnRule = ({ base: { identityUser }, values: { IDENTITY_UNVERIFIED_EMAIL: unverified } }) => [
  identityUser === 'email' &&
    unverified === 'send' &&
    'IDENTITY_USER: is email, and IDENTITY_UNVERIFIED_EMAIL=send: to an app anybody could be anybody by typing an ' +
      'address: leave one of them out'
]

export const rules = [isWhole, userIsVerified]

const BESIDE = ['PROFILE_TTL', 'PROFILE_TIMEOUT', 'IDENTITY_UNVERIFIED_EMAIL'] as const

const idle: OwnRule = ({ isSet }) => isSet('IDENTITY_PROFILE')
  ? []
  : BESIDE.filter(isSet).map((name) => `${name}: has no effect without IDENTITY_PROFILE`)

const email: OwnRule = ({ isSet, values: { IDENTITY_PROFILE: fields, IDENTITY_UNVERIFIED_EMAIL: unverified } }) => {
  if (!isSet('IDENTITY_PROFILE')) return []
  const hasEmail = fields?.includes('email') === true
  return [
    isSet('IDENTITY_UNVERIFIED_EMAIL') &&
      !hasEmail &&
      'IDENTITY_UNVERIFIED_EMAIL: has no effect where IDENTITY_PROFILE does not name email',
    unverified === 'send' &&
      hasEmail &&
      'IDENTITY_UNVERIFIED_EMAIL: is send: an app that identifies users by e-mail admits anyone who typed ' +
        "another user's: verify e-mails in Authgear, and leave this out"
  ]
}

const userIsKnown: OwnRule = ({ base: { identityUser = 'user_id' }, values: { IDENTITY_PROFILE: fields = [] } }) => [
  identityUser !== 'user_id' &&
    !fields.includes(identityUser) &&
    `IDENTITY_USER: is ${identityUser}, which IDENTITY_PROFILE does not name: what stands for the user is always empty`
]

export const warnings = [idle, email, userIsKnown]
