import t from 'tap'
import type { LoginPage } from '../../../../src/base/core/reason.ts'
import { type Language, WORDS } from '../../../../src/parts/pages/language.ts'
import { tabIcon } from '../../../../src/base/http/html.ts'
import { accountPagesOf } from '../../../../src/parts/pages/account.ts'
import { createLoginPages } from '../../../../src/parts/pages/login-page.ts'
import { PLAIN } from '../../../../src/parts/pages/settings.ts'

const PAGES = Object.keys(WORDS.en).flatMap((key) => /^logins\.(\w+)\.title$/.exec(key)?.[1] ?? []) as LoginPage[]
const ADVICE = 'For the people who run this site: <look> here.'
const pages = createLoginPages(PLAIN, (page) => page === 'cookie_missing' ? [ADVICE] : [])
const inLanguage = (language: Language): readonly string[] => ['Accept-Language', language]
type On = Parameters<typeof pages.render>[2]
const render = (page: LoginPage, on: On): string => pages.render(page, [], on).replace(tabIcon(), 'ICON')
const on = { reference: '9f86d081-1a', way: '/_auth/login?rd=https://app.example.com/x?a=1&b="2"' }

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
  })
}

t.test('a reference is text', async t => {
  t.match(render('redirect_loop', { ...on, reference: '<b>&' }), '<code>&lt;b&gt;&amp;</code>')
})

t.test('the signed-out page alone links to the sessions at Authgear, in each language', async (t) => {
  const { sessions } = accountPagesOf('https://auth')
  const { render } = createLoginPages(PLAIN, () => [], accountPagesOf('https://auth'))
  for (const language of Object.keys(WORDS) as Language[]) {
    const link = `<a class="quiet" href="${sessions}">${WORDS[language]['actions.openSessions']}</a>`
    for (const page of PAGES) {
      t.equal(render(page, inLanguage(language), on).includes(link), page === 'signed_out', `${language} ${page}`)
    }
    t.match(render('signed_out', inLanguage(language), on), `</a>${link}</nav>`, 'after the way to sign in')
  }
})

t.test('each page is in each language', async (t) => {
  for (const language of Object.keys(WORDS) as Language[]) {
    for (const page of PAGES) {
      const html = pages.render(page, inLanguage(language), on)
      t.match(html, `<html lang="${language}">`)
      t.notMatch(html, /undefined|\{cookie\}/)
    }
  }
  const advice = '<p class="advice" lang="en">For the people who run this site: &lt;look&gt; here.</p>'
  t.match(pages.render('cookie_missing', inLanguage('fr'), on), advice)
})
