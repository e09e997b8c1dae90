import type { Authentication, Subject } from '../authenticate/types.ts'
import { readCredentials } from '../core/credentials.ts'
import type { RefusalReason } from '../core/reason.ts'
import { allowNobody, createAllow, createRefuse } from './responses.ts'
import { subjectOf, thenOrNow, type Answerer, type AnswererDeps, type Question, type Verdict } from '../http/types.ts'

/**
 * Who is it, for pages that greet those who are signed in: never refuses for lack of a session. On a listener of its own,
 * since a proxy takes its 200 for "allowed". A policy is refused, or somebody would believe that it protects.
 */
export function createIdentify ({ authenticator, keyer, cookieNames, absentHeaders, realm }: AnswererDeps): Answerer {
  const allow = createAllow(absentHeaders)
  const allowStale = createAllow(absentHeaders, 'allowed_stale')
  const refuse = createRefuse(realm)

  function refused ({ requestId }: Question, reason: RefusalReason, rest: Partial<Verdict>): Verdict {
    return { source: 'none', ...rest, answer: refuse({ reason, bearer: false, audience: 'program', reference: requestId }), reason }
  }

  function conclude (question: Question, key: Subject, authentication: Authentication): Verdict {
    if (authentication.kind === 'unavailable') return refused(question, authentication.error.reason, { key, error: authentication.error, source: 'authgear' })
    if (authentication.kind === 'refused') return nobody(authentication.reason, { key })
    const { resolution, source, stale } = authentication
    if (resolution.kind === 'invalid') return nobody('invalid_session', { key, source })
    if (stale) return { answer: allowStale(resolution, source), reason: 'allowed_stale', source, key }
    return { answer: allow(resolution, source), reason: 'allowed', source, key }
  }

  return (question) => {
    if (question.proxy.policies.length > 0) return refused(question, 'bad_policy', { why: 'there are no policies on /identify: it lets everybody in' })
    const reading = readCredentials(question.rawHeaders, cookieNames)
    if (reading.kind === 'none') return nobody('no_credentials', {})
    if (reading.kind === 'refused') return nobody(reading.reason, {})
    const subject = subjectOf(keyer, question, reading.credentials)
    return thenOrNow(authenticator.authenticate(subject), (authentication) => conclude(question, subject, authentication))
  }
}

function nobody (reason: RefusalReason, { key, source = 'none' }: Partial<Verdict>): Verdict {
  return { answer: allowNobody(reason, source === 'none' ? undefined : source), reason, source, key }
}
