import type { Test } from 'tap'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import { tabIcon } from '../../src/base/http/html.ts'
import { headersOf, styleOf } from '../../src/parts/pages/style.ts'
import type { Answered } from './in-process-over.ts'

const [, , , CONTENT_SECURITY_POLICY] = headersOf(styleOf())

export interface Circumstances {
  /** AUTHGEAR_ENDPOINT */
  readonly realm: string
  /** A HEAD request's: the body is empty, its length is said all the same. */
  readonly head?: boolean
  /** Who refused; `program` unless it was a browser's navigation. */
  readonly audience?: 'navigation' | 'program'
}

const ONLY_ON_200 = ['x-forward-auth-source', 'x-envoy-auth-headers-to-remove']

/** What holds of every answer of /verify and /identify, whatever the situation (docs/interface.md, "Answers"). */
export function checkInvariants (t: Test, answered: Answered, circumstances: Circumstances): void {
  const { status, headers } = answered
  if (answered.removed !== undefined) return checkGrpcSuccess(t, answered, answered.removed)
  t.match(headers, {
    'cache-control': 'no-store',
    vary: 'Authorization, Cookie',
    'x-request-id': /./,
    'x-forward-auth-reason': /^[a-z_]+$/
  })
  for (const never of ['set-cookie', 'etag', 'last-modified', 'location']) t.notOk(headers[never], `no ${never}`)
  if (status === 200) checkSuccess(t, answered)
  else checkRefusal(t, answered, circumstances)
}

function identityNames ({ headers }: Answered): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('x-authgear-')).sort()
}

function checkSuccess (t: Test, answered: Answered): void {
  const { headers, body } = answered
  t.same(identityNames(answered), [...IDENTITY_HEADERS].sort(), 'all identity headers (IDENTITY_HEADERS)')
  t.equal(body, '')
  t.match(headers, { 'content-length': '0', 'x-forward-auth-source': /^(memory|redis|authgear)$/ })
  for (const refusing of ['www-authenticate', 'retry-after', 'content-type']) {
    t.notOk(headers[refusing], `no ${refusing}`)
  }
}

/** Envoy sets what has a value and removes every other name; a client's own never gets past. */
function checkGrpcSuccess (t: Test, { status, headers }: Answered, removed: readonly string[]): void {
  t.equal(status, 200)
  const { 'x-forward-auth-reason': reason, 'x-forward-auth-source': _, ...set } = headers
  t.match(reason, /^[a-z_]+$/)
  const names = Object.keys(set)
  t.same(names.filter((name) => !(IDENTITY_HEADERS as readonly string[]).includes(name)), [], 'nothing else is set')
  for (const name of [...IDENTITY_HEADERS, 'x-authgear-scope', 'remote-user', 'x-forward-auth-assertion']) {
    t.equal(names.includes(name) !== removed.includes(name), true, `${name} is set or removed`)
  }
}

function checkRefusal (
  t: Test,
  answered: Answered,
  { realm, head = false, audience = 'program' }: Circumstances
): void {
  const { status, headers, body } = answered
  t.ok([401, 403, 503].includes(status), `${status} refuses`)
  t.same(identityNames(answered), [], 'no identity header on a refusal')
  for (const name of ONLY_ON_200) t.notOk(headers[name], `no ${name}`)
  if (status === 401) t.ok(String(headers['www-authenticate']).startsWith(`Bearer realm="${realm}"`))
  else t.notOk(headers['www-authenticate'], 'a challenge with 401 only')
  if (status === 503) t.match(headers['retry-after'], /^\d+$/)
  else t.notOk(headers['retry-after'], 'another try with 503 only')
  if (head) {
    t.equal(body, '')
    t.match(headers['content-length'], /^[1-9]\d+$/)
    return
  }
  t.equal(headers['content-length'], String(Buffer.byteLength(body)))
  if (audience === 'navigation') checkPage(t, answered)
  else checkJson(t, answered)
}

function checkJson (t: Test, { headers, body }: Answered): void {
  t.equal(headers['content-type'], 'application/json; charset=utf-8')
  const { error, message, ...more } = JSON.parse(body) as Record<string, unknown>
  t.equal(error, headers['x-forward-auth-reason'])
  t.match(message, /^[A-Z][^<>]+\.$/)
  t.same(more, {}, 'nothing else in it')
}

function checkPage (t: Test, { headers, body }: Answered): void {
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer'
  })
  t.match(CONTENT_SECURITY_POLICY, /^default-src 'none'; img-src data:; style-src 'sha256-[^']+';/)
  t.match(headers['vary'], 'Authorization, Cookie, Accept-Language')
  t.match(body, /^<!DOCTYPE html>\n<html lang="en">/)
  t.match(body, `<link rel="icon" href="${tabIcon()}">`, 'a browser asks the app for no icon')
  const own = body.replace(/<a(?: class="quiet")? href="https?:\/\/[^"/]+\/settings\/sessions"/, '')
  t.notMatch(own, /<script|<iframe|<form|<img|src=|https?:|\son\w+=/i, 'no script, and one link to the outside at most')
  t.same([...body.matchAll(/<code>([^<]*)<\/code>/g)].map(([, reference]) => reference), [headers['x-request-id']],
    'the reference is the request id')
}
