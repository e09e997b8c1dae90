import type { Rule } from './rule.ts'

const auditIsWhole: Rule = ({ isSet, values: { AUTHGEAR_ADMIN_API_KEY: key } }) => {
  if (!isSet('AUTHGEAR_ADMIN_API_URL')) {
    return (['AUTHGEAR_ADMIN_API_KEY', 'AUTHGEAR_ADMIN_API_KEY_ID'] as const).map((name) =>
      isSet(name) && `${name}: works only with AUTHGEAR_ADMIN_API_URL: set that too, or leave this out`)
  }
  return [
    !isSet('AUTHGEAR_ADMIN_API_KEY') && 'AUTHGEAR_ADMIN_API_KEY: is required with AUTHGEAR_ADMIN_API_URL: the private key of the project\'s secret admin-api.auth',
    !isSet('AUTHGEAR_APP_ID') && 'AUTHGEAR_APP_ID: is required with AUTHGEAR_ADMIN_API_URL: the id of authgear.yaml',
    key !== undefined && key.keyId === undefined && !isSet('AUTHGEAR_ADMIN_API_KEY_ID') &&
      'AUTHGEAR_ADMIN_API_KEY_ID: is required, since AUTHGEAR_ADMIN_API_KEY does not say it: the kid of that key in admin-api.auth'
  ]
}

const agree: Rule = ({ values: { AUTHGEAR_ADMIN_API_KEY: key, AUTHGEAR_ADMIN_API_KEY_ID: id } }) => [
  key?.keyId !== undefined && id !== undefined && key.keyId !== id && 'AUTHGEAR_ADMIN_API_KEY_ID: is not the kid in AUTHGEAR_ADMIN_API_KEY: leave it out'
]

/** What the variables of the audit-log follower ask of each other. */
export const AUDIT_RULES: readonly Rule[] = [auditIsWhole, agree]
