import { readAudience } from '../core/audience.ts'
import type { Policy } from '../core/policy.ts'
import type { RefusalReason } from '../core/reason.ts'
import type { PageLinks, PageMaker } from '../http/pages.ts'
import type { TrustProxy } from '../http/trusted-proxies.ts'
import type { HandlerDeps, HandlerResult, HttpResponse, Location, VerifyRequest } from '../http/types.ts'
import { forMcp } from './mcp-refusal.ts'
import { createRefuse, offerLogin, type Refusal, sendToLogin } from './responses.ts'

/** A refusal of a browser's navigation; presentation only, it is refused either way. */
export type Refused = Readonly<{
  reason: RefusalReason
  bearer: boolean
  /** Requirements that a step-up must satisfy. */
  challenge?: Readonly<{ maxAge: number | undefined, amr: readonly string[] }> | undefined
  method: string
  rawHeaders: readonly string[]
  /** Its address. */
  peer?: string | undefined
  /** True if TRUSTED_PROXIES include the peer, so that its forwarding headers are believed. */
  isTrusted: () => boolean
  /** The requested page, from the peer's own request: no `X-Forwarded-*` is read then. */
  location?: Location | undefined
  policy: () => Policy
}>

/**
 * `offer`: for proxies that cannot pass a redirect (`login=off`) and make one of their own; `change`: a link of the
 * page, to switch accounts. `nowhere`: no login is at this host, so that a button could not work.
 */
type LoginRedirect = Readonly<
  { kind: 'redirect' | 'offer' | 'change', location: string } | { kind: 'nowhere', location?: undefined }
>

/** @returns where to send a person; undefined where a login changes nothing, or must not begin */
export type FindLoginRedirect = (refused: Refused) => LoginRedirect | undefined

export type RefuserDeps = Pick<HandlerDeps, 'realm'> & Readonly<{
  /** Undefined: nobody is sent to log in. */
  findLoginRedirect: FindLoginRedirect | undefined
  /** The links of the pages for people who are refused, beside Authgear's. */
  links: PageLinks
  pages: PageMaker
  trustProxy: TrustProxy
}>

/** The answer to a refused request. */
export type Refuser = (
  request: VerifyRequest,
  refusal: Omit<Refusal, 'audience' | 'reference' | 'rawHeaders'>,
  known?: Findings
) => HandlerResult

/** The findings beside a refusal's reason, for the log and the metrics. */
export type Findings = Partial<
  Pick<HandlerResult, 'source' | 'who' | 'subject' | 'error' | 'policyError' | 'tokenError'>
>

export function createRefuser (
  { realm, findLoginRedirect, links, pages, trustProxy }: RefuserDeps,
  policyOf: (request: VerifyRequest) => Policy
): Refuser {
  const refuse = createRefuse(realm, pages.refusals(links))
  const loginRedirectOf = (request: VerifyRequest, refusal: Refusal): LoginRedirect | undefined => {
    const { method, rawHeaders, socket } = request
    return findLoginRedirect?.({
      ...refusal,
      method,
      rawHeaders,
      peer: socket.remoteAddress,
      isTrusted: () => trustProxy(socket.remoteAddress, 0),
      location: request.location?.(),
      policy: () => policyOf(request)
    })
  }
  const respondTo = (request: VerifyRequest, refusal: Refusal): HttpResponse => {
    if (refusal.audience === 'program') return refuse(refusal)
    const loginRedirect = loginRedirectOf(request, refusal)
    if (loginRedirect?.kind === 'redirect') return sendToLogin(refusal.reason, loginRedirect.location)
    const isNowhere = loginRedirect?.kind === 'nowhere'
    const answer = refuse({ ...refusal, way: loginRedirect?.location, isNowhere })
    return loginRedirect?.kind === 'offer' ? offerLogin(answer, loginRedirect.location) : answer
  }
  return (request, { reason, bearer, challenge, account, missing, lack }, known) => {
    const response = respondTo(request, {
      reason,
      bearer,
      challenge,
      account,
      missing,
      lack,
      audience: readAudience(request.rawHeaders),
      reference: request.requestId,
      rawHeaders: request.rawHeaders
    })
    return resultOf(reason, forMcp(response, request), known)
  }
}

/** Each member by its name: copying an object into a larger one costs up to two microseconds a refusal. */
export function resultOf (
  reason: RefusalReason,
  response: HttpResponse,
  { source = 'none', who, subject, error, policyError, tokenError }: Findings = {}
): HandlerResult {
  return { response, reason, source, who, subject, error, policyError, tokenError }
}
