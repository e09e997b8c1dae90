import t from 'tap'
import type { LoginPage } from '../../../../src/base/core/reason.ts'
import { PAGE_STATUS } from '../../../../src/parts/login/responses.ts'
import { type Language, WORDS } from '../../../../src/base/pages/language.ts'
import { tabIcon } from '../../../../src/base/http/html.ts'
import { adviceOf } from '../../../../src/parts/login/advice.ts'
import { createLoginPages } from '../../../../src/base/pages/login-page.ts'
import { PLAIN } from '../../../../src/base/pages/settings.ts'

const PAGES = Object.keys(PAGE_STATUS) as LoginPage[]
const pages = createLoginPages(PLAIN, adviceOf('authgear', 'my_session'))
type On = Parameters<typeof pages.render>[2]
const render = (page: LoginPage, on: On): string => pages.render(page, 'en', on).replace(tabIcon(), 'ICON')
const on = { reference: '9f86d081-1a', login: '/_auth/login?rd=https://app.example.com/x?a=1&b="2"' }

for (const page of PAGES) {
  t.test(`the page for ${page}`, async t => {
    const html = render(page, on)
    t.match(html, /^<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/)
    t.equal(/<title>(.+)<\/title>/.exec(html)?.[1], /<h1>(.+)<\/h1>/.exec(html)?.[1], 'is titled by its heading')
    t.match(html, 'Reference: <code>9f86d081-1a</code>')
    t.ok(Buffer.byteLength(html) < 5120, `is small: ${Buffer.byteLength(html)} bytes`)
    t.notOk(
      / style=| on[a-z]+=|<script|<link(?! rel="icon" href="ICON")|<img|<iframe|<form|<base|http-equiv|url\(|@import/i.test(html),
      'has no script and nothing from outside'
    )
    for (const [, href] of html.matchAll(/<a href="([^"]*)"/g)) {
      t.ok(href === '' || href === '/_auth/login?rd=https://app.example.com/x?a=1&amp;b=&quot;2&quot;',
        'leads to the login, or to itself; escaped')
    }
    t.notMatch(html, /\bundefined\b|\[object/)
    t.notMatch(String(PAGE_STATUS[page]), /^[23]/, 'is no success to a proxy')
  })
}

t.test('the operator reads the name of the cookie that did not come', async t => {
  for (const page of ['cookie_missing', 'cookie_unknown'] as const) t.match(render(page, on), '“my_session”')
})

t.test('a reference is text', async t => {
  t.match(render('redirect_loop', on), /a cookie “[^]*http\.cookie_prefix[^]*AUTHGEAR_COOKIE_PREFIX/)
  t.match(render('redirect_loop', { ...on, reference: '<b>&' }), '<code>&lt;b&gt;&amp;</code>')
})

t.test('each page is in each language', async (t) => {
  for (const language of Object.keys(WORDS) as Language[]) {
    for (const page of PAGES) {
      const html = pages.render(page, language, on)
      t.match(html, `<html lang="${language}">`)
      t.notMatch(html, /undefined|\{cookie\}/)
    }
  }
  t.match(
    pages.render('cookie_missing', 'fr', on), /<p class="advice" lang="en">For the people who run this site: the cookie/
  )
})

t.test('where the session is our own, its advice is', async (t) => {
  const own = createLoginPages(PLAIN, adviceOf('own', 'forward-auth'))
  t.match(own.render('redirect_loop', 'en', on), 'the proxy must pass the cookie “forward-auth” on')
  t.notMatch(own.render('redirect_loop', 'en', on), 'http.cookie_domain')
})
