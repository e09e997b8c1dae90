import { IDENTITY_HEADERS, type Identity, type Resolution } from '../core/resolution.ts'
import { REFUSALS, type RefusalReason } from '../core/reason.ts'
import type { Source } from '../authenticate.ts'

/** One whole answer: flat name, value, … so that both protocols take it as it is. */
export type Answer = Readonly<{ status: number, headers: readonly string[], body: string }>

export type AbsentHeaders = 'empty' | 'omit'

/** On every answer of this listener: nothing may be kept by anybody, and what it depends on. */
const COMMON = ['cache-control', 'no-store', 'vary', 'Authorization, Cookie'] as const
/** Seconds; the breaker lets a probe through after one. */
const RETRY_AFTER = '2'
const JSON_TYPE = 'application/json; charset=utf-8'

/** @returns the answer for one who may pass; prepared once for each resolution and source, since it is the hot path */
export function createAllow (absent: AbsentHeaders): (resolution: Resolution & { kind: 'valid' }, source: Source) => Answer {
  const prepared = new WeakMap<Resolution, Partial<Record<Source, Answer>>>()
  return (resolution, source) => {
    const answers = prepared.get(resolution) ?? {}
    const answer = answers[source] ?? allow(resolution.identity, source, absent)
    if (answers[source] === undefined) prepared.set(resolution, { ...answers, [source]: answer })
    return answer
  }
}

function allow (identity: Identity, source: Source, absent: AbsentHeaders): Answer {
  const headers: string[] = ['content-length', '0', ...COMMON]
  const missing: string[] = []
  IDENTITY_HEADERS.forEach((name, index) => {
    const value = identity[index]
    if (value === undefined) missing.push(name)
    // empty ones overwrite what a client sent, at proxies that copy them
    if (value !== undefined || absent === 'empty') headers.push(name, value ?? '')
  })
  headers.push('x-forward-auth-source', source, 'x-forward-auth-reason', 'allowed')
  if (missing.length > 0) headers.push('x-envoy-auth-headers-to-remove', missing.join(','))
  return { status: 200, headers, body: '' }
}

/** @param realm AUTHGEAR_ENDPOINT; nothing of the request is echoed */
export function createRefuse (realm: string): (reason: RefusalReason, withBearer: boolean) => Answer {
  const answers = new Map<string, Answer>()
  return (reason, withBearer) => {
    const name = `${reason} ${withBearer}`
    const known = answers.get(name)
    if (known !== undefined) return known
    const answer = refuse(reason, withBearer, realm)
    answers.set(name, answer)
    return answer
  }
}

function refuse (reason: RefusalReason, withBearer: boolean, realm: string): Answer {
  const { status, outward, message } = REFUSALS[reason]
  const body = JSON.stringify({ error: outward, message })
  const headers: string[] = ['content-type', JSON_TYPE, 'content-length', String(Buffer.byteLength(body)), ...COMMON, 'x-forward-auth-reason', outward]
  // RFC 6750, section 3.1: an error only where a token was sent
  if (status === 401) headers.push('www-authenticate', `Bearer realm="${realm}"${withBearer ? ', error="invalid_token"' : ''}`)
  if (status === 503) headers.push('retry-after', RETRY_AFTER)
  return { status, headers, body }
}

export const NOT_FOUND: Answer = Object.freeze({
  status: 404,
  headers: ['content-type', JSON_TYPE, 'content-length', '21', ...COMMON, 'x-forward-auth-reason', 'not_found'],
  body: '{"error":"not_found"}'
})
