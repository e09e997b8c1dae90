import { createHash } from 'node:crypto'
import t from 'tap'
import { REFUSALS, type RefusalReason } from '../../../../src/base/core/reason.ts'
import { NO_LINKS } from '../../../../src/base/http/pages.ts'
import type { Lack } from '../../../../src/base/core/requirement.ts'
import { type Language, WORDS } from '../../../../src/parts/pages/language.ts'
import { tabIcon } from '../../../../src/base/http/html.ts'
import { accountPagesOf } from '../../../../src/parts/pages/account.ts'
import { createPages } from '../../../../src/parts/pages/refusal-page.ts'
import { PLAIN } from '../../../../src/parts/pages/settings.ts'
import { styleOf } from '../../../../src/parts/pages/style.ts'
import { contrast } from '../../../helpers/contrast.ts'

const REASONS = Object.keys(REFUSALS) as RefusalReason[]
const REFERENCE = '9f86d081-1a'
const ACCOUNT = accountPagesOf('https://auth')
const LANGUAGES = Object.keys(WORDS) as Language[]
const pages = createPages()
const inLanguage = (language: Language): readonly string[] => ['Accept-Language', language]
const pageOf = (reason: RefusalReason): string => pages.render(reason, [], { reference: REFERENCE })

const count = (text: string, part: string | RegExp): number => text.split(part).length - 1

