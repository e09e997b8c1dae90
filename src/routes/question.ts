import type { Socket } from 'node:net'
import type { Authenticator, Subject } from '../authentication.ts'
import type { CacheKey, Keyer } from '../core/cache-key.ts'
import type { CookieNames, Credentials } from '../core/credentials.ts'
import type { AllowReason, RefusalReason } from '../core/reason.ts'
import type { ServiceError } from '../errors.ts'
import type { LoginOutcome } from '../login/outcome.ts'
import type { ClientTrace } from '../resolver/resolver.ts'
import type { AnswerSource } from '../tally.ts'
import type { AbsentHeaders, Answer } from './answer.ts'
import type { ProxyRequest } from './proxy-request.ts'

/** What is asked, by whichever protocol and route it came. */
export type Question = Readonly<{
  method: string
  rawHeaders: readonly string[]
  /** The proxy's. */
  socket: Pick<Socket, 'remoteAddress'>
  proxy: ProxyRequest
  /** The URL's own query, undefined where the URL is the client's (`/ext-authz/…`) and is not read. */
  query: string | undefined
  requestId: string
  trace: () => ClientTrace
}>

/** The answer with what the log and the metrics say of it; never a credential. */
export type Verdict = Readonly<{
  answer: Answer
  /** The true reason, which the outward one may hide. */
  reason: RefusalReason | AllowReason | LoginOutcome
  source: AnswerSource
  /** Of the credentials; computed only when somebody logs it. */
  key?: (() => CacheKey) | undefined
  error?: ServiceError | undefined
  /** What is wrong with a policy. */
  why?: string | undefined
  /** The error code that a login came back from Authgear with. */
  says?: string | undefined
}>

/** Synchronous where memory knows. Never rejects. */
export type Answerer = (question: Question) => Verdict | Promise<Verdict>

export type AnswererDeps = Readonly<{
  authenticator: Authenticator
  keyer: Keyer
  cookieNames: CookieNames
  absentHeaders: AbsentHeaders
  /** AUTHGEAR_ENDPOINT */
  realm: string
}>

/** Whose credentials these are, to be asked. */
export function subjectOf (keyer: Keyer, { trace }: Question, credentials: Credentials): Subject {
  return { key: keyer.memoryKey(credentials), cacheKey: () => keyer.cacheKey(credentials), credentials, trace }
}

/** Hands on what is there at once, and what comes later. */
export function thenOrNow<T, U> (value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
