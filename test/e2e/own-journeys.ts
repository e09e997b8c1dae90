import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { APP } from './journey.ts'
import { startOwnJourney, WIKI, type OwnJourney } from './own-journey.ts'
import type { Proxy } from './proxy.ts'

const DEEP = `${APP}/deep/link?a=1&b=2`
const OLD_SESSION = 'f00d0000-0000-4000-8000-0000000000c9.anOldSessionOfFrida0000000000000'
const NAME = '__Host-forward-auth'

async function open (t: Test, { browser }: OwnJourney): Promise<{ context: BrowserContext, page: Page }> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  return { context, page: await context.newPage() }
}

const isLoginPage = (page: Page): boolean => new URL(page.url()).pathname === '/login-page'
const userOn = async (page: Page): Promise<string> => await page.locator('#user').innerText()

/** On Authgear's login page. */
async function choose (page: Page, user: string): Promise<void> {
  await Promise.all([
    page.waitForURL((url) => [APP, WIKI].includes(url.origin)),
    page.getByRole('button', { name: new RegExp(`^${user}`) }).click()
  ])
}

async function signIn (page: Page, url = DEEP, user = 'alice'): Promise<void> {
  await page.goto(url)
  await choose(page, user)
}

/** The value of the session's cookie at an origin. */
const sessionOf = async (context: BrowserContext, origin = APP): Promise<string | undefined> =>
  (await context.cookies(origin)).find(({ name }) => name === NAME)?.value

type Run = (t: Test, journey: OwnJourney) => Promise<void>

