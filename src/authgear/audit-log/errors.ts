import { ServiceError } from '../../errors.ts'

/** As far as Authgear's answers tell them apart. A closed set: it is a metric's label. */
export type AuditErrorKind = keyof typeof ADVICE

const ADVICE = {
  forbidden:
    "Authgear refuses the Admin API's token (403): check AUTHGEAR_ADMIN_API_KEY, AUTHGEAR_ADMIN_API_KEY_ID (the " +
      "key's kid), AUTHGEAR_APP_ID (the id of authgear.yaml) and this machine's clock",
  misplaced:
    'this is not the Admin API: check AUTHGEAR_ADMIN_API_URL (it ends in /graphql or /_api/admin/graphql, on the ' +
      'admin server)',
  content_type: 'the Admin API does not take JSON (415): what stands between must not change Content-Type',
  refused: 'the Admin API refuses the request (400): what stands between must not change its body',
  server: "the Admin API fails (5xx): check Authgear's main database and its log",
  timeout:
    "the Admin API does not answer in time: check Authgear's audit database; queries that hang can stop its resolver",
  unreachable: 'the Admin API cannot be reached: check AUTHGEAR_ADMIN_API_URL and the network between',
  log_unavailable:
    'Authgear cannot read its audit log: either audit.db is not configured in its secrets, or that database is down ' +
      'or not migrated (it does not say which)',
  query: 'Authgear does not understand the query: its version may be too old or too new',
  garbage: 'the answer is not one of the Admin API\'s: check AUTHGEAR_ADMIN_API_URL',
  redis: 'Redis does not answer, so that no replica knows who reads the audit log',
  unforeseen: 'this service failed while it read the audit log: please report it with the log'
} as const

export const AUDIT_ERROR_KINDS = Object.freeze(Object.keys(ADVICE) as AuditErrorKind[])

/** The audit log could not be read. Nothing of the answer is in its message: entries hold addresses of people. */
export class AuditError extends ServiceError {
  readonly kind: AuditErrorKind
  constructor (kind: AuditErrorKind, cause?: unknown) {
    super(`AUDIT_${kind.toUpperCase()}`, ADVICE[kind], cause)
    this.kind = kind
  }
}
