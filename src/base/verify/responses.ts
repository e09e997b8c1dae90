import type { CredentialContext, Source } from '../authenticate/types.ts'
import type { Audience } from '../core/audience.ts'
import type { Challenge } from '../core/policy.ts'
import type { Lack } from '../core/requirement.ts'
import { messageOf, REFUSALS, type AllowReason, type RefusalReason } from '../core/reason.ts'
import {
  AT, IDENTITY_HEADERS, type Identity, type Resolution, type SharedValues, valuesOf
} from '../core/resolution.ts'
import { COMMON, COMMON_OF_PAGES, JSON_TYPE } from '../http/answers.ts'
import { NO_LINKS, type Pages, PLAIN_TEXT } from '../http/pages.ts'
import { type CommonHead, PersonalAnswer, withKeptHead } from '../http/respond.ts'
import { OK } from '../http/success.ts'
import type { AbsentHeaders, HttpResponse } from '../http/types.ts'
import { type Admitted, NOTHING, type Outgoing } from '../identity/presenter.ts'

/** The circuit breaker lets a probe through after one second. */
export const RETRY_AFTER_SECONDS = '2'
/** Nobody: `false`, and seven empty values that a proxy copies over what a client sent. */
const NOBODY: Identity = ['false']

/** Heads that are kept, some kilobyte each: people with the same roles share one. */
const MAX_HEADS = 2000
/** A head would keep hundreds of roles after the cache dropped them. */
const MAX_IDENTITY_CHARACTERS = 512

export function admittedOf (
  { key, credentials }: CredentialContext,
  { userId, identity }: Resolution & { kind: 'valid' },
  digests: Admitted['digests']
): Admitted {
  return { key, credentials, userId, identity, digests, grant: undefined }
}

type AllowUser = (
  resolution: Resolution & { kind: 'valid' },
  source: Source,
  outgoing: Outgoing
) => HttpResponse

/** @returns the answer for one who may pass; its head is kept for a resolution in memory, since it is the hot path */
export function createAllow (absent: AbsentHeaders, reason: AllowReason = 'allowed'): AllowUser {
  const heads = new Map<SharedValues, CommonHead>()
  const presented = new WeakMap<Outgoing, HttpResponse>()
  const remembered = (identity: Identity): HttpResponse => success(identity, reason, 'memory', absent)
  const headersOf = (identity: Identity): readonly string[] => remembered(identity).headers
  function headFor (identity: Identity, shared: SharedValues): CommonHead {
    const head: CommonHead = { headersOf, sent: 0 }
    const characters = valuesOf(identity).reduce<number>((sum, value) => sum + (value?.length ?? 0), 0)
    if (characters > MAX_IDENTITY_CHARACTERS) return head
    if (heads.size >= MAX_HEADS) heads.clear()
    heads.set(shared, head)
    return head
  }
  function present (identity: Identity, outgoing: Outgoing): HttpResponse {
    const answer = withKeptHead(success(identity, reason, 'memory', absent, outgoing))
    presented.set(outgoing, answer)
    return answer
  }
  return ({ identity }, source, outgoing) => {
    if (source !== 'memory') return success(identity, reason, source, absent, outgoing)
    if (outgoing !== NOTHING) return presented.get(outgoing) ?? present(identity, outgoing)
    const { shared } = identity
    // without this value another list names what is absent
    if (shared === undefined || identity.at(AT.authenticatedAt) === undefined) return remembered(identity)
    return new PersonalAnswer(OK, heads.get(shared) ?? headFor(identity, shared), identity)
  }
}

/** A 200 for nobody carries every name whatever the setting: `false`, and the others empty. */
export function allowNobody (reason: AllowReason | RefusalReason, outgoing: Outgoing, source?: Source): HttpResponse {
  return success(NOBODY, reason, source, 'empty', outgoing)
}

/**
 * @param identity one value for each of IDENTITY_HEADERS
 * @param outgoing what goes out beside it; of one identity
 */
