import type { Authentication, CredentialContext } from '../authenticate/types.ts'
import type { Clock } from '../clock.ts'
import { readAudience } from '../core/audience.ts'
import { readCredentials } from '../core/credentials.ts'
import { decide, type Decision, type Policy } from '../core/policy.ts'
import type { Resolution } from '../core/resolution.ts'
import { nameOf } from '../core/presentation.ts'
import { type KnownProfile, NOT_AWAITED } from '../identity/presenter.ts'
import type { Asker } from '../identity/profile.ts'
import { REFUSALS } from '../core/reason.ts'
import { isForSessions, withoutTokenRequirements } from '../core/token-policy.ts'
import {
  confirmFacts, type EarlierFindings, factsOf, PROFILE_UNKNOWN, waitWithin, withKnownFacts
} from './facts.ts'
import { withCall } from './calls.ts'
import { createRefuser, type Refuser, type RefuserDeps } from './refuse.ts'
import { admittedOf, allowNobody, createAllow } from './responses.ts'
import { createDerivedPolicies } from './policy-cache.ts'
import { credentialContextOf, judgeInTurn } from '../http/request.ts'
import type { Handler, HandlerDeps, HandlerResult, VerifyRequest } from '../http/types.ts'
import type { Route } from '../http/paths.ts'

type OfHandlers = 'authenticator' | 'absentHeaders' | 'presenter' | 'rules' | 'facts' | 'waiting'

export type ConcludeDeps = Pick<HandlerDeps, OfHandlers> & Readonly<{
  clock: Clock
  /** A refusal that rests on an older resolution is confirmed first (CACHE_NEGATIVE_TTL). */
  confirmAfterMs: number
}>

export type VerifyDeps = HandlerDeps & ConcludeDeps & RefuserDeps & Readonly<{
  /** PREFLIGHT=allow: a true CORS preflight, which carries no credential, gets a 200 for nobody. */
  allowPreflight: boolean
  /**
   * The fate of what a policy asks of resource tokens: `refuse` it, since a route with it belongs on another endpoint,
   * or `leave-out`, on an endpoint that looks at tokens itself.
   */
  tokenRequirements: 'refuse' | 'leave-out'
  /**
   * EXT_AUTHZ_POLICY of the prefix. `required`: without a segment of its own a request is refused, since it got lost;
   * `optional`: the segment may be the client's.
   */
  segments?: 'optional' | 'required'
}>

/** Is this request signed in, and does it meet the policy? */
export function createVerify (deps: VerifyDeps): Handler {
  const { readOwn } = deps
  const routePolicyOf = createSessionPolicies(deps)
  const policyOf = (request: VerifyRequest): Policy => {
    const policy = routePolicyOf(request)
    return policy.kind === 'understood' && policy.asksCall ? withCall(policy, request) : policy
  }
  const refuse = createRefuser(deps, policyOf)
  const conclude = createConclude(deps, refuse)
  function later (
    request: VerifyRequest,
    subject: CredentialContext,
    authentication: Promise<Authentication>
  ): Promise<HandlerResult> {
    return authentication.then((known) => conclude(request, subject, policyOf(request), known))
  }
  return (request) => {
    const reading = readOwn === undefined
      ? readCredentials(request.rawHeaders, deps.cookieNames)
      : readOwn(request)
    if (reading.kind === 'none') {
      return deps.allowPreflight && isPreflight(request)
        ? preflight(request, policyOf(request), deps, refuse)
        : refuse(request, { reason: 'no_credentials', bearer: false })
    }
    if (reading.kind === 'refused') return refuse(request, reading)
    if (reading.instead !== undefined) {
      return judgeInTurn(deps, request, reading, (subject, known) =>
        conclude(request, subject, policyOf(request), known))
    }
    const subject = credentialContextOf(deps.keyer, request, reading.credentials)
    const authentication = deps.authenticator.authenticate(subject)
    return authentication instanceof Promise
      ? later(request, subject, authentication)
      : conclude(request, subject, policyOf(request), authentication)
  }
}

const FOR_TOKENS: Policy = {
  kind: 'bad',
  why: 'resource=, scope=, client=, tool_scope=, basic= and as= apply to resource tokens: ask /resource or ' +
    '/resource-or-session'
}

