import { ServiceError } from '../../base/errors.ts'
import { ADMIN_API_ADVICE } from '../../base/authgear/admin-api/errors.ts'

/** As far as Authgear's answers tell them apart. A closed set: it is a metric's label. */
export type AuditErrorKind = keyof typeof ADVICE

const ADVICE = {
  ...ADMIN_API_ADVICE,
  timeout:
    "the Admin API timed out: check Authgear's audit database; queries that hang can stop its resolver",
  log_unavailable:
    'Authgear cannot read its audit log: either audit.db is not configured in its secrets, or that database is down ' +
      'or not migrated (it does not say which)',
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
