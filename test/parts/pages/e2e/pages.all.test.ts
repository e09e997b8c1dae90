import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { type LoginPage, REFUSALS, type RefusalReason } from '../../../../src/base/core/reason.ts'
import { PAGE_STATUS } from '../../../../src/parts/login/flow/responses.ts'
import type { Language } from '../../../../src/parts/pages/language.ts'
import { accountPagesOf } from '../../../../src/parts/pages/account.ts'
import { createLoginPages } from '../../../../src/parts/pages/login-page.ts'
import { createPages } from '../../../../src/parts/pages/refusal-page.ts'
import { PLAIN } from '../../../../src/parts/pages/settings.ts'
import { seriousOf } from '../../../helpers/axe.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../../../helpers/chromium.ts'
import { listenFree } from '../../../helpers/listen-free.ts'
import { contrast } from '../../../helpers/contrast.ts'
import { keepPicture, takeDocsPicture } from '../../../helpers/docs-picture.ts'
import { until } from '../../../helpers/until.ts'

const REFERENCE = '9f86d081884c-2x'
/** The longest that a request id may be, without a place to break it. */
const LONGEST = 'W'.repeat(128)
const plain = createPages()
const LINKS = { signIn: '/login', changeUser: '/change' }
const ACCOUNT = accountPagesOf('https://auth.example.com')
const linked = createPages(PLAIN, LINKS, ACCOUNT)
const logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#0b6e4f"/></svg>'
const BRAND = {
  brandName: 'Acme',
  brandLogo: `data:image/svg+xml;base64,${Buffer.from(logo).toString('base64')}`,
  brandColor: '#0b6e4f',
  deniedText: undefined,
  supportUrl: 'mailto:help@example.com'
}
const branded = createPages(BRAND, LINKS, ACCOUNT)
const loginPages = createLoginPages(BRAND, () => ['For the people who run this site: '.padEnd(400, 'x ')], ACCOUNT)
/** One reason for each page that looks different. */
const REASONS = (Object.keys(REFUSALS) as RefusalReason[]).filter((reason, i, all) => {
  const seen = (one: RefusalReason): string => plain.render(one, [], { reference: '' })
  return all.findIndex((other) => seen(other) === seen(reason)) === i
})
const LOGIN_PAGES = Object.keys(PAGE_STATUS) as LoginPage[]
/** Of each page: how it is asked for, and its status. */
const PAGES: ReadonlyArray<readonly [path: string, status: number]> = [
  ...REASONS.map((reason) => [reason, REFUSALS[reason].status] as const),
  ...REASONS.map((reason) => [`branded/${reason}`, REFUSALS[reason].status] as const),
  ...LOGIN_PAGES.map((page) => [page, PAGE_STATUS[page]] as const)
]

const PICTURES = [
  ['linked/forbidden', 'en', 'light', 'page-403'],
  ['branded/forbidden', 'en', 'light', 'page-403-brand'],
  ['branded/forbidden', 'de', 'dark', 'page-403-de'],
  ['unverified/forbidden', 'en', 'light', 'page-403-unverified']
] as const

type View = Readonly<{ language: Language, width: number, scheme: 'light' | 'dark', reference?: string }>
/** Each language in each width and each scheme, and each width in each scheme. */
const VIEWS: readonly View[] = [
  { language: 'en', width: 390, scheme: 'light' },
  { language: 'en', width: 1280, scheme: 'dark' },
  { language: 'de', width: 390, scheme: 'dark' },
  { language: 'de', width: 1280, scheme: 'light' },
  { language: 'ja', width: 320, scheme: 'light', reference: LONGEST }
]