for (const reason of REASONS) {
  t.test(`the page for ${reason}`, async t => {
    const html = pageOf(reason).replace(tabIcon(), 'ICON')
    t.match(html, /^<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/,
      'names its language, and its encoding first')
    t.match(html, '<meta name="viewport" content="width=device-width, initial-scale=1">',
      'is as wide as the device, and may be enlarged')
    t.match(html, '<meta name="color-scheme" content="light dark">', 'does not flash white before it is dark')
    t.equal(count(html, '<main>'), 1, 'has one landmark')
    t.equal(count(html, '<h1>'), 1, 'has one heading')
    t.equal(/<title>(.+)<\/title>/.exec(html)?.[1], /<h1>(.+)<\/h1>/.exec(html)?.[1], 'is titled by its heading')
    t.match(html, `Reference: <code>${REFERENCE}</code>`, 'ends with the reference')
    t.ok(Buffer.byteLength(html) < 4608, `is small: ${Buffer.byteLength(html)} bytes`)
    t.notOk(
      / style=| on[a-z]+=|<script|<link(?! rel="icon" href="ICON")|<img|<iframe|<form|<base|http-equiv|url\(|@import|https?:|\/\//i
        .test(html),
      'has no script, no inline handler and nothing from outside'
    )
    t.same([...html.matchAll(/<a href="([^"]*)"/g)].map((match) => match[1]),
      REFUSALS[reason].status === 403 ? [] : [''], 'links to nothing but itself')
    t.notMatch(html, /—|–|\bundefined\b|\[object/, 'has no word that is not one')
  })
}

t.test('what differs only inside is the same page outside', async t => {
  const page = pageOf
  t.equal(page('authgear_misconfigured'), page('authgear_unavailable'))
  for (const reason of REASONS) {
    const twin = REASONS.find(other => other === REFUSALS[reason].outward)
    if (twin !== undefined) t.equal(page(reason), page(twin), `${reason} is shown as ${twin}`)
    if (reason !== 'overloaded') t.notMatch(page(reason), reason, `${reason} is not named`)
  }
})

t.test('the headers', async t => {
  const { headers } = pages
  t.ok(Object.isFrozen(headers))
  const named = Object.fromEntries(headers.flatMap((name, i) => i % 2 === 0 ? [[name, headers[i + 1]]] : []))
  const style = /<style>([^]*)<\/style>/.exec(pageOf('no_credentials'))?.[1] ?? ''
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
  const html = pages.render('no_credentials', [], { reference: '</code><script>alert(1)</script>&"\'' })
  t.match(html, '<code>&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;</code>')
  t.notMatch(html, '<script')
  const pattern = pages.render('no_credentials', [], { reference: '$&$1$`' })
  t.match(pattern, '<code>$&amp;$1$`</code>', 'no pattern of a replacement')
})

const PAIRS = [['ink', 'paper'], ['soft', 'paper'], ['mark', 'paper'], ['mark', 'halo'], ['on', 'mark']] as const
t.test('legible in light and in dark: contrast of text 4.5 at least, of outlines 3', async t => {
  const [light = '', dark = ''] = [...styleOf().matchAll(/:root\{([^}]*)\}/g)].map(match => match[1] ?? '')
  for (const [scheme, declarations] of Object.entries({ light, dark })) {
    const colours = new Map(
      [...declarations.matchAll(/--([a-z]+):(#[\da-f]+)/g)].map((match) => [match[1], match[2] ?? ''])
    )
    const ratio = (front: string, back: string): number => contrast(colours.get(front) ?? '', colours.get(back) ?? '')
    for (const [front, back] of PAIRS) {
      t.ok(ratio(front, back) >= 4.5, `${scheme}: ${front} on ${back}: ${ratio(front, back).toFixed(2)}`)
    }
    t.ok(ratio('mark', 'paper') >= 3, `${scheme}: the link's outline`)
  }
  t.equal(contrast('#000', '#ffffff'), 21, 'computed as WCAG does')
})

t.test('the page of a cookie that cannot be one names the cure', async (t) => {
  t.match(pageOf('malformed_credentials'), /http\.cookie_prefix[^]*AUTHGEAR_COOKIE_PREFIX/)
})

type Link = readonly [href: string, text: string]
const LINKED: ReadonlyArray<readonly [reason: RefusalReason, links: readonly Link[]]> = [
  ['no_credentials', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['invalid_session', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['step_up_required', [['/login?a=1&b', 'Sign in'], ['', 'Try again']]],
  ['ambiguous_credentials', [['', 'Try again']]],
  ['forbidden', [['/other', 'Use another account']]],
  ['bad_policy', [['/other', 'Use another account']]],
  ['authgear_unavailable', [['', 'Try again']]]
]
const linksIn = (html: string): readonly Link[] =>
  Array.from(html.matchAll(/<a(?: class="quiet")? href="([^"]*)">([^<]*)</g), ([, href = '', text = '']) => [href, text])

t.test('a page offers what the operator has set, where that helps', async (t) => {
  const linked = createPages(PLAIN, { signIn: '/login?a=1&b', changeUser: '/other' })
  for (const [reason, links] of LINKED) {
    const page = linked.render(reason, [], { reference: REFERENCE })
    t.strictSame(linksIn(page).map(([href, text]) => [href.replace('&amp;', '&'), text]), links, reason)
    const elsewhere = linksIn(linked.render(reason, [], { reference: REFERENCE, way: '/x"&' }))
    t.strictSame(elsewhere.map(([to]) => to), links.map(([href]) => href === '' ? '' : '/x&quot;&amp;'))
  }
})

const LACKS = {
  verified_address: [['https://auth/settings', 'Account settings'], ['/change', 'Sign in again']],
  allowed_address: [['/change', 'Use another account'], ['https://auth/settings/sessions', 'Your sessions']],
  group: [['/change', 'Use another account'], ['https://auth/settings/sessions', 'Your sessions']]
} as const satisfies Record<Lack, readonly Link[]>
t.test('a 403 by address or group says so in each language, and what helps', async (t) => {
  const linked = createPages(PLAIN, { signIn: '/login', changeUser: '/change' }, ACCOUNT)
  const alone = createPages(PLAIN, NO_LINKS, ACCOUNT)
  const isAuthgears = (href: string): boolean => href.startsWith('https://auth/')
  for (const [lack, links] of Object.entries(LACKS) as ReadonlyArray<[Lack, readonly Link[]]>) {
    for (const language of LANGUAGES) {
      const html = linked.render('forbidden', inLanguage(language), { reference: REFERENCE, lack })
      t.match(html, `<p>${WORDS[language][`lacks.${lack}`]}</p>`)
      t.equal(html.includes(WORDS[language]['lacks.verified_address.advice']), lack === 'verified_address')
      t.notMatch(html, WORDS[language]['refusals.forbidden.message'])
    }
    const on = { reference: REFERENCE, lack }
    t.strictSame(linksIn(linked.render('forbidden', [], on)), links, lack)
    t.strictSame(linksIn(alone.render('forbidden', [], on)), links.filter(([href]) => isAuthgears(href)), 'no login')
    const elsewhere = linksIn(linked.render('forbidden', [], { ...on, way: '/x' }))
    t.strictSame(elsewhere, links.map(([href, text]) => [isAuthgears(href) ? href : '/x', text]), 'the way on')
  }
})

t.test('a 403 alone links to the sessions at Authgear, in each language', async (t) => {
  const pages = createPages(PLAIN, { signIn: '/login', changeUser: '/change' }, ACCOUNT)
  for (const language of LANGUAGES) {
    for (const reason of REASONS) {
      const link = [ACCOUNT.sessions, WORDS[language]['actions.openSessions']]
      const html = pages.render(reason, inLanguage(language), { reference: REFERENCE })
      const found = linksIn(html).filter(([href]) => href === ACCOUNT.sessions)
      t.strictSame(found, REFUSALS[reason].status === 403 ? [link] : [], `${language} ${reason}`)
    }
  }
  const alone = createPages(PLAIN, NO_LINKS, ACCOUNT).render('forbidden', [], { reference: REFERENCE })
  t.match(alone, `<nav><a class="quiet" href="${ACCOUNT.sessions}">`, 'it is no filled button, even alone')
})

t.test('without a login anywhere a page says whom to ask', async (t) => {
  for (const reason of ['no_credentials', 'invalid_session', 'step_up_required', 'forbidden'] as const) {
    t.match(pageOf(reason), /ask the people who run this site, or whoever gave you its address/)
  }
})

t.test('each page is in each language, and says so', async (t) => {
  for (const language of LANGUAGES) {
    for (const reason of REASONS) {
      const html = pages.render(reason, inLanguage(language), { reference: REFERENCE, account: 'Alice' })
      t.match(html, `<html lang="${language}">`)
      t.notMatch(html, /[{}](?:account|name)|undefined/)
      if (language !== 'en') t.not(/<h1>(.+)<\/h1>/.exec(html)?.[1], /<h1>(.+)<\/h1>/.exec(pageOf(reason))?.[1])
    }
  }
  const operators = /<p class="advice" lang="en">For the people who run this site: [^<]+<\/p>/
  const page = pages.render('malformed_credentials', inLanguage('ja'), { reference: REFERENCE })
  t.match(page, operators, 'theirs are in English')
})

const BRANDED = {
  brandName: 'A & B',
  brandLogo: 'data:image/png;base64,AAAA',
  brandColor: '#ffcc00',
  deniedText: 'Ask <Kim>',
  supportUrl: 'mailto:a@b'
}

t.test('a 403 names the account, what is missing, whom to ask, and the way to another', async (t) => {
  const { render } = createPages(BRANDED, { signIn: '/login', changeUser: '/change' })
  const html = render('forbidden', [], { reference: REFERENCE, account: '<b>alice@x', missing: 'Finance reports' })
  t.match(html, '<p>You are signed in as <b>&lt;b&gt;alice@x</b>.</p>')
  t.match(html, '<p>What is missing: <b>Finance reports</b>.</p>')
  t.match(html, '<p lang="">Ask &lt;Kim&gt;</p>')
  t.match(html, '<nav><a href="/change">Use another account</a><a href="mailto:a@b">Get help</a></nav>')
  t.notMatch(html, 'If you think that it should', 'the operator has said it')
  const german = render('forbidden', inLanguage('de'), { reference: REFERENCE, account: 'a' })
  t.match(german, 'Sie sind angemeldet als <b>a</b>.')
})

t.test('the brand is on each page, and nothing of it is loaded', async (t) => {
  const { render, headers } = createPages(BRANDED)
  for (const reason of REASONS) {
    const html = render(reason, [], { reference: REFERENCE })
    t.match(html, /<title>[^<]+ · A &amp; B<\/title>/)
    t.match(html, '<header><img src="data:image/png;base64,AAAA" alt=""><span>A &amp; B</span></header>')
    t.match(html, '<link rel="icon" href="data:image/png;base64,AAAA">')
    const style = /<style>([^]*)<\/style>/.exec(html)?.[1] ?? ''
    t.match(headers[3], `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  }
})

/** Down to the worst: no colour is legible on its own paper everywhere. */
const COLOURS = ['#ffcc00', '#ffffff', '#000000', '#808080', '#ff0000', '#0b6e4f', '#1b2029', '#7f7fff']
t.test('any colour of a brand is legible, in light and in dark', async (t) => {
  for (const colour of COLOURS) {
    const [light = '', dark = ''] = [...styleOf(colour).matchAll(/:root\{([^}]*)\}/g)].map((match) => match[1] ?? '')
    for (const declarations of [light, dark]) {
      const of = (name: string): string => new RegExp(`--${name}:(#[0-9a-f]+)`).exec(declarations)?.[1] ?? ''
      for (const [front, back] of [['mark', 'paper'], ['mark', 'halo'], ['on', 'mark']] as const) {
        const ratio = contrast(of(front), of(back))
        t.ok(ratio >= 4.5, `${colour}: ${front} ${of(front)} on ${back} ${of(back)}: ${ratio.toFixed(2)}`)
      }
    }
  }
  t.match(styleOf('#0b6e4f'), '--mark:#0b6e4f', 'one that is legible stays')
})

/** deploy/traefik: maxResponseBodySize. */
const PROXY_TAKES = 64 * 1024
t.test('the largest page of all is one that every proxy passes on', async (t) => {
  const largest = createPages({
    brandName: '<'.repeat(60),
    brandLogo: `data:image/svg+xml;base64,${Buffer.alloc(16 * 1024).toString('base64')}`,
    brandColor: '#000000',
    deniedText: '<'.repeat(500),
    supportUrl: `https://${'&'.repeat(500)}`
  }, { signIn: `/${'&'.repeat(500)}`, changeUser: `/${'&'.repeat(500)}` }, accountPagesOf(`https://${'a'.repeat(253)}`))
  for (const language of LANGUAGES) {
    const on = {
      reference: 'W'.repeat(128),
      account: '字'.repeat(256),
      missing: 'W'.repeat(60),
      way: '&'.repeat(2048).padEnd(2500, 'a'), // an address to come back to has 2048 characters at most
      lack: 'verified_address'
    } as const
    const bytes = Buffer.byteLength(largest.render('forbidden', inLanguage(language), on))
    t.ok(bytes < PROXY_TAKES, `${language}: ${bytes} bytes`)
  }
})
