import type { Test } from 'tap'
import { tabIcon } from '../../src/base/http/html.ts'
import { headersOf, styleOf } from '../../src/parts/pages/style.ts'
import type { Answered } from './in-process-over.ts'

const [, , , CONTENT_SECURITY_POLICY] = headersOf(styleOf())

/** A browser that goes to a page from its address bar. */
export const STRICT = {
  'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none', accept: 'text/html'
}

/** Where people may be sent: Authgear, and allowed hosts over https. */
const ALLOWED =
  /^https:\/\/(?:auth\.example\.com|app\.example\.com|(?:[a-z0-9-]+\.)+apps\.example\.com)\/[!-~]*$/

/** What holds of every answer of the login's routes. */
export async function checkLoginAnswer (t: Test, { status, headers, body }: Answered, what: string): Promise<void> {
  const isOut = headers['x-forward-auth-reason'] === 'signed_out'
  t.ok([302, 303, 400, 403, 503].includes(status) || (isOut && status === 200), `${what}: ${status} is no success`)
  t.match(headers, {
    'cache-control': 'no-store',
    'x-forward-auth-reason': /^[a-z_]+$/,
    'content-length': String(Buffer.byteLength(body))
  })
  t.strictSame(
    Object.keys(headers).filter(
      (name) => name.startsWith('x-authgear-') || ['refresh', 'link', 'etag', 'x-forward-auth-source'].includes(name)
    ),
    [],
    'no identity'
  )
  for (const line of [headers['set-cookie'] ?? []].flat()) {
    t.match(
      line, /^__Host-forward-auth-log(?:in|out)=[\w-]*; Max-Age=(?:600|0); Path=\/; Secure; HttpOnly; SameSite=Lax$/
    )
  }
  if (status === 302 || status === 303) {
    t.match(headers['location'], ALLOWED, what)
    t.equal(body, '')
    return
  }
  t.notOk('location' in headers)
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer'
  })
  t.notMatch(body, /<script|<iframe|<form|<img|src=|\son\w+=|http-equiv/i, 'no script, nothing from outside')
  t.match(body, `<link rel="icon" href="${tabIcon()}">`, 'a browser asks the app for no icon')
  const links = [...body.matchAll(/<a href="([^"]*)"/g)].map(([, href = '']) => href)
  for (const href of links) {
    t.match(
      href,
      /^(?:|\/_auth\/login(?:\?rd=https:\/\/(?:app|(?:[a-z0-9-]+\.)+apps)\.example\.com(?:\/[^"<>]*)?)?)$/,
      'no link but to the login or to itself'
    )
  }
}
