import t from 'tap'
import type { LoginPage } from '../../../src/core/reason.ts'
import { PAGE_STATUS } from '../../../src/request/login/responses.ts'
import { createLoginPages } from '../../../src/request/pages/login-page.ts'

const PAGES = Object.keys(PAGE_STATUS) as LoginPage[]
const render = createLoginPages('my_session')
const on = { reference: '9f86d081-1a', login: '/_auth/login?rd=https://app.example.com/x?a=1&b="2"' }

for (const page of PAGES) {
  t.test(`the page for ${page}`, async t => {
    const html = render(page, on)
    t.match(html, /^<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/)
    t.equal(/<title>(.+)<\/title>/.exec(html)?.[1], /<h1>(.+)<\/h1>/.exec(html)?.[1], 'is titled by its heading')
    t.match(html, 'Reference: <code>9f86d081-1a</code>')
    t.ok(Buffer.byteLength(html) < 4608, `is small: ${Buffer.byteLength(html)} bytes`)
    t.notOk(
      / style=| on[a-z]+=|<script|<link(?! rel="icon" href="data:,")|<img|<iframe|<form|<base|http-equiv|url\(|@import/i.test(html),
      'has no script and nothing from outside'
    )
    for (const [, href] of html.matchAll(/<a href="([^"]*)"/g)) {
      t.ok(
        href === '' || href === '/_auth/login?rd=https://app.example.com/x?a=1&amp;b=&quot;2&quot;',
        'leads to the login, or to itself; escaped'
      )
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
