import { clientIn } from '../../../base/authgear/resolver/failures.ts'
import type { CredentialContext } from '../../../base/authenticate/types.ts'
import type { Keyer } from '../../../base/core/cache-key.ts'
import type { RefusalReason } from '../../../base/core/reason.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import type { ClientJudge } from '../../../base/parts/feature.ts'
import { type Findings, resultOf } from '../../../base/verify/refuse.ts'
import { refuseToken, type TokenRefusal } from '../responses.ts'
import type { BasicRoute, RoutePolicy } from '../route-policy.ts'
import type { Verification, Verifier } from '../verifier.ts'
import { TooManyExchanges, UnusableToken } from './errors.ts'
import type { Pairs } from './pairs.ts'
import { basicTokenOf, isOfAPage } from './sent.ts'
import type { Answer, Asked, Good } from './types.ts'

type Concluded = HandlerResult | Promise<HandlerResult>

export type BasicDeps = Readonly<{
  pairs: Pairs
  verifier: Verifier
  keyer: Keyer
  clients: Pick<ClientJudge, 'standingOf'> | undefined
  /** Judges a verified token, as that of a Bearer. */
  conclude: (route: RoutePolicy, subject: CredentialContext, verification: Verification) => Concluded
}>

/** Judges a request without a bearer token on a route that takes Basic; its token goes the way of any other. */
export type JudgeBasic = (request: VerifyRequest, route: RoutePolicy, basic: BasicRoute) => Concluded

type Case = Readonly<{ request: VerifyRequest, route: RoutePolicy, asked: Asked }>

export function createJudgeBasic ({ pairs, verifier, keyer, clients, conclude }: BasicDeps): JudgeBasic {
  function refusalOf ({ clients: named }: BasicRoute, clientId: string): Answer | undefined {
    if (named !== undefined && !named.includes(clientId)) return { kind: 'refused', why: 'client= does not name it' }
    return clients?.standingOf(clientId) === 'blocked'
      ? { kind: 'refused', why: 'its client is blocked', isBlocked: true }
      : undefined
  }

  function judge (good: Good, { request, route }: Case): Concluded {
    const subject = credentialContextOf(keyer, request, good.credentials, good.key)
    const verification = verifier.verify(good.credentials.bearer ?? '', subject)
    return verification instanceof Promise
      ? verification.then((known) => conclude(route, subject, usable(known)))
      : conclude(route, subject, usable(verification))
  }

  function answer (found: Answer, one: Case): Concluded {
    if (found.kind !== 'good') return refused(found, one)
    const result = judge(found, one)
    if (result instanceof Promise) return result.then((known) => isEnded(known) ? again(found, one) : known)
    return isEnded(result) ? again(found, one) : result
  }

  /** Once: its token was revoked, or may have been. */
  async function again (old: Good, one: Case): Promise<HandlerResult> {
    const found = await pairs.replace(one.asked, () => one.request.headBytes(), old)
    const result = found.kind === 'good' ? await judge(found, one) : refused(found, one)
    const isRevokedStill = isEnded(result) && result.response.status === 401
    return isRevokedStill ? refused({ kind: 'unavailable', error: TOO_NEW }, one) : result
  }

  return (request, route, basic) => {
    const token = basicTokenOf(request.rawHeaders)
    if (token === undefined || isOfAPage(request.rawHeaders, basic.origin)) return refuse(route, 'no_credentials')
    const asked = { token, resource: basic.resource, from: () => clientIn(request.trace()) }
    const found = pairs.find(asked, () => request.headBytes(), (clientId) => refusalOf(basic, clientId))
    const one = { request, route, asked }
    return found instanceof Promise ? found.then((known) => answer(known, one)) : answer(found, one)
  }
}

const TOO_NEW = new TooManyExchanges('its last token was revoked, and the next one comes some seconds later')
/** Authgear's bucket of a client has another call by then. */
const RETRY_AFTER_SECONDS = '12'
const NOT_ACCEPTED = 'The client id and secret sent are not accepted here.'

/** Revoked, or signed by a key that is gone, or this replica cannot know: the client can get no other token itself. */
const isEnded = ({ reason, tokenError, error }: HandlerResult): boolean =>
  error instanceof UnusableToken ||
  (reason === 'invalid_session' && (tokenError === 'revoked' || tokenError === 'unknown'))

/** What this service refuses of a token that Authgear just issued is its operator's trouble, never a wrong secret. */
const usable = (verification: Verification): Verification => verification.kind === 'refused'
  ? { kind: 'unavailable', error: new UnusableToken(verification.why) }
  : verification

function refused (found: Exclude<Answer, Good>, { route }: Case): HandlerResult {
  if (found.kind === 'refused') {
    if (found.isBlocked === true) return refuse(route, 'client_blocked', { tokenError: found.why })
    return refuse(route, 'invalid_session', { tokenError: found.why }, { message: NOT_ACCEPTED })
  }
  const { error } = found
  const wait = error instanceof TooManyExchanges ? { retryAfter: RETRY_AFTER_SECONDS } : {}
  return refuse(route, error.reason, { error, source: 'authgear' }, wait)
}

function refuse (
  { needs }: RoutePolicy,
  reason: RefusalReason,
  known: Findings = {},
  words: Pick<TokenRefusal, 'message' | 'retryAfter'> = {}
): HandlerResult {
  return resultOf(reason, refuseToken({ reason, bearer: false, ...words }, needs), known)
}
