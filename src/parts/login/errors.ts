import { ResolverError, ServiceError } from '../../base/errors.ts'

/** Authgear's `invalid_grant`: this code, or this refresh token, is worth nothing (any more). */
export class GrantRefused extends ServiceError {
  constructor () { super('INVALID_GRANT', 'Authgear refused a code or a refresh token (invalid_grant)') }
}

/** An ID token that came with a code is not what was asked for: nobody is signed in by it. */
export class IdTokenRefused extends ServiceError {
  /** The claim, or the rule. */
  readonly why: string
  constructor (why: string) {
    super('ID_TOKEN_REFUSED', `the ID token of a login is not what was asked for: ${why}`)
    this.why = why
  }
}

/** Redis, which holds the sessions, gives no answer: nobody is signed out for that. */
export class SessionsUnreachable extends ResolverError {
  readonly check = 'Redis: REDIS_URL, its load and the network: run doctor'
  constructor (cause?: unknown) {
    super('SESSIONS_UNREACHABLE', 'the sessions in Redis are unreachable', cause)
  }
}

/** Authgear refused a refresh token that another replica may have replaced: nobody is signed out for that. */
export class GrantDoubted extends ResolverError {
  readonly check = 'beyond a minute refresh token rotation of the client of LOGIN_CLIENT_ID (docs/login.md)'
  constructor () {
    super('GRANT_DOUBTED', 'Authgear refused a refresh token that another replica may have replaced')
  }
}
