import type { CredentialContext } from '../../base/authenticate/types.ts'
import type { Clock } from '../../base/clock.ts'
import type { Keyer } from '../../base/core/cache-key.ts'
import { readBearerAlone } from '../../base/core/credentials.ts'
import type { Rules } from '../../base/core/policy.ts'
import type { ResourceToken } from '../../base/core/resource-token.ts'
import { jwtAudience } from '../../base/core/token-expiry.ts'
import { decideToken, type TokenDecision, type TokenNeeds, tokenNeedsOf } from './policy.ts'
import type { Route } from '../../base/http/paths.ts'
import { credentialContextOf, thenOrNow } from '../../base/http/request.ts'
import type { AbsentHeaders, Handler, HandlerResult, VerifyRequest } from '../../base/http/types.ts'
import { BlocksNotRead, LogNotRead, type ResolverError } from '../../base/errors.ts'
import { type Admitted, NOT_AWAITED, type Presenter } from '../../base/identity/presenter.ts'
import type { Asker } from '../../base/identity/profile.ts'
import type { ClientJudge, ClientStanding } from '../../base/parts/feature.ts'
import type { TokenStanding } from '../../base/revocation/types.ts'
import {
  confirmFacts, type EarlierFindings, factsOf, PROFILE_UNKNOWN, type Waiter, waitWithin, withFactsOfTokens
} from '../../base/verify/facts.ts'
import { forMcp } from '../../base/verify/mcp-refusal.ts'
import { type Findings, resultOf } from '../../base/verify/refuse.ts'
import { createDerivedPolicies, type OwnWords, type PolicyTexts } from '../../base/verify/policy-cache.ts'
import { createJudgeBasic } from './basic/judge.ts'
import type { Pairs } from './basic/pairs.ts'
import { isOfAPage } from './basic/sent.ts'
import {
  createAllowToken, refuseToken, type TokenRefusal, withBasicChallenge, withTokenChallenge, withTokenHeaders
} from './responses.ts'
import { type BasicRoute, createRoutePolicy, NO_HEADER, type RouteDeps, type RoutePolicy } from './route-policy.ts'
import type { Verification, Verifier } from './verifier.ts'

export type ResourceDeps = RouteDeps & Readonly<{
  verifier: Verifier
  keyer: Keyer
  absentHeaders: AbsentHeaders
  presenter: Presenter
  waiting: Waiter['waiting']
  /** Requirements on every person. */
  rules: Rules
  clock: Clock
  /** CACHE_NEGATIVE_TTL: a refusal that rests on older facts is confirmed first. */
  confirmAfterMs: number
  standingOf: (token: ResourceToken) => TokenStanding
  /** False if nobody here can revoke a machine's token. */
  areMachinesRevocable: boolean
  /** Called where a token is refused only since this replica cannot know whether it was revoked. */
  refusedUnknown: () => void
  /** Undefined where no part judges clients. */
  clients: ClientJudge | undefined
  /** What exchanges client ids and secrets. */
  pairs: Pairs
  /** `/verify`, where the policy's requirements of tokens are left out. */
  sessions: Handler
}>

/** Is this a resource token of Authgear's for this route, and does it meet the policy? No cookie is read. */
export function createResource (deps: ResourceDeps, words: OwnWords = 'trusted'): Handler {
  const policyOf = createRoutePolicy(deps, words)
  const judge = createJudge(deps)
  return (request) => {
    const route = policyOf(request)
    const { basic } = route
    return basic === undefined ? judge(request, route) : offering(judge(request, route), request, basic)
  }
}

function inWordsOfMcp (
  result: HandlerResult | Promise<HandlerResult>, request: VerifyRequest
): HandlerResult | Promise<HandlerResult> {
  if (result instanceof Promise) return result.then((known) => inWordsOfMcp(known, request))
  return result.response.status === 403 ? { ...result, response: forMcp(result.response, request) } : result
}

/** Each 401 of a route that takes Basic asks for it, but for a browser's page. */
function offering (
  result: HandlerResult | Promise<HandlerResult>, request: VerifyRequest, basic: BasicRoute
): HandlerResult | Promise<HandlerResult> {
  if (result instanceof Promise) return result.then((known) => offering(known, request, basic))
  if (result.response.status !== 401 || isOfAPage(request.rawHeaders, basic.origin)) return result
  return { ...result, response: withBasicChallenge(result.response, basic.resource) }
}

/**
 * A bearer token that names the route's resource is judged as a resource token, all else as a session. Read without
 * verifying: a token that claims an audience in vain is refused.
 */
export function createResourceOrSession (deps: ResourceDeps): Handler {
  const policyOf = createRoutePolicy(deps, 'trusted', 'tokens or sessions')
  const judge = createJudge(deps)
  return (request) => {
    const route = policyOf(request)
    const { policy, needs } = route
    if (policy.kind === 'bad' || isForResource(request, needs)) return judge(request, route)
    return thenOrNow(deps.sessions(request), (result) => ({
      ...result,
      response: result.response.status === 200
        ? withTokenHeaders(result.response)
        : withTokenChallenge(result.response, needs)
    }))
  }
}

