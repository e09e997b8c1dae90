import { createHash } from 'node:crypto'
import t from 'tap'
import { REFUSALS, type RefusalReason } from '../../../src/core/reason.ts'
import { escapeHtml, STYLE } from '../../../src/request/pages/layout.ts'
import { createPages } from '../../../src/request/pages/refusal-page.ts'
import { contrast } from '../../helpers/contrast.ts'

const REASONS = Object.keys(REFUSALS) as RefusalReason[]
const REFERENCE = '9f86d081-1a'
const pageOf = createPages()

const count = (text: string, part: string | RegExp): number => text.split(part).length - 1

for (const reason of REASONS) {
  t.test(`the page for ${reason}`, async t => {
    const html = pageOf(reason).render(REFERENCE)
    t.match(
      html,
      /^<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/,
      'names its language, and its encoding first'
    )
    t.match(
      html,
      '<meta name="viewport" content="width=device-width, initial-scale=1">',
      'is as wide as the device, and may be enlarged'
    )
    t.match(html, '<meta name="color-scheme" content="light dark">', 'does not flash white before it is dark')
    t.equal(count(html, '<main>'), 1, 'has one landmark')
    t.equal(count(html, '<h1>'), 1, 'has one heading')
    t.equal(/<title>(.+)<\/title>/.exec(html)?.[1], /<h1>(.+)<\/h1>/.exec(html)?.[1], 'is titled by its heading')
    t.match(html, escapeHtml(REFUSALS[reason].message), 'says the sentence of the refusal')
    t.match(html, `Reference: <code>${REFERENCE}</code>`, 'ends with the reference')
    t.ok(Buffer.byteLength(html) < 4096, `is small: ${Buffer.byteLength(html)} bytes`)
    t.notOk(
      / style=| on[a-z]+=|<script|<link(?! rel="icon" href="data:,")|<img|<iframe|<form|<base|http-equiv|url\(|@import|https?:|\/\//i
        .test(html),
      'has no script, no inline handler and nothing from outside'
    )
    t.same(
      [...html.matchAll(/<a href="([^"]*)"/g)].map((match) => match[1]),
      REFUSALS[reason].status === 403 ? [] : [''],
      'links to nothing but itself'
    )
    t.notMatch(html, /—|–|\bundefined\b|\[object/, 'has no word that is not one')
  })
}

t.test('what differs only inside is the same page outside', async t => {
  const page = (reason: RefusalReason): string => pageOf(reason).render(REFERENCE)
  t.equal(page('authgear_misconfigured'), page('authgear_unavailable'))
  for (const reason of REASONS) {
    const twin = REASONS.find(other => other === REFUSALS[reason].outward)
    if (twin !== undefined) t.equal(page(reason), page(twin), `${reason} is shown as ${twin}`)
    if (reason !== 'overloaded') t.notMatch(page(reason), reason, `${reason} is not named`)
  }
})

t.test('prepared once: the same page and headers for every request', async t => {
  t.equal(pageOf('no_credentials'), pageOf('no_credentials'))
  t.equal(pageOf('no_credentials').headers, pageOf('bad_policy').headers)
  t.ok(Object.isFrozen(pageOf('no_credentials').headers))
})

t.test('the headers', async t => {
  const { headers } = pageOf('no_credentials')
  const named = Object.fromEntries(headers.flatMap((name, i) => i % 2 === 0 ? [[name, headers[i + 1]]] : []))
  const style = /<style>([^]*)<\/style>/.exec(pageOf('no_credentials').render(REFERENCE))?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.same(
    named,
    {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; base-uri 'none'; form-action ` +
        '\'none\'; frame-ancestors \'none\'',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer'
    },
    'allow the one style by its hash, the empty icon, and nothing else'
  )
})

t.test('a reference is text, whatever it is', async t => {
  const html = pageOf('no_credentials').render('</code><script>alert(1)</script>&"\'')
  t.match(html, '<code>&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;</code>')
  t.notMatch(html, '<script')
  t.match(pageOf('no_credentials').render('$&$1$`'), '<code>$&amp;$1$`</code>', 'no pattern of a replacement')
})

t.test('legible in light and in dark: contrast of text 4.5 at least, of outlines 3', async t => {
  const [light = '', dark = ''] = [...STYLE.matchAll(/:root\{([^}]*)\}/g)].map(match => match[1] ?? '')
  for (const [scheme, declarations] of Object.entries({ light, dark })) {
    const colours = new Map(
      [...declarations.matchAll(/--([a-z]+):(#[\da-f]+)/g)].map((match) => [match[1], match[2] ?? ''])
    )
    const ratio = (front: string, back: string): number => contrast(colours.get(front) ?? '', colours.get(back) ?? '')
    for (const [front, back] of [['ink', 'paper'], ['soft', 'paper'], ['mark', 'paper'], ['mark', 'halo']] as const) {
      t.ok(ratio(front, back) >= 4.5, `${scheme}: ${front} on ${back}: ${ratio(front, back).toFixed(2)}`)
    }
    t.ok(ratio('mark', 'paper') >= 3, `${scheme}: the link's outline`)
  }
  t.equal(contrast('#000', '#ffffff'), 21, 'computed as WCAG does')
})

t.test('the page of a cookie that cannot be one names the cure', async (t) => {
  t.match(pageOf('malformed_credentials').render(REFERENCE), /http\.cookie_prefix[^]*AUTHGEAR_COOKIE_PREFIX/)
})

type Link = readonly [href: string, text: string]
const LINKED: ReadonlyArray<readonly [reason: RefusalReason, links: readonly Link[]]> = [
  ['no_credentials', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['invalid_session', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['step_up_required', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['ambiguous_credentials', [['', 'Try again']]],
  ['forbidden', [['/other', 'Sign in as somebody else']]],
  ['bad_policy', [['/other', 'Sign in as somebody else']]],
  ['authgear_unavailable', [['', 'Try again']]]
]
t.test('a page offers what the operator has set, where that helps', async (t) => {
  const linked = createPages({ signIn: '/login?a=1&b', changeUser: '/other' })
  for (const [reason, links] of LINKED) {
    const page = linked(reason).render(REFERENCE)
    const found = page.matchAll(/<a href="([^"]*)">([^<]*)</g)
    t.strictSame(Array.from(found, ([, href = '', text]) => [href.replace('&amp;', '&'), text]), links, reason)
    const elsewhere = linked(reason).render(REFERENCE, '/x"&').matchAll(/<a href="([^"]*)"/g)
    t.strictSame(Array.from(elsewhere, ([, to]) => to), links.map(([href]) => href === '' ? '' : '/x&quot;&amp;'))
  }
})

t.test('without a login anywhere a page says whom to ask', async (t) => {
  for (const reason of ['no_credentials', 'invalid_session', 'step_up_required', 'forbidden'] as const) {
    t.match(pageOf(reason).render(REFERENCE), /ask the people who run this site, or whoever gave you its address/)
  }
})