export function success (
  identity: Identity,
  reason: AllowReason | RefusalReason,
  source: Source | undefined,
  absent: AbsentHeaders,
  outgoing: Outgoing = NOTHING
): HttpResponse {
  const headers: string[] = ['content-length', '0', ...COMMON, 'x-forward-auth-reason', reason]
  const missing: string[] = []
  IDENTITY_HEADERS.forEach((name, index) => {
    const value = identity.at(index)
    if (value === undefined) missing.push(name)
    // empty ones overwrite what a client sent, at proxies that copy them
    if (value !== undefined || absent === 'empty') headers.push(name, value ?? '')
  })
  for (let i = 0; i + 1 < outgoing.length; i += 2) {
    const [name = '', value = ''] = [outgoing[i], outgoing[i + 1]]
    if (value === '') missing.push(name)
    if (value !== '' || absent === 'empty') headers.push(name, value)
  }
  if (source !== undefined) headers.push('x-forward-auth-source', source)
  if (missing.length > 0) headers.push('x-envoy-auth-headers-to-remove', missing.join(','))
  return { status: OK, headers, body: '' }
}

export type Refusal = Readonly<{
  reason: RefusalReason
  /** A bearer token was among what is refused. */
  bearer: boolean
  challenge?: Challenge | undefined
  audience: Audience
  /** The request id, which a page shows; it is in the log too. */
  reference: string
  /** Target of the page's link, if not the default one; validated. */
  way?: string | undefined
  /** Nobody can sign in at the host of this request. */
  isNowhere?: boolean
  /** The name of the person of this very request. */
  account?: string | undefined
  /** The name that people use for what the policy guards. */
  missing?: string | undefined
  /** The fact that alone keeps the person out. */
  lack?: Lack | undefined
  /** As they arrived; a page reads its language there. */
  rawHeaders?: readonly string[]
}>

/** @param realm AUTHGEAR_ENDPOINT */
export function createRefuse (
  realm: string,
  pages: Pages<RefusalReason> = PLAIN_TEXT.refusals(NO_LINKS)
): (refusal: Refusal) => HttpResponse {
  const [ofTokens, ofOthers] = [new Map<RefusalReason, HttpResponse>(), new Map<RefusalReason, HttpResponse>()]
  return (refusal) => {
    const { reason, bearer, challenge, audience, rawHeaders = [] } = refusal
    if (audience === 'navigation') {
      return refuse(refusal, pages.headers, pages.render(reason, rawHeaders, refusal), realm)
    }
    // programs get one answer for each reason; only challenges differ
    const known = bearer ? ofTokens : ofOthers // a key made of both would be hashed with each request
    const answer =
      (challenge === undefined ? known.get(reason) : undefined) ??
      withKeptHead(refuse(refusal, ['content-type', JSON_TYPE], jsonOf(reason, bearer), realm))
    if (challenge === undefined) known.set(reason, answer)
    return answer
  }
}

/** Sends a person to the login, by an absolute address: Traefik resolves a relative one against our inner address. */
export function sendToLogin (reason: RefusalReason, location: string): HttpResponse {
  return {
    status: 302,
    headers: [
      'location',
      location,
      'content-length',
      '0',
      ...COMMON,
      'x-forward-auth-reason',
      REFUSALS[reason].outward
    ],
    body: ''
  }
}

/** For proxies that cannot pass a redirect on: they make one from this header. */
export function offerLogin (refusal: HttpResponse, location: string): HttpResponse {
  return { ...refusal, headers: [...refusal.headers, 'x-forward-auth-login', location] }
}

function jsonOf (reason: RefusalReason, bearer: boolean): string {
  return JSON.stringify({ error: REFUSALS[reason].outward, message: messageOf(reason, bearer) })
}

function refuse (refusal: Refusal, type: readonly string[], body: string, realm: string): HttpResponse {
  const { status, outward } = REFUSALS[refusal.reason]
  const headers = [
    ...type,
    'content-length',
    String(Buffer.byteLength(body)),
    ...(refusal.audience === 'navigation' ? COMMON_OF_PAGES : COMMON),
    'x-forward-auth-reason',
    outward
  ]
  if (status === 401) headers.push('www-authenticate', challengeOf(refusal, realm))
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS)
  return { status, headers, body }
}

/** RFC 6750, section 3: an error only where a token was sent. RFC 9470, section 3: what would be enough. */
function challengeOf ({ bearer, challenge }: Refusal, realm: string): string {
  const parameters = [`realm="${realm}"`]
  if (challenge === undefined) {
    if (bearer) parameters.push('error="invalid_token"')
  } else {
    parameters.push('error="insufficient_user_authentication"')
    if (challenge.amr.length > 0) parameters.push(`acr_values="${challenge.amr.join(' ')}"`)
    if (challenge.maxAge !== undefined) parameters.push(`max_age="${challenge.maxAge}"`)
  }
  return `Bearer ${parameters.join(', ')}`
}