function isForResource ({ rawHeaders }: VerifyRequest, { resources }: TokenNeeds): boolean {
  const reading = readBearerAlone(rawHeaders)
  const bearer = reading.kind === 'credentials' ? reading.credentials.bearer : undefined
  const audience = bearer === undefined ? undefined : jwtAudience(bearer)
  return audience?.some((name) => resources.includes(name)) === true
}

type Judge = (request: VerifyRequest, route: RoutePolicy) => HandlerResult | Promise<HandlerResult>

/** No closure is made for a token that is remembered. */
function createJudge (deps: ResourceDeps): Judge {
  const { verifier, keyer } = deps
  const conclude = createConclude(deps)
  const judgeBasic = createJudgeBasic({ ...deps, conclude: createConclude(forBasic(deps)) })
  function later (
    route: RoutePolicy,
    subject: CredentialContext,
    verification: Promise<Verification>
  ): Promise<HandlerResult> {
    return verification.then((known) => conclude(route, subject, known))
  }
  const judge: Judge = (request, route) => {
    const { policy, basic } = route
    if (policy.kind === 'bad') {
      return refuse(route, { reason: 'bad_policy', bearer: false }, { policyError: policy.why })
    }
    const reading = readBearerAlone(request.rawHeaders)
    if (reading.kind === 'none') {
      return basic === undefined
        ? refuse(route, { reason: 'no_credentials', bearer: false })
        : judgeBasic(request, route, basic)
    }
    if (reading.kind === 'refused') return refuse(route, { reason: reading.reason, bearer: true })
    const subject = credentialContextOf(keyer, request, reading.credentials)
    const verification = verifier.verify(reading.credentials.bearer ?? '', subject)
    return verification instanceof Promise
      ? later(route, subject, verification)
      : conclude(route, subject, verification)
  }
  return (request, route) => inWordsOfMcp(judge(request, route), request)
}

function refuse ({ needs }: RoutePolicy, refusal: TokenRefusal, known?: Findings): HandlerResult {
  return resultOf(refusal.reason, refuseToken(refusal, needs), known)
}

type Conclude<Known extends Verification = Verification> = (
  route: RoutePolicy,
  subject: CredentialContext,
  verification: Known,
  given?: EarlierFindings
) => HandlerResult | Promise<HandlerResult>

/**
 * The token of a machine that proves its secret on each request lasts its life where nobody can revoke it, also while
 * this replica cannot follow the log: another one every few seconds would use up what Authgear issues in a minute.
 */
function forBasic (deps: ResourceDeps): ResourceDeps {
  const { areMachinesRevocable, standingOf } = deps
  if (areMachinesRevocable) return deps
  return {
    ...deps,
    standingOf (token) {
      const standing = standingOf(token)
      return standing === 'unknown' && token.userId === undefined ? 'good' : standing
    }
  }
}

function createConclude (deps: ResourceDeps): Conclude {
  const judgeToken = createJudgeToken(deps, (...verified) => conclude(...verified))
  const conclude: Conclude = (route, subject, verification, given) => {
    if (verification.kind === 'unavailable') {
      const { error } = verification
      return refuse(route, { reason: error.reason, bearer: true }, { subject, error, source: 'authgear' })
    }
    if (verification.kind === 'refused') {
      return refuse(route, { reason: verification.reason, bearer: true }, { subject, tokenError: verification.why })
    }
    const result = judgeToken(route, subject, verification, given)
    if (result instanceof Promise || result.response.status === 503) return result
    deps.clients?.saw(verification.token, route.needs.resources[0], result.reason === 'allowed')
    return result
  }
  return conclude
}

type Verified = Verification & { kind: 'token' }

