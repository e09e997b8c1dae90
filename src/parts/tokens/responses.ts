import type { Challenge } from '../../base/core/policy.ts'
import { messageOf, REFUSALS, type RefusalReason } from '../../base/core/reason.ts'
import type { ResourceToken } from '../../base/core/resource-token.ts'
import type { TokenNeeds } from './policy.ts'
import { COMMON, JSON_TYPE } from '../../base/http/answers.ts'
import { withKeptHead } from '../../base/http/respond.ts'
import type { AbsentHeaders, HttpResponse } from '../../base/http/types.ts'
import { NOTHING, type Outgoing } from '../../base/identity/presenter.ts'
import { RETRY_AFTER_SECONDS, success } from '../../base/verify/responses.ts'
import { metadataUrlOf, TOKEN_HEADERS } from '../../base/core/protected-resource.ts'

type AllowToken = (token: ResourceToken, source: 'memory' | 'none', outgoing: Outgoing) => HttpResponse

/** @returns the answer for a token that passes; prepared once for each that is remembered, and ends with it */
export function createAllowToken (absent: AbsentHeaders): AllowToken {
  const prepared = new WeakMap<ResourceToken | Outgoing, HttpResponse>()
  return (token, source, outgoing) => {
    if (source === 'none') return allowToken(token, undefined, absent, outgoing)
    const name = outgoing === NOTHING ? token : outgoing
    const known = prepared.get(name)
    if (known !== undefined) return known
    const answer = withKeptHead(allowToken(token, source, absent, outgoing))
    prepared.set(name, answer)
    return answer
  }
}

function allowToken (
  { identity, clientId, scopes }: ResourceToken,
  source: 'memory' | undefined,
  absent: AbsentHeaders,
  outgoing: Outgoing
): HttpResponse {
  return withTokenHeaders(success(identity, 'allowed', source, absent, outgoing), clientId, scopes.join(' '))
}

/** A session's 200: no client and no scope, whatever the request said. */
export function withTokenHeaders (allowed: HttpResponse, clientId = '', scope = ''): HttpResponse {
  return { ...allowed, headers: [...allowed.headers, TOKEN_HEADERS[0], clientId, TOKEN_HEADERS[1], scope] }
}

export type TokenRefusal = Readonly<{
  reason: RefusalReason
  /** A bearer token was sent. */
  bearer: boolean
  challenge?: Challenge | undefined
  /** In the place of the reason's own sentence. */
  message?: string
  /** Seconds, of a 503 that lasts. */
  retryAfter?: string
}>

/** JSON for programs; never a page and never a redirect. */
export function refuseToken (refusal: TokenRefusal, needs: TokenNeeds): HttpResponse {
  const { status, outward } = REFUSALS[refusal.reason]
  const body = JSON.stringify({ error: outward, message: refusal.message ?? messageOf(refusal.reason, true) })
  const headers = [
    'content-type', JSON_TYPE, 'content-length', String(Buffer.byteLength(body)), ...COMMON,
    'x-forward-auth-reason', outward
  ]
  if (status === 401 || refusal.reason === 'insufficient_scope') {
    headers.push('www-authenticate', `Bearer ${[...errorOf(refusal), ...needed(needs)].join(', ')}`)
  }
  if (status === 503) headers.push('retry-after', refusal.retryAfter ?? RETRY_AFTER_SECONDS)
  return { status, headers, body }
}

/** RFC 6750, section 3.1; RFC 9470, section 3. An error only where a token was sent. */
function errorOf ({ reason, bearer, challenge }: TokenRefusal): readonly string[] {
  if (reason === 'insufficient_scope') return ['error="insufficient_scope"']
  if (challenge === undefined) return bearer ? ['error="invalid_token"'] : []
  const { maxAge, amr } = challenge
  return [
    'error="insufficient_user_authentication"',
    ...amr.length > 0 ? [`acr_values="${amr.join(' ')}"`] : [],
    ...maxAge === undefined ? [] : [`max_age="${maxAge}"`]
  ]
}

/** The address of the metadata (RFC 9728, section 5.1) and the scopes to ask for: many clients read nothing else. */
function needed ({ resources: [resource], scopes }: TokenNeeds): readonly string[] {
  return [
    ...resource === undefined ? [] : [`resource_metadata="${metadataUrlOf(resource)}"`],
    ...scopes.length === 0 ? [] : [`scope="${scopes.join(' ')}"`]
  ]
}

/** A session's 401 on `/resource-or-session` says too how a token is got. */
export function withTokenChallenge (refused: HttpResponse, needs: TokenNeeds): HttpResponse {
  if (refused.status !== 401) return refused
  const headers = refused.headers.map((text, index) =>
    index % 2 === 1 && refused.headers[index - 1] === 'www-authenticate' ? [text, ...needed(needs)].join(', ') : text
  )
  return { ...refused, headers }
}

/** RFC 7617. A line of its own before the Bearer challenge: many programs read the first one only. */
export function withBasicChallenge (refused: HttpResponse, resource: string): HttpResponse {
  return { ...refused, headers: ['www-authenticate', `Basic realm="${resource}", charset="UTF-8"`, ...refused.headers] }
}
