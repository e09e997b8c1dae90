import type { Authentication, CredentialContext } from '../authenticate/types.ts'
import { readCredentials } from '../core/credentials.ts'
import type { RefusalReason } from '../core/reason.ts'
import { allowNobody, createAllow, createRefuse } from './responses.ts'
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
export function createIdentify ({ authenticator, keyer, cookieNames, absentHeaders, realm }: HandlerDeps): Handler {
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

  function conclude (request: VerifyRequest, key: CredentialContext, authentication: Authentication): HandlerResult {
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
    if (stale) return { response: allowStale(resolution, source), reason: 'allowed_stale', source, subject: key }
    return { response: allow(resolution, source), reason: 'allowed', source, subject: key }
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

function nobody (reason: RefusalReason, { subject: key, source = 'none' }: Partial<HandlerResult>): HandlerResult {
  return { response: allowNobody(reason, source === 'none' ? undefined : source), reason, source, subject: key }
}

/** Alone on its listener: no proxy must reach its 200 for nobody by accident. */
export function identifyRoutes (identify: Handler): readonly Route[] {
  return [{ path: '/identify', endpoint: 'identify', handler: identify }]
}