const NO_SEGMENT: Policy = {
  kind: 'bad',
  why: 'EXT_AUTHZ_POLICY=required: the path lacks a policy segment, such as /ext-authz/~/'
}

function createSessionPolicies (
  { tokenRequirements, segments, facts }: VerifyDeps
): (request: VerifyRequest) => Policy {
  if (tokenRequirements === 'leave-out') {
    return createDerivedPolicies((policy) => withKnownFacts(withoutTokenRequirements(policy), facts))
  }
  const ofSessions = (policy: Policy): Policy =>
    isForSessions(policy) ? withKnownFacts(policy, facts) : FOR_TOKENS
  const policyOf = createDerivedPolicies(ofSessions, segments === 'optional' ? 'doubtful' : 'trusted')
  return segments === 'required'
    ? (request) => request.query === undefined ? NO_SEGMENT : policyOf(request)
    : policyOf
}

type Resolved = Authentication & { kind: 'resolved' }
type Refusal = Decision & { kind: 'refuse' }
type Asked = readonly [request: VerifyRequest, subject: CredentialContext, policy: Policy]
type Concluded = HandlerResult | Promise<HandlerResult>

export type Conclude = (...args: [...Asked, authentication: Authentication, given?: EarlierFindings]) => Concluded

/** Starts from denied: only one branch ends in a 200, and no error ends as "not signed in". */
export function createConclude (
  { authenticator, absentHeaders, presenter, rules, facts: factSource, waiting, clock, confirmAfterMs }: ConcludeDeps,
  refuse: Refuser
): Conclude {
  const allow = createAllow(absentHeaders)
  const allowStale = createAllow(absentHeaders, 'allowed_stale')

  const conclude: Conclude = (request, subject, policy, authentication, given = {}) => {
    if (authentication.kind !== 'resolved') return unresolved(refuse, request, subject, authentication)
    const decision = decide(authentication.resolution, policy, rules, clock.wall())
    return decision.kind === 'ask'
      ? askFacts(authentication, given, request, subject, policy)
      : answer(decision, request, subject, policy, authentication, given)
  }

  /** A function of its own: a closure in `conclude` would cost each hit. */
  function askFacts (authentication: Resolved, given: EarlierFindings, ...asked: Asked): Concluded {
    const { resolution } = authentication
    const facts = factsOf(factSource, askerOf(resolution, asked[1]), given, { waiting, subject: asked[1] })
    if (facts instanceof Promise) return facts.then((known) => judgeAgain(known, ...asked))
    return answer(decide(resolution, asked[2], rules, clock.wall(), facts), ...asked, authentication, given)
  }

  function answer (
    decision: Decision, request: VerifyRequest, subject: CredentialContext, policy: Policy,
    authentication: Resolved, given: EarlierFindings
  ): Concluded {
    if (decision.kind === 'refuse') return refuseBy(decision, authentication, given, request, subject, policy)
    if (decision.kind !== 'allow') {
      return unresolved(refuse, request, subject, { kind: 'unavailable', error: PROFILE_UNKNOWN })
    }
    const { source, digests, stale } = authentication
    const who = admittedOf(subject, decision.resolution, digests)
    const outgoing = presenter.present(policy, who, given.profile, subject)
    if (outgoing instanceof Promise) {
      return afterProfile(outgoing, given, request, subject, policy)
    }
    return stale
      ? { response: allowStale(decision.resolution, source, outgoing), reason: 'allowed_stale', source, who, subject }
      : { response: allow(decision.resolution, source, outgoing), reason: 'allowed', source, who, subject }
  }

  function refuseBy (
    decision: Refusal, { resolution, source, ageMs, digests }: Resolved, given: EarlierFindings, ...asked: Asked
  ): Concluded {
    const [request, subject, policy] = asked
    const isByFacts = decision.reason === 'forbidden' && decision.lack !== undefined
    const facts = isByFacts
      ? confirmFacts(factSource, askerOf(resolution, subject), given, confirmAfterMs, { waiting, subject })
      : undefined
    if (facts !== undefined) return facts.then((known) => judgeAgain(known, ...asked))
    const who = resolution.kind === 'valid' ? admittedOf(subject, resolution, digests) : undefined
    const account = isNamed(request, decision) ? who && presenter.called(who, given.profile, subject) : undefined
    if (account instanceof Promise) return afterProfile(account, given, ...asked)
    const refusal = refuse(
      request,
      { ...decision, bearer: sentBearer(subject), account, missing: nameOf(policy) },
      { subject, source, who, policyError: policy.kind === 'bad' ? policy.why : undefined }
    )
    const isNew = isByFacts || given.isConfirmed === true || ageMs <= confirmAfterMs
    if (isNew || !isWorthConfirming(decision.reason)) return refusal
    return confirm(refusal, given, ...asked)
  }

  async function afterProfile (
    wait: Promise<KnownProfile>, given: EarlierFindings, ...asked: Asked
  ): Promise<HandlerResult> {
    const profile = await waitWithin({ waiting, subject: asked[1] }, wait, NOT_AWAITED)
    return await judgeAgain({ ...given, profile }, ...asked)
  }

  /** A revocation may have come while something was waited for. */
  async function judgeAgain (given: EarlierFindings, ...asked: Asked): Promise<HandlerResult> {
    return await conclude(...asked, await authenticator.authenticate(asked[1]), given)
  }

  /** While Authgear cannot be asked, its last answer stands. */
  async function confirm (refusal: HandlerResult, given: EarlierFindings, ...asked: Asked): Promise<HandlerResult> {
    const fresh = await authenticator.confirm(asked[1], confirmAfterMs)
    if (fresh.kind === 'unavailable') return refusal
    return await conclude(...asked, fresh, { ...given, isConfirmed: true })
  }

  return conclude
}

