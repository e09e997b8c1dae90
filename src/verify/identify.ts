import type { Authentication, CredentialContext } from '../authenticate/types.ts'
import { readCredentials } from '../core/credentials.ts'
import { SESSION_ONLY } from '../core/policy.ts'
import type { RefusalReason } from '../core/reason.ts'
import type { KnownProfile } from '../identity/presenter.ts'
import { admittedOf, allowNobody, createAllow, createRefuse } from './responses.ts'
import {
  credentialContextOf,
  thenOrNow,
  type Handler,
  type HandlerDeps,
  type VerifyRequest,
  type HandlerResult
} from '../http/types.ts'
import type { Route } from '../http/paths.ts'

/**
 * Says who the user is, for pages that greet users; never refuses for lack of a session. It has a listener of its own,
 * since a proxy takes its 200 for "allowed". It refuses a policy, which would protect nothing here.
 */
export function createIdentify (deps: HandlerDeps): Handler {
  const { authenticator, keyer, cookieNames, absentHeaders, presenter, realm } = deps
  const allow = createAllow(absentHeaders)
  const allowStale = createAllow(absentHeaders, 'allowed_stale')
  const refuse = createRefuse(realm)

  function refused ({ requestId }: VerifyRequest, reason: RefusalReason, rest: Partial<HandlerResult>): HandlerResult {
    return {
      source: 'none',
      ...rest,
      response: refuse({ reason, bearer: false, audience: 'program', reference: requestId }),
      reason
    }
  }

  function nobody (reason: RefusalReason, { subject, source = 'none' }: Partial<HandlerResult>): HandlerResult {
    const response = allowNobody(reason, presenter.nobody, source === 'none' ? undefined : source)
    return { response, reason, source, subject }
  }

  function conclude (
    request: VerifyRequest,
    key: CredentialContext,
    authentication: Authentication,
    profile?: KnownProfile
  ): HandlerResult | Promise<HandlerResult> {
    if (authentication.kind === 'unavailable') {
      return refused(request, authentication.error.reason, {
        subject: key,
        error: authentication.error,
        source: 'authgear'
      })
    }
    if (authentication.kind === 'refused') return nobody(authentication.reason, { subject: key })
    const { resolution, source, stale } = authentication
    if (resolution.kind === 'invalid') return nobody('invalid_session', { subject: key, source })
    const outgoing = presenter.present(SESSION_ONLY, admittedOf(key, resolution), profile)
    if (outgoing instanceof Promise) return outgoing.then((known) => judgeAgain(request, key, known))
    return stale
      ? { response: allowStale(resolution, source, outgoing), reason: 'allowed_stale', source, subject: key }
      : { response: allow(resolution, source, outgoing), reason: 'allowed', source, subject: key }
  }

  /** A revocation may have come while the profile was waited for. */
  async function judgeAgain (
    request: VerifyRequest,
    subject: CredentialContext,
    profile: KnownProfile
  ): Promise<HandlerResult> {
    return await conclude(request, subject, await authenticator.authenticate(subject), profile)
  }

  return (request) => {
    if (request.proxy.policies.length > 0) {
      return refused(request, 'bad_policy', {
        policyError: 'there are no policies on /identify: it lets everybody in'
      })
    }
    const reading = readCredentials(request.rawHeaders, cookieNames)
    if (reading.kind === 'none') return nobody('no_credentials', {})
    if (reading.kind === 'refused') return nobody(reading.reason, {})
    const subject = credentialContextOf(keyer, request, reading.credentials)
    return thenOrNow(authenticator.authenticate(subject), (authentication) =>
      conclude(request, subject, authentication)
    )
  }
}

/** Alone on its listener: no proxy must reach its 200 for nobody by accident. */
export function identifyRoutes (identify: Handler): readonly Route[] {
  return [{ path: '/identify', endpoint: 'identify', handler: identify }]
}
