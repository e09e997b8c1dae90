import type { Authenticate, Authentication } from '../authenticate.ts'
import type { CacheKey, Keyer } from '../core/cache-key.ts'
import { readCredentials, type CookieNames, type Credentials } from '../core/credentials.ts'
import { decide, readPolicy } from '../core/decision.ts'
import type { RefusalReason } from '../core/reason.ts'
import type { ServiceError } from '../errors.ts'
import type { ClientTrace } from '../resolver/resolver.ts'
import type { AnswerSource } from '../tally.ts'
import { createAllow, createRefuse, type AbsentHeaders, type Answer } from './answer.ts'
import type { ProxyRequest } from './proxy-request.ts'

export type VerifyDeps = Readonly<{
  authenticate: Authenticate
  keyer: Keyer
  cookieNames: CookieNames
  absentHeaders: AbsentHeaders
  /** AUTHGEAR_ENDPOINT */
  realm: string
}>

/** What is asked, by whichever protocol and route it came. */
export type Question = Readonly<{
  rawHeaders: readonly string[]
  proxy: ProxyRequest
  /** The verify URL's own query, undefined where the URL is the client's (`/ext-authz/…`) and is not read. */
  query: string | undefined
  trace: () => ClientTrace
}>

/** The answer with what the log and the metrics say of it; never a credential. */
export type Verdict = Readonly<{
  answer: Answer
  /** The true reason, which the outward one may hide. */
  reason: RefusalReason | 'allowed'
  source: AnswerSource
  key: CacheKey | undefined
  error: ServiceError | undefined
}>

export type Verify = (question: Question) => Verdict | Promise<Verdict>

/** Is this request signed in, and does it meet the policy? Synchronous where memory knows. Never rejects. */
export function createVerify (deps: VerifyDeps): Verify {
  const conclude = createConclude(deps)
  const refuse = createRefuse(deps.realm)
  return (question) => {
    const reading = readCredentials(question.rawHeaders, deps.cookieNames)
    if (reading.kind === 'none') return verdict(refuse('no_credentials', false), 'no_credentials')
    if (reading.kind === 'refused') return verdict(refuse(reading.reason, reading.bearer), reading.reason)
    const { credentials } = reading
    const key = deps.keyer.cacheKey(credentials)
    const authentication = deps.authenticate({ key, credentials, trace: question.trace })
    return authentication instanceof Promise
      ? authentication.then((result) => conclude(question, credentials, key, result))
      : conclude(question, credentials, key, authentication)
  }
}

type Conclude = (question: Question, credentials: Credentials, key: CacheKey, authentication: Authentication) => Verdict

/** Starts from denied: an error never ends as "not signed in", and one branch alone as a 200. */
function createConclude (deps: VerifyDeps): Conclude {
  const refuse = createRefuse(deps.realm)
  const allow = createAllow(deps.absentHeaders)
  return (question, credentials, key, authentication) => {
    const bearer = credentials.bearer !== undefined
    if (authentication.kind === 'refused') return verdict(refuse(authentication.reason, bearer), authentication.reason, { key })
    if (authentication.kind === 'unavailable') {
      const { error } = authentication
      return verdict(refuse(error.reason, bearer), error.reason, { key, error, source: 'authgear' })
    }
    const { resolution, source } = authentication
    const decision = decide(resolution, readPolicy(policiesOf(question)))
    if (decision.kind === 'refuse') return verdict(refuse(decision.reason, bearer), decision.reason, { key, source })
    return verdict(allow(decision.resolution, source), 'allowed', { key, source })
  }
}

function verdict (answer: Answer, reason: Verdict['reason'], rest: Partial<Verdict> = {}): Verdict {
  return { answer, reason, source: rest.source ?? 'none', key: rest.key, error: rest.error }
}

function policiesOf ({ query, proxy }: Question): readonly string[] {
  if (query === undefined) return proxy.policies
  return proxy.policies.length === 0 ? [query] : [query, ...proxy.policies]
}
