import type { UnavailableReason } from './core/reason.ts'

/**
 * Base of every error this service makes on purpose; `code` is stable, `message` is for a person and never holds a
 * credential.
 */
export class ServiceError extends Error {
  readonly code: string
  constructor (code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
  }
}

/** No usable answer from Authgear: 503, never remembered, never taken for "not signed in". */
export abstract class ResolverError extends ServiceError {
  readonly reason: Exclude<UnavailableReason, 'record_unavailable'> = 'authgear_unavailable'
  /** The first thing to look at; `doctor` looks at most of them. */
  abstract readonly check: string
}

/** Connection refused, reset, TLS failure, or the name does not resolve. */
export class AuthgearUnreachable extends ResolverError {
  readonly check = 'AUTHGEAR_RESOLVER_URL (its name, certificate and port) and the network: run doctor'
  constructor (cause: unknown) {
    super(
      'AUTHGEAR_UNREACHABLE',
      'Authgear is unreachable: check AUTHGEAR_RESOLVER_URL and the network',
      cause
    )
  }
}

/** A request of ours that cannot be written, so that it was never sent: it says nothing of Authgear. */
export class RequestUnwritable extends ResolverError {
  readonly check = 'this service: please report it with the log'
  constructor (cause: unknown) {
    super('REQUEST_UNWRITABLE', 'a request to Authgear could not be written: please report it with the log', cause)
  }
}

export class AuthgearTimeout extends ResolverError {
  readonly check = "Authgear's load, database and Redis, and the network; AUTHGEAR_TIMEOUT last"
  constructor (timeoutMs: number) {
    super('AUTHGEAR_TIMEOUT', `Authgear did not answer within ${timeoutMs} ms (AUTHGEAR_TIMEOUT)`)
  }
}

/** No result for a token, and then no answer: its session may have ended, so that nothing remembered stands in. */
export class AuthgearSilent extends ResolverError {
  readonly check = "Authgear's load, database and Redis, and the network"
  constructor (cause: unknown) {
    super('AUTHGEAR_SILENT', 'Authgear had no result for a token, and did not answer the retry', cause)
  }
}

/** A rule asks for the person's address or groups, and they cannot be had: neither in nor out. */
export class ProfileUnknown extends ResolverError {
  readonly check = "Authgear's Admin API, or its /oauth2/userinfo: a rule needs its data (docs/policies.md); run doctor"
  constructor () {
    super('PROFILE_UNKNOWN', "a rule needs the user's address or groups, and Authgear did not provide them")
  }
}

/** A 5xx, or another 4xx than the two that mean a wrong address. */
export class AuthgearStatus extends ResolverError {
  readonly check = 'Authgear\'s log, its database and its Redis'
  readonly status: number
  constructor (status: number) {
    super('AUTHGEAR_STATUS', `Authgear answered ${status} instead of 200: check its database, its Redis and its log`)
    this.status = status
  }
}

/** 3xx, 404, 405: this is not the resolver, or it does not know this project. */
export class AuthgearMisconfigured extends ResolverError {
  override readonly reason = 'authgear_misconfigured'
  readonly check = 'AUTHGEAR_ENDPOINT and AUTHGEAR_RESOLVER_URL: run doctor'
  constructor (what: string) {
    super('AUTHGEAR_MISCONFIGURED', `${what}: check AUTHGEAR_ENDPOINT and AUTHGEAR_RESOLVER_URL`)
  }
}

export class AuthgearGarbage extends ResolverError {
  readonly check = 'which server answers at AUTHGEAR_RESOLVER_URL, and each proxy between: run doctor'
  constructor (what: string, cause?: unknown) {
    super('AUTHGEAR_GARBAGE', `Authgear's answer cannot be used: ${what}`, cause)
  }
}

/** Another user's id for a session of our own: one such answer may be a mix-up on its way, and ends nothing. */
export class AnotherUser extends ResolverError {
  readonly check = 'which server answers at AUTHGEAR_RESOLVER_URL, and each proxy between: run doctor'
  readonly userId: string
  constructor (userId: string) {
    super('ANOTHER_USER', "Authgear's resolver named another user than the session's")
    this.userId = userId
  }
}

export class AuthgearCircuitOpen extends ResolverError {
  readonly check = 'the earlier log lines: Authgear failed five times in a row, and is retried every second'
  constructor () { super('AUTHGEAR_CIRCUIT_OPEN', 'Authgear failed repeatedly: the circuit breaker is open') }
}

export class Overloaded extends ResolverError {
  override readonly reason = 'overloaded'
  readonly check = "Authgear's latency first; AUTHGEAR_MAX_CONCURRENCY and AUTHGEAR_MAX_QUEUE"
  constructor () {
    super('OVERLOADED', 'the queue is full (AUTHGEAR_MAX_QUEUE), or the wait exceeded AUTHGEAR_TIMEOUT')
  }
}

/** No key of Authgear's can say whether a resource token is one: 503, never "not valid". */
export class KeysUnavailable extends ResolverError {
  readonly check = 'AUTHGEAR_ENDPOINT and its /oauth2/jwks, as this service reaches it: run doctor'
  constructor (what: string, cause?: unknown) {
    super('KEYS_UNAVAILABLE', `Authgear's public endpoint is unusable: ${what}`, cause)
  }
}

/** A call to the token endpoint that says nothing of the token: 503, or what is still good goes on. */
export class TokenCallFailed extends ResolverError {
  override readonly reason: ResolverError['reason']
  readonly check = 'AUTHGEAR_ENDPOINT and its /oauth2/token, as this service reaches it: run doctor'
  override readonly cause: ResolverError
  constructor (cause: ResolverError) {
    super('TOKEN_CALL_FAILED', `Authgear's token endpoint gave no usable answer: ${cause.message}`, cause)
    this.cause = cause
    this.reason = cause.reason
  }
}

/** This process was frozen, and has not read the revocation log since: for some milliseconds. */
export class LogNotRead extends ResolverError {
  readonly check = 'why this process was paused: a CPU limit, a suspended machine'
  constructor () {
    super('LOG_NOT_READ', 'this process was paused, and has not read the revocation log since')
  }
}

/** Which clients are blocked this replica has not read, or not for long: 503, never "not blocked". */
export class BlocksNotRead extends ResolverError {
  readonly check = 'Redis, which stores the list of blocked clients: run doctor'
  constructor () { super('BLOCKS_NOT_READ', 'the list of blocked clients could not be read from Redis') }
}

/** Every resolution within the deadline was overtaken by a revocation. */
export class RevokedMeanwhile extends ResolverError {
  readonly check = 'what keeps revoking this user or everything: forward_auth_revocations_total'
  constructor () { super('REVOKED_MEANWHILE', 'the session was revoked repeatedly while Authgear was asked') }
}

/** A defect of this service: answered like an outage, since the user is not known. */
export class UnexpectedError extends ResolverError {
  readonly check = 'the earlier log lines: please report them'
  constructor (cause: unknown) {
    super('UNFORESEEN', 'this service failed while it asked: please report it with the log', cause)
  }
}

/** Not an outage of Redis for sure, but Authgear is asked. */
export class RedisTooSlow extends ServiceError {
  constructor (limitMs: number) { super('REDIS_TOO_SLOW', `Redis did not answer within ${limitMs} ms (REDIS_TIMEOUT)`) }
}
