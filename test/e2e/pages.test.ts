import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { REFUSALS, type RefusalReason } from '../../src/core/reason.ts'
import { createPages } from '../../src/request/pages/refusal-page.ts'
import { seriousOf } from '../helpers/axe.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { contrast } from '../helpers/contrast.ts'
import { keepPicture, takeDocsPicture } from '../helpers/docs-picture.ts'
import { until } from '../helpers/until.ts'

const REFERENCE = '9f86d081884c-2x'
/** The longest that a request id may be, without a place to break it. */
const LONGEST = 'W'.repeat(128)
const pageOf = createPages()
const linkedPageOf = createPages({ signIn: '/login', changeUser: '/change' })
/** One reason for each page that looks different. */
const REASONS = (Object.keys(REFUSALS) as RefusalReason[])
  .filter((reason, i, all) => all.findIndex((other) => pageOf(other).render('') === pageOf(reason).render('')) === i)

type View = Readonly<{ name: string, reference: string, options: BrowserContextOptions }>
const VIEWS: readonly View[] = [
  { name: 'light', reference: REFERENCE, options: { colorScheme: 'light', viewport: { width: 1024, height: 700 } } },
  { name: 'dark', reference: REFERENCE, options: { colorScheme: 'dark', viewport: { width: 1024, height: 700 } } },
  { name: 'narrow', reference: LONGEST, options: { colorScheme: 'light', viewport: { width: 320, height: 640 } } },
  { name: 'narrow-dark', reference: REFERENCE, options: { colorScheme: 'dark', viewport: { width: 320, height: 640 } } }
]

t.test('the pages in a real Chromium', { skip: skipOrFailWithoutChromium() }, async t => {
  const origin = await serve(t)
  const browser = await launchChromium()
  t.teardown(() => browser.close())

  for (const view of VIEWS) {
    t.test(view.name, async t => {
      const { page, complaints, asked } = await open(t, browser, view.options)
      for (const reason of REASONS) {
        await t.test(reason, async t => {
          const url = `${origin}/${reason}?reference=${view.reference}`
          const response = await page.goto(url)
          t.equal(response?.status(), REFUSALS[reason].status, 'is the refusal\'s page')
          t.same(asked.splice(0), [url], 'asks for nothing else')
          t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
          t.match(await page.locator('footer').innerText(), `Reference: ${view.reference}`, 'shows the reference')
          await checkLegibility(t, page, view.options.colorScheme === 'dark')
          await keepPicture(page, `pages/${REFUSALS[reason].status}-${reason}-${view.name}.png`, { fullPage: true })
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
      ['no_credentials', 'Sign in', '/login'], ['forbidden', 'Sign in as somebody else', '/change']
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

  t.test('enlarged to 400 %: does not scroll sideways', async t => {
    const { page } = await open(t, browser, { viewport: { width: 320, height: 256 } })
    await page.goto(`${origin}/invalid_session?reference=${LONGEST}`)
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    t.equal(
      await page.evaluate('document.querySelector("main").getBoundingClientRect().top >= 0'),
      true,
      'nor is its beginning out of reach'
    )
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
    const isLinked = pathname.startsWith('/linked/')
    const reason = REASONS.find((reason) => `/${reason}` === pathname.replace('/linked', ''))
    if (reason === undefined) return response.writeHead(404).end()
    const page = isLinked ? linkedPageOf(reason) : pageOf(reason)
    response.writeHead(REFUSALS[reason].status, [...page.headers]).end(page.render(searchParams.get('reference') ?? ''))
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
    '[...document.querySelectorAll("h1, p, a, footer, code")].map((e) => [e.localName, getComputedStyle(e).color])')
  const paper = await page.evaluate<string>('getComputedStyle(document.querySelector("main")).backgroundColor')
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