const JOURNEYS: Readonly<Record<string, Run>> = {
  'in by a deep link, at a second domain without a page, and out of both': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await page.goto(DEEP)
    t.ok(isLoginPage(page), 'is sent to Authgear\'s login page')
    await journey.screenshot(page, '1-login')
    await choose(page, 'alice')
    t.equal(page.url(), DEEP, 'comes back to the very link')
    t.equal(await userOn(page), demo.alice.id, 'and the app knows who it is')
    await journey.screenshot(page, '2-app')
    const ours = (await context.cookies(APP)).filter(({ name }) => name === NAME)
    t.match(ours, [{ httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: 'app.example.com' }])
    t.equal(ours.length, 1)

    const shown: string[] = []
    page.on('framenavigated', (frame) => shown.push(frame.url()))
    await page.goto(`${WIKI}/page?x=1`)
    t.strictSame(shown, [`${WIKI}/page?x=1`], 'another domain shows nothing of the login')
    t.equal(await userOn(page), demo.alice.id)
    t.not(await sessionOf(context, WIKI), await sessionOf(context), 'by a cookie of its own')

    const copy = await sessionOf(context) ?? ''
    await Promise.all([page.waitForURL(`${WIKI}/_auth/logged-out*`), page.getByRole('link', { name: 'Sign out' }).click()])
    t.equal(await page.locator('h1').innerText(), 'You are signed out')
    await journey.screenshot(page, '3-signed-out')
    await page.goto(`${WIKI}/page`)
    t.ok(isLoginPage(page), 'the page asks again')
    await until('the other domain asks again too', async () => {
      await page.goto(DEEP)
      return isLoginPage(page)
    })
    await context.addCookies([{ name: NAME, value: copy, url: APP, secure: true, httpOnly: true }])
    await page.goto(DEEP)
    t.ok(isLoginPage(page), 'nor does a copy of the session open it')
  },

  'the session ends while a page is open': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page)
    journey.authgear.controls.revokeSessions('alice')
    await journey.purge(demo.alice.id)
    const [form] = await Promise.all([
      page.waitForResponse(`${APP}/form`),
      page.waitForURL(`${APP}/form`),
      page.getByRole('button', { name: 'Save' }).click()
    ])
    t.equal(form.status(), 401, 'a form gets a 401, since its content would be lost on the way')
    await page.goto(`${APP}/next`)
    t.ok(isLoginPage(page), 'a page leads through the login')
    await choose(page, 'alice')
    t.equal(page.url(), `${APP}/next`)
  },

  'the back button, and the address with a used code': async (t, journey) => {
    const { page } = await open(t, journey)
    const callbacks: string[] = []
    page.on('request', (request) => { if (request.url().includes('/_auth/callback?')) callbacks.push(request.url()) })
    await page.goto('about:blank')
    await signIn(page)
    await page.getByRole('link', { name: 'Next page' }).click()
    await page.waitForURL(`${APP}/next`)
    await page.goBack()
    t.equal(page.url(), DEEP, 'to the page before, not into the login')
    await page.goBack()
    t.ok(isLoginPage(page), 'then to the login page')
    await page.goForward()
    t.equal(page.url(), DEEP, 'and forward again')
    await page.goto(callbacks.findLast((url) => url.includes('code=')) ?? '')
    t.equal(page.url(), DEEP, 'a used code leads on to the page')
    t.equal(await userOn(page), demo.alice.id)
    await Promise.all([page.waitForURL(`${APP}/_auth/logged-out*`), page.getByRole('link', { name: 'Sign out' }).click()])
    await page.goBack()
    t.ok(isLoginPage(page), 'after signing out the page before asks again')
    await page.goto(callbacks.findLast((url) => url.includes('code=')) ?? '')
    t.not(new URL(page.url()).pathname, '/deep/link', 'nor does the used code help')
  },

  'two tabs at the login at once end both signed in': async (t, journey) => {
    const { context, page: one } = await open(t, journey)
    const two = await context.newPage()
    const urls = [`${APP}/one?tab=1`, `${APP}/two?tab=2`]
    await Promise.all([one.goto(urls[0] ?? ''), two.goto(urls[1] ?? '')])
    // one of the two lost its cookie to the other, and began once more by itself
    t.ok([one, two].every(isLoginPage), 'both are at the login, without a click')
    await choose(one, 'alice')
    t.ok(urls.includes(one.url()), 'Authgear goes on with the newer of the two')
    await two.getByRole('button', { name: /^alice/ }).click()
    await two.getByRole('heading', { name: 'Page expired or invalid' }).waitFor() // as recorded from the real one
    await Promise.all([one.goto(urls[0] ?? ''), two.goto(urls[1] ?? '')])
    t.same([one.url(), two.url()], urls, 'the addresses once more, without a login')
    t.strictSame(await Promise.all([userOn(one), userOn(two)]), [demo.alice.id, demo.alice.id])
  },

  'a step-up: signed in, but too long ago for this page': async (t, journey) => {
    const { context, page } = await open(t, journey)
    journey.authgear.controls.addUser({
      id: 'f00d0000-0000-4000-8000-000000000009',
      name: 'frida',
      sessions: [{ cookie: OLD_SESSION, authenticatedAt: Math.floor(Date.now() / 1000) - 3600 }]
    })
    await context.addCookies([{ name: 'session', value: OLD_SESSION, url: journey.url, secure: true }])
    await page.goto(DEEP)
    t.equal(page.url(), DEEP, 'other pages are open, without a page of the login')
    const before = await sessionOf(context)
    await page.goto(`${APP}/fresh/x?y=1`)
    await page.getByRole('button', { name: 'I am frida' }).waitFor()
    await journey.screenshot(page, '4-step-up')
    await Promise.all([
      page.waitForURL(`${APP}/fresh/x?y=1`), page.getByRole('button', { name: 'I am frida' }).click()
    ])
    t.equal(await userOn(page), 'f00d0000-0000-4000-8000-000000000009')
    t.not(await sessionOf(context), before)
  },

  'who cancels gets a page that says so': async (t, journey) => {
    const { page } = await open(t, journey)
    await page.goto(DEEP)
    await choose(page, 'Cancel')
    t.equal(await page.locator('h1').innerText(), 'You did not sign in')
    await journey.screenshot(page, '5-cancelled')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL((url) => url.pathname === '/login-page')
    await choose(page, 'alice')
    t.equal(page.url(), DEEP, 'and still knows where it was going')
  },

  'no role: 403, and somebody else by one click': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page, DEEP, 'bob')
    t.equal((await page.goto(`${APP}/admin`))?.status(), 403)
    t.equal(page.url(), `${APP}/admin`)
  },

  'another site\'s link does not sign anybody out': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page)
    await page.goto(`data:text/html,<a href="${APP}/_auth/logout">Win</a>`)
    await Promise.all([page.waitForURL(`${APP}/_auth/logout`), page.getByRole('link', { name: 'Win' }).click()])
    t.equal(await page.locator('h1').innerText(), 'Do you want to sign out?')
    await Promise.all([page.waitForURL(`${APP}/_auth/logged-out*`), page.getByRole('link', { name: 'Sign out' }).click()])
  }
}

const [first = '', ...others] = Object.keys(JOURNEYS)
const NAMES = { all: [first, ...others], first: [first], others }

/** Whole journeys in a browser by sessions of our own, through a proxy that speaks TLS. */
export function testOwnJourneys (proxy: Proxy, which: keyof typeof NAMES): void {
  t.test(
    `own sessions through ${proxy.snippet}, over TLS, in Chromium: ${which}`,
    { skip: skipOrFail(proxy.server) || skipOrFailWithoutChromium() },
    async (t) => {
      const journey = await startOwnJourney(t, proxy)
      for (const name of NAMES[which]) await t.test(name, async (t) => await JOURNEYS[name]?.(t, journey))
    }
  )
}