/** Starts from denied: only the last line of `answer` is a 200. */
function createJudgeToken (deps: ResourceDeps, conclude: Conclude): Conclude<Verified> {
  const { absentHeaders, clock, presenter, rules, facts: factSource, waiting, verifier, confirmAfterMs } = deps
  const allow = createAllowToken(absentHeaders)
  const ofTokens = withFactsOfTokens(rules, factSource) // a route's own policy is bad before it comes here

  /** A revocation may have come while something was waited for. */
  async function judgeAgain (
    route: RoutePolicy, subject: CredentialContext, given: EarlierFindings
  ): Promise<HandlerResult> {
    const verification = await verifier.verify(subject.credentials.bearer ?? '', subject)
    return await conclude(route, subject, verification, given)
  }

  /** A function of its own: a closure where tokens are judged would cost each hit. */
  function askFacts (
    route: RoutePolicy, subject: CredentialContext, verified: Verified, given: EarlierFindings
  ): HandlerResult | Promise<HandlerResult> {
    const { token } = verified
    if (ofTokens.kind === 'bad') {
      const rest = { subject, who: admittedOf(subject, token), policyError: ofTokens.why }
      return refuse(route, { reason: 'bad_policy', bearer: true }, rest)
    }
    const facts = factsOf(factSource, askerOf(token), given, { waiting, subject })
    if (facts instanceof Promise) return facts.then((known) => judgeAgain(route, subject, known))
    return answer(decideToken(token, route.policy, rules, clock.wall(), facts), route, subject, verified, given)
  }

  function answer (
    decision: TokenDecision, route: RoutePolicy, subject: CredentialContext, { token, source }: Verified,
    given: EarlierFindings
  ): HandlerResult | Promise<HandlerResult> {
    const who = admittedOf(subject, token)
    if (decision.kind === 'refuse') {
      const isByFacts = decision.reason === 'forbidden' && decision.lack !== undefined
      const facts = isByFacts
        ? confirmFacts(factSource, askerOf(token), given, confirmAfterMs, { waiting, subject })
        : undefined
      return facts?.then((known) => judgeAgain(route, subject, known)) ??
        refuse(route, { ...decision, bearer: true }, { subject, source, who })
    }
    if (decision.kind !== 'allow') {
      const error = PROFILE_UNKNOWN
      return refuse(route, { reason: error.reason, bearer: true }, { subject, error, source: 'authgear' })
    }
    const outgoing = presenter.present(route.policy, who, given.profile)
    if (outgoing instanceof Promise) {
      return waitWithin({ waiting, subject }, outgoing, NOT_AWAITED)
        .then((profile) => judgeAgain(route, subject, { ...given, profile }))
    }
    return { response: allow(token, source, outgoing), reason: 'allowed', source, who, subject }
  }

  return (route, subject, verified, given = {}) => {
    const { token } = verified
    const block = deps.clients?.standingOf(token.clientId)
    if (block === 'blocked') {
      return refuse(route, { reason: 'client_blocked', bearer: true }, { subject, who: admittedOf(subject, token) })
    }
    const standing = deps.standingOf(token)
    const error = unread(standing, block)
    if (error !== undefined) return refuse(route, { reason: error.reason, bearer: true }, { subject, error })
    if (standing === 'unknown') deps.refusedUnknown()
    if (standing !== 'good') {
      const who = admittedOf(subject, token)
      return refuse(route, { reason: 'invalid_session', bearer: true }, { subject, who, tokenError: standing })
    }
    const decision = decideToken(token, route.policy, rules, clock.wall())
    return decision.kind === 'ask'
      ? askFacts(route, subject, verified, given)
      : answer(decision, route, subject, verified, given)
  }
}

/** The error of a 503, not a 401: the client should retry, since this replica lacks what it has to know. */
function unread (standing: TokenStanding, block: ClientStanding | undefined): ResolverError | undefined {
  if (standing === 'unread') return new LogNotRead()
  return block === 'unread' && standing !== 'revoked' ? new BlocksNotRead() : undefined
}

/** No profile can be read by a resource token itself. */
const askerOf = ({ userId, identity }: ResourceToken): Asker | undefined =>
  userId === undefined ? undefined : { userId, identity, subject: undefined }

function admittedOf ({ key, credentials }: CredentialContext, token: ResourceToken): Admitted {
  const { userId, identity, clientId, scopes, id, expiresAt } = token
  return { key, credentials, userId, identity, digests: [], grant: { clientId, scopes, id, expiresAt } }
}

/**
 * The prefix to which Envoy appends the client's path: a policy of the proxy's that names a resource chooses
 * `/resource`, and without one it is `/verify`.
 * @param segments `required`: the first segment chooses, and a policy header may be the client's, since a gateway that
 * needs segments writes no headers; `optional`: the header chooses, and the segment may be the client's
 */
export function createExtAuthz (deps: ResourceDeps, verify: Handler, segments: 'optional' | 'required'): Handler {
  const needsOf = createDerivedPolicies(tokenNeedsOf)
  const resource = createResource(deps, segments === 'optional' ? 'doubtful' : 'trusted')
  const chosenBy = ({ query, proxy }: VerifyRequest): PolicyTexts =>
    segments === 'required' ? { query, proxy: NO_HEADER } : { query: undefined, proxy }
  return (request) => {
    const texts = chosenBy(request)
    if (texts.query === undefined && texts.proxy.policies.length === 0) return verify(request)
    return needsOf(texts).resources.length > 0 ? resource(request) : verify(request)
  }
}

/** The proxy's configuration chooses between these, and never the client. */
export function resourceRoutes (resource: Handler, resourceOrSession: Handler): readonly Route[] {
  return [
    { path: '/resource', endpoint: 'resource', handler: resource },
    { path: '/resource-or-session', endpoint: 'resource-or-session', handler: resourceOrSession }
  ]
}
