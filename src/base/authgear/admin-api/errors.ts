import { ServiceError } from '../../errors.ts'

/** Why the Admin API gave no data, as far as Authgear's answers tell. A closed set: it is a metric's label. */
export type AdminApiErrorKind = keyof typeof ADMIN_API_ADVICE

export const ADMIN_API_ADVICE = {
  forbidden:
    "Authgear refuses the Admin API's token (403): check AUTHGEAR_ADMIN_API_KEY, AUTHGEAR_ADMIN_API_KEY_ID (the " +
      "key's kid), AUTHGEAR_APP_ID (the id of authgear.yaml) and this machine's clock",
  misplaced:
    'this is not the Admin API, or it does not know the project: check AUTHGEAR_ADMIN_API_URL (it ends in /graphql ' +
      'or /_api/admin/graphql, on the admin server) and AUTHGEAR_ENDPOINT (its host names the project)',
  content_type: 'the Admin API rejected the content type (415): no proxy in between may drop Content-Type',
  refused: 'the Admin API rejected the request (400): no proxy in between may drop its body',
  server: "the Admin API fails (5xx): check Authgear's main database and its log",
  timeout: "the Admin API timed out: check Authgear's databases",
  unreachable: 'the Admin API is unreachable: check AUTHGEAR_ADMIN_API_URL and the network',
  query: 'Authgear does not understand the query: its version may be too old or too new',
  partial: 'the Admin API gives errors beside its data: check Authgear\'s log',
  garbage: 'the answer is not one of the Admin API\'s: check AUTHGEAR_ADMIN_API_URL',
  too_large: 'the Admin API\'s answer is too large: check AUTHGEAR_ADMIN_API_URL'
} as const

export const ADMIN_API_ERROR_KINDS = Object.freeze(Object.keys(ADMIN_API_ADVICE) as AdminApiErrorKind[])

/** Nothing of the answer is in its message: it holds what Authgear knows of people. */
export class AdminApiError extends ServiceError {
  readonly kind: AdminApiErrorKind
  constructor (kind: AdminApiErrorKind, cause?: unknown) {
    super(`ADMIN_API_${kind.toUpperCase()}`, ADMIN_API_ADVICE[kind], cause)
    this.kind = kind
  }
}

/** The kind of error of an answer with another status than 200. */
export function kindOfStatus (status: number): AdminApiErrorKind {
  if (status === 401 || status === 403) return 'forbidden'
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) return 'misplaced'
  if (status === 415) return 'content_type'
  return status >= 500 ? 'server' : 'refused'
}