t.test('the pages in a real Chromium', { skip: skipOrFailWithoutChromium() }, async t => {
  const origin = await serve(t)
  const browser = await launchChromium()
  t.teardown(() => browser.close())

  for (const view of VIEWS) {
    const { language, width, scheme, reference = REFERENCE } = view
    t.test(`${language}, ${width} px, ${scheme}`, async t => {
      const { page, complaints, asked } = await open(
        t, browser, { colorScheme: scheme, viewport: { width, height: 760 } }
      )
      for (const [path, status] of PAGES) {
        await t.test(path, async t => {
          const url = `${origin}/${path}?language=${language}&reference=${reference}`
          const response = await page.goto(url)
          t.equal(response?.status(), status, 'is that page')
          t.same(asked.splice(0), [url], 'asks for nothing else')
          t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
          t.match(await page.locator('footer').innerText(), reference, 'shows the reference')
          await checkLegibility(t, page, scheme === 'dark')
          await keepPicture(page, `pages/${path.replace('/', '-')}-${language}-${width}-${scheme}.png`, { fullPage: true })
          t.same(await complaints(), [], 'keeps its own Content-Security-Policy')
          t.strictSame(await seriousOf(page), [])
        })
      }
    })
  }

  t.test('what a screen reader is told', async t => {
    const { page } = await open(t, browser, {})
    for (const reason of REASONS) {
      await page.goto(`${origin}/${reason}?reference=${REFERENCE}`)
      const nodes = await accessibilityTree(page)
      const named = (role: string): readonly string[] => nodes.filter(node => node.role === role).map(node => node.name)
      t.equal(named('main').length, 1, `${reason}: one main landmark`)
      t.same(named('heading'), [await page.title()], 'one heading, which is the title')
      t.same(named('link'), REFUSALS[reason].status === 403 ? [] : ['Try again'], 'what can be done')
      t.same([...named('img'), ...named('image'), ...named('SvgRoot')], [], 'the drawing says nothing')
      t.equal(await page.evaluate('document.documentElement.lang'), 'en')
    }
  })

  t.test('Try again, by keyboard, asks for the same address', async t => {
    const { page, asked } = await open(t, browser, {})
    const url = `${origin}/no_credentials?reference=${REFERENCE}&a=%20b`
    await page.goto(url)
    await page.keyboard.press('Tab')
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
    t.same(asked, [url, url])
  })

  t.test('the way on is the first thing that a keyboard reaches, and follows its address', async t => {
    const { page, complaints } = await open(t, browser, { viewport: { width: 320, height: 640 } })
    for (const [reason, text, path] of [
      ['no_credentials', 'Sign in', '/login'], ['forbidden', 'Use another account', '/change']
    ] as const) {
      await page.goto(`${origin}/linked/${reason}?reference=${REFERENCE}`)
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
      t.strictSame(await complaints(), [])
      await page.keyboard.press('Tab')
      t.equal(await page.evaluate('document.activeElement.textContent'), text)
      await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
      t.equal(page.url(), `${origin}${path}`)
    }
  })

  t.test('the picture that docs/login.md shows of a 401 with LOGIN_URL', async t => {
    const { page } = await open(t, browser, { colorScheme: 'light', viewport: { width: 800, height: 560 } })
    await page.goto(`${origin}/linked/no_credentials?reference=${REFERENCE}`)
    await takeDocsPicture(t, page, 'page-401')
  })

  t.test('the pictures that docs/login.md and docs/pages.md show of a 403', async t => {
    for (const [path, language, scheme, name] of PICTURES) {
      const { page } = await open(t, browser, { colorScheme: scheme, viewport: { width: 800, height: 600 } })
      await page.goto(`${origin}/${path}?language=${language}&reference=${REFERENCE}`)
      await takeDocsPicture(t, page, name)
    }
  })

  t.test('the longest address and all links fit on a narrow page', async t => {
    const { page } = await open(t, browser, { viewport: { width: 320, height: 640 } })
    for (const language of ['en', 'de', 'fr', 'pt']) {
      const account = `${'W'.repeat(242)}@example.com`
      await page.goto(`${origin}/unverified/forbidden?language=${language}&reference=${REFERENCE}&account=${account}`)
      t.match(await page.locator('main').innerText(), account)
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), language)
    }
  })

  t.test('enlarged to 400 %: does not scroll sideways', async t => {
    const { page } = await open(t, browser, { viewport: { width: 320, height: 256 } })
    await page.goto(`${origin}/expired_credentials?reference=${LONGEST}`)
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    t.equal(await page.evaluate('document.querySelector("main").getBoundingClientRect().top >= 0'), true,
      'nor is its beginning out of reach')
  })

  t.test('nobody can frame it', async t => {
    const { page } = await open(t, browser, {})
    await page.goto(`${origin}/frame`)
    // a refused frame is shown by another process: its address may come after the page's own end of loading
    await until('the frame has its address', () => page.frames()[1]?.url().startsWith('chrome-error:') === true)
    t.same(page.frames().map(frame => frame.url()), [`${origin}/frame`, 'chrome-error://chromewebdata/'])
  })

  t.test('this test would have seen a violation of the policy', async t => {
    const { page, complaints } = await open(t, browser, {})
    await page.goto(`${origin}/no_credentials?reference=${REFERENCE}`)
    await page.evaluate('document.body.insertAdjacentHTML("beforeend", "<p style=\'color:red\'>")')
    t.match(await complaints(), [/style-src/])
  })
})

