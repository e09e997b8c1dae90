import type { Socket } from 'node:net'
import type { Authenticator, Subject } from '../authenticate/types.ts'
import type { CacheKey, Keyer, MemoryKey } from '../core/cache-key.ts'
import type { CookieNames, Credentials } from '../core/credentials.ts'
import type { AllowReason, AnswerSource, LoginOutcome, RefusalReason } from '../core/reason.ts'
import type { ServiceError } from '../errors.ts'
import type { ClientTrace } from '../authgear/resolver/types.ts'
import type { TraceIds } from '../tracing/types.ts'
import type { AbsentHeaders, Answer } from '../verify/responses.ts'
import type { ProxyRequest } from './request.ts'

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
  /** Read only when Authgear is asked. */
  trace (): ClientTrace
}>

/** The answer with what the log and the metrics say of it; never a credential. */
export type Verdict = Readonly<{
  answer: Answer
  /** The true reason, which the outward one may hide. */
  reason: RefusalReason | AllowReason | LoginOutcome
  source: AnswerSource
  /** Of the credentials; computed only when somebody logs it. */
  key?: Pick<Subject, 'cacheKey'> | undefined
  error?: ServiceError | undefined
  /** Of its span, where there is tracing; else of what the proxy sent. */
  trace?: TraceIds
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

/** Whose credentials these are, to be asked. A class, so that a hit makes no closures. */
export function subjectOf (keyer: Keyer, question: Question, credentials: Credentials): Subject {
  return new Asking(keyer, question, credentials)
}

class Asking implements Subject {
  readonly key: MemoryKey
  readonly credentials: Credentials
  readonly #keyer: Keyer
  readonly #question: Question

  constructor (keyer: Keyer, question: Question, credentials: Credentials) {
    this.credentials = credentials
    this.key = keyer.memoryKey(credentials)
    this.#keyer = keyer
    this.#question = question
  }

  cacheKey (): CacheKey { return this.#keyer.cacheKey(this.credentials) }
  trace (): ClientTrace { return this.#question.trace() }
}

/** Hands on what is there at once, and what comes later. */
export function thenOrNow<T, U> (value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
