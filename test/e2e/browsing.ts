import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { APP, startJourney, WIKI, type Journey, type Sessions } from './journey.ts'
import type { Proxy } from './proxy.ts'

export const DEEP = `${APP}/deep/link?a=1&b=2`

export async function open (t: Test, { browser }: Journey): Promise<{ context: BrowserContext, page: Page }> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  return { context, page: await context.newPage() }
}

const isApp = (url: URL): boolean => [APP, WIKI].includes(url.origin)

/** At Authgear: neither the app nor the wiki has such a page. */
export function isLoginPage (page: Page): boolean {
  const url = new URL(page.url())
  return url.pathname === '/login-page' && !isApp(url)
}

/** On Authgear's login page. */
export async function choose (page: Page, user: string): Promise<void> {
  await Promise.all([page.waitForURL(isApp), page.getByRole('button', { name: new RegExp(`^${user}`) }).click()])
}

export async function signIn (page: Page, url = DEEP, user = 'alice'): Promise<void> {
  await page.goto(url)
  await choose(page, user)
}

/** @param to the address at which the app says so */
export async function signOut (page: Page, to = `${APP}/_auth/logged-out*`): Promise<void> {
  await Promise.all([page.waitForURL(to), page.getByRole('link', { name: 'Sign out' }).click()])
}

export const userOn = async (page: Page): Promise<string> => await page.locator('#user').innerText()

/** What the app answers to its form. */
export async function save (page: Page): Promise<number> {
  const [form] = await Promise.all([
    page.waitForResponse(`${APP}/form`),
    page.waitForURL(`${APP}/form`),
    page.getByRole('button', { name: 'Save' }).click()
  ])
  return form.status()
}

/** Frida, who signed in an hour ago. */
export const FRIDA = 'f00d0000-0000-4000-8000-000000000009'
export const OLD_SESSION = 'f00d0000-0000-4000-8000-0000000000c9.anOldSessionOfFrida0000000000000'

/** @param at where the browser has her cookie of Authgear's */
export async function signedInLongAgo (
  { authgear }: Journey, context: BrowserContext, at: Readonly<{ url: string } | { domain: string, path: string }>
): Promise<void> {
  authgear.controls.addUser({
    id: FRIDA,
    name: 'frida',
    sessions: [{ cookie: OLD_SESSION, authenticatedAt: Math.floor(Date.now() / 1000) - 3600 }]
  })
  await context.addCookies([{ name: 'session', value: OLD_SESSION, ...at, secure: true }])
}

export type Run = (t: Test, journey: Journey, proxy: Proxy) => Promise<void>

/** Whoever keeps the session. */
const BOTH: Readonly<Record<string, Run>> = {
  'two tabs at once': async (t, journey) => {
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

  'no role: 403, and no login': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page, DEEP, 'bob')
    t.equal((await page.goto(`${APP}/admin`))?.status(), 403)
    t.equal(page.url(), `${APP}/admin`)
  },

  'who cancels gets a page that says so': async (t, journey) => {
    const { page } = await open(t, journey)
    await page.goto(DEEP)
    await choose(page, 'Cancel')
    t.equal(await page.locator('h1').innerText(), 'You did not sign in')
    await journey.screenshot(page, 'cancelled')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL(`${journey.url}/login-page**`)
    await choose(page, 'alice')
    t.equal(page.url(), DEEP, 'and still knows where it was going')
  },

  'another site\'s link does not sign anybody out': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page)
    await page.goto(`data:text/html,<a href="${APP}/_auth/logout">Win</a>`)
    await Promise.all([page.waitForURL(`${APP}/_auth/logout`), page.getByRole('link', { name: 'Win' }).click()])
    t.equal(await page.locator('h1').innerText(), 'Do you want to sign out?')
    await journey.screenshot(page, 'sign-out')
    await Promise.all([page.waitForURL(`${APP}/_auth/logged-out*`), page.getByRole('link', { name: 'Sign out' }).click()])
  }
}

/** Whole journeys in a browser, through a proxy that speaks TLS. */
export function testJourneys (journeys: Readonly<Record<string, Run>>, sessions: Sessions, proxy: Proxy): void {
  t.test(
    `${sessions} sessions through ${proxy.snippet}, over TLS, in Chromium`,
    { skip: skipOrFail(proxy.server) || skipOrFailWithoutChromium() },
    async (t) => {
      const journey = await startJourney(t, proxy, sessions)
      for (const [name, run] of Object.entries({ ...journeys, ...BOTH })) {
        await t.test(name, async (t) => await run(t, journey, proxy))
      }
    }
  )
}