/** `/<reason>?reference=…` is the page as the service sends it, `/frame` one that frames it. @returns the origin */
async function serve (t: Test): Promise<string> {
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/login' || pathname === '/change') return response.end('there')
    if (pathname === '/frame') {
      return response.setHeader('content-type', 'text/html').end('<iframe src="/no_credentials?reference=x"></iframe>')
    }
    const [, , kind, name] = /^(\/(linked|branded|unverified))?\/([a-z_]+)$/.exec(pathname) ?? []
    const on = { reference: searchParams.get('reference') ?? '' }
    const language = (searchParams.get('language') ?? 'en') as Language
    const login = LOGIN_PAGES.find((page) => page === name)
    if (login !== undefined) {
      const text = loginPages.render(login, ['Accept-Language', language], { ...on, way: '/login' })
      return response.writeHead(PAGE_STATUS[login], [...loginPages.headers]).end(text)
    }
    const reason = REASONS.find((reason) => reason === name)
    if (reason === undefined) return response.writeHead(404).end()
    const pages = kind === 'linked' ? linked : kind === undefined ? plain : branded
    const isNamed = reason === 'forbidden' && kind !== undefined
    const person = !isNamed
      ? {}
      : kind === 'unverified'
        ? { account: searchParams.get('account') ?? 'alice', lack: 'verified_address' } as const
        : { account: 'alice@example.com', missing: 'Finance' }
    response.writeHead(REFUSALS[reason].status, [...pages.headers])
      .end(pages.render(reason, ['Accept-Language', language], { ...on, ...person }))
  })
  return `http://127.0.0.1:${await listenFree(t, server)}`
}

type Opened = Readonly<{
  page: Page
  /** Violations of the policy of the document that is shown, and errors: none is expected. */
  complaints: () => Promise<readonly string[]>
  /** The address of every request so far. */
  asked: string[]
}>

/** A page with an empty profile. */
async function open (t: Test, browser: Browser, options: BrowserContextOptions): Promise<Opened> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.addInitScript(
    'globalThis.violations = []; addEventListener("securitypolicyviolation", (event) => ' +
      'violations.push(event.effectiveDirective))'
  )
  return {
    page,
    asked,
    complaints: async () => [
      ...errors, ...(await page.evaluate<string[]>('new Promise((resolve) => setTimeout(() => resolve(violations)))'))
    ]
  }
}

/** The colours that Chromium ended up with, so that a style it refused or a scheme it missed shows. */
async function checkLegibility (t: Test, page: Page, dark: boolean): Promise<void> {
  const colours = await page.evaluate<readonly (readonly [string, string])[]>(
    '[...document.querySelectorAll("h1, p, footer, code, nav a + a")]' +
      '.map((e) => [e.localName, getComputedStyle(e).color])')
  const paper = await page.evaluate<string>('getComputedStyle(document.querySelector("main")).backgroundColor')
  const buttons = await page.evaluate<readonly (readonly [string, string])[]>(
    '[...document.querySelectorAll("a")].map(getComputedStyle).map((s) => [s.color, s.backgroundColor])')
  const filled = buttons.filter(([, background]) => background !== 'rgba(0, 0, 0, 0)')
  t.equal(filled.length, Math.min(buttons.length, 1), 'one button is filled')
  for (const [colour, background] of filled) t.ok(contrast(colour, background) >= 4.5, `${colour} on ${background}`)
  for (const [name, colour] of colours) {
    t.ok(contrast(colour, paper) >= 4.5, `${name} on paper: ${contrast(colour, paper).toFixed(2)}`)
  }
  t.ok(dark ? contrast(paper, '#fff') > 10 : contrast(paper, '#000') > 10, dark ? 'is dark' : 'is light')
}

type AccessibleNode = Readonly<{ role: string, name: string }>

/** Chromium's own tree, not one computed from the document. */
async function accessibilityTree (page: Page): Promise<readonly AccessibleNode[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  return nodes.filter((node) => !node.ignored)
    .map((node) => ({ role: String(node.role?.value), name: String(node.name?.value ?? '') }))
}
