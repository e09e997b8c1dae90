import type { Clock } from '../../base/clock.ts'
import { readCredentials } from '../../base/core/credentials.ts'
import { SESSION_ONLY } from '../../base/core/policy.ts'
import { REFUSALS } from '../../base/core/reason.ts'
import { judgeInTurn } from '../../base/http/request.ts'
import type { Handler, HandlerDeps } from '../../base/http/types.ts'
import { type Refuser, resultOf } from '../../base/verify/refuse.ts'
import { allowNobody, createRefuse } from '../../base/verify/responses.ts'
import { createConclude } from '../../base/verify/verify.ts'

export type IdentifyDeps = HandlerDeps & Readonly<{ clock: Clock }>

/**
 * Says who the user is, for pages that greet users; never refuses for lack of a session. It has a listener of its own,
 * since a proxy takes its 200 for "allowed". It refuses a policy, which would protect nothing here.
 */
export function createIdentify (deps: IdentifyDeps): Handler {
  const { cookieNames, readOwn } = deps
  const refuse = createRefuser(deps)
  // without a policy there is nothing to confirm
  const conclude = createConclude({ ...deps, confirmAfterMs: Infinity }, refuse)
  return (request) => {
    if (request.proxy.policies.length > 0) {
      return refuse(request, { reason: 'bad_policy', bearer: false }, {
        policyError: '/identify takes no policy: it allows everyone'
      })
    }
    const reading = readOwn === undefined ? readCredentials(request.rawHeaders, cookieNames) : readOwn(request)
    if (reading.kind === 'none') return refuse(request, { reason: 'no_credentials', bearer: false })
    if (reading.kind === 'refused') return refuse(request, reading)
    return judgeInTurn(deps, request, reading, (subject, known) => conclude(request, subject, SESSION_ONLY, known))
  }
}

/** A user who is not signed in is nobody, and gets in; an error and a policy stay what they are. */
function createRefuser ({ presenter, realm }: HandlerDeps): Refuser {
  const refuse = createRefuse(realm)
  return ({ requestId }, { reason }, known = {}) => {
    const source = known.source === 'none' ? undefined : known.source
    // no route has a policy here, so that only the rules for everybody forbid
    const isNobody = REFUSALS[reason].status === 401 || reason === 'forbidden'
    const response = isNobody
      ? allowNobody(reason, presenter.nobody, source)
      : refuse({ reason, bearer: false, audience: 'program', reference: requestId })
    return resultOf(reason, response, known)
  }
}