function unresolved (
  refuse: Refuser,
  request: VerifyRequest,
  subject: CredentialContext,
  authentication: Exclude<Authentication, { kind: 'resolved' }>
): HandlerResult {
  const bearer = sentBearer(subject)
  if (authentication.kind === 'refused') {
    const { reason } = authentication
    return refuse(request, { reason, bearer: bearer || reason === 'wrong_audience' }, { subject })
  }
  const { error } = authentication
  return refuse(request, { reason: error.reason, bearer }, { subject, error, source: 'authgear' })
}

const askerOf = (resolution: Resolution, subject: CredentialContext): Asker | undefined =>
  resolution.kind === 'valid' ? { userId: resolution.userId, identity: resolution.identity, subject } : undefined

function sentBearer ({ credentials }: CredentialContext): boolean {
  return credentials.bearer !== undefined
}

/** True if the answer is a page that tells a person which account may not open it. */
function isNamed ({ rawHeaders }: VerifyRequest, { reason }: Decision & { kind: 'refuse' }): boolean {
  return REFUSALS[reason].status === 403 && readAudience(rawHeaders) === 'navigation'
}

/** A role just given and a step-up just made change the answer; a policy that cannot be understood stays so. */
function isWorthConfirming (reason: (Decision & { kind: 'refuse' })['reason']): boolean {
  return reason === 'forbidden' || reason === 'step_up_required'
}

/** Trusts the method of the verify request itself: proxies that keep the client's method vouch for it. */
function isPreflight ({ method, rawHeaders }: VerifyRequest): boolean {
  if (method !== 'OPTIONS') return false
  const names = new Set(rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))
  return names.has('origin') && names.has('access-control-request-method') && !names.has('authorization')
}

function preflight (
  request: VerifyRequest,
  policy: Policy,
  { presenter }: VerifyDeps,
  refuse: Refuser
): HandlerResult {
  if (policy.kind === 'bad') {
    return refuse(request, { reason: 'bad_policy', bearer: false }, { policyError: policy.why })
  }
  return { response: allowNobody('preflight', presenter.nobody), reason: 'preflight', source: 'none', who: undefined }
}

/**
 * One exact path, and the prefix to which Envoy appends the client's path and query.
 * @param extAuthz of the prefix
 */
export function verifyRoutes (verify: Handler, extAuthz: Handler): readonly Route[] {
  return [
    { path: '/verify', endpoint: 'verify', handler: verify },
    { path: '/ext-authz/', endpoint: 'ext-authz', handler: extAuthz }
  ]
}
