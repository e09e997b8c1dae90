import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { APP, AUTHGEAR, startJourney, type Journey } from './journey.ts'
import type { Proxy } from './proxy.ts'

const DEEP = `${APP}/deep/link?a=1&b=2`
const OLD_SESSION = 'f00d0000-0000-4000-8000-0000000000c9.anOldSessionOfFrida0000000000000'
const LOGIN_PAGE = `${AUTHGEAR}/login-page`

async function open (t: Test, { browser }: Journey): Promise<{ context: BrowserContext, page: Page }> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  return { context, page: await context.newPage() }
}

const isLoginPage = (page: Page): boolean => page.url().startsWith(LOGIN_PAGE)

/** On Authgear's login page. */
async function choose (page: Page, user: string): Promise<void> {
  await Promise.all([
    page.waitForURL((url) => url.origin === APP),
    page.getByRole('button', { name: new RegExp(`^${user}`) }).click()
  ])
}

async function signIn (page: Page, url = DEEP, user = 'alice'): Promise<void> {
  await page.goto(url)
  await choose(page, user)
}

const userOn = async (page: Page): Promise<string> => await page.locator('#user').innerText()

/** The session's cookie, as it is sent to the app. */
async function sessionOf (context: BrowserContext): Promise<string> {
  return (await context.cookies(APP)).find(({ name }) => name === 'session')?.value ?? ''
}

type Run = (t: Test, journey: Journey, proxy: Proxy) => Promise<void>

const JOURNEYS: Readonly<Record<string, Run>> = {
  'in by a deep link, and out': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await page.goto(DEEP)
    t.ok(isLoginPage(page), 'is sent to Authgear\'s login page')
    await journey.screenshot(page, '1-login')
    await choose(page, 'alice')
    t.equal(page.url(), DEEP, 'comes back to the very link')
    t.equal(await userOn(page), demo.alice.id, 'and the app knows who it is')
    t.equal(await page.locator('#path').innerText(), '/deep/link?a=1&b=2')
    await journey.screenshot(page, '2-app')
    t.strictSame(
      (await context.cookies(APP)).filter(({ name }) => name.startsWith('__Host-'))
        .map(({ httpOnly, secure, sameSite, path, domain }) => ({ httpOnly, secure, sameSite, path, domain })),
      [{ httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: 'app.example.com' }]
    )

    const copy = await sessionOf(context)
    await Promise.all([
      page.waitForURL(`${APP}/_auth/logged-out`),
      page.getByRole('link', { name: 'Sign out' }).click()
    ])
    t.equal(await page.locator('h1').innerText(), 'You are signed out')
    await journey.screenshot(page, '3-signed-out')
    await page.goto(DEEP)
    t.ok(isLoginPage(page), 'the deep link asks again')
    await context.addCookies([{ name: 'session', value: copy, domain: '.example.com', path: '/' }])
    await page.goto(DEEP)
    t.ok(isLoginPage(page), 'nor does a copy of the session open it')
  },

  'the session ends while a page is open': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await signIn(page)
    await journey.end(await sessionOf(context))
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    t.strictSame(
      await page.evaluate(
        "fetch('/api').then((answer) => [answer.status, answer.redirected, answer.headers.get('www-authenticate')])"
      ),
      [401, false, `Bearer realm="${AUTHGEAR}"`],
      'a script gets its 401'
    )
    const [form] = await Promise.all([
      page.waitForResponse(`${APP}/form`),
      page.waitForURL(`${APP}/form`),
      page.getByRole('button', { name: 'Save' }).click()
    ])
    t.equal(form.status(), 401, 'and so does a form, whose content would be lost on the way')
    t.notOk(asked.some((url) => url.startsWith(AUTHGEAR)), 'nobody went to Authgear')
    await journey.screenshot(page, '4-form-refused')

    await page.goto(`${APP}/next`)
    t.ok(isLoginPage(page), 'a page leads through the login')
    await choose(page, 'alice')
    t.equal(page.url(), `${APP}/next`)
  },

  'who has a session at Authgear sees nothing of the login': async (t, journey) => {
    const { context, page } = await open(t, journey)
    const { cookie } = journey.authgear.controls.signIn('bob')
    await context.addCookies([
      {
        name: 'session',
        value: cookie,
        domain: '.example.com',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax'
      }
    ])
    const shown: string[] = []
    page.on('framenavigated', (frame) => shown.push(frame.url()))
    await page.goto(`${APP}/_auth/login?rd=${DEEP}`)
    t.strictSame(shown, [DEEP])
    t.equal(await userOn(page), demo.bob.id)
  },

  'the back button': async (t, journey) => {
    const { page } = await open(t, journey)
    await page.goto('about:blank')
    await signIn(page)
    await page.getByRole('link', { name: 'Next page' }).click()
    await page.waitForURL(`${APP}/next`)
    await page.goBack()
    t.equal(page.url(), DEEP, 'to the page before, not into the login')
    t.equal(await userOn(page), demo.alice.id)
    await page.goBack()
    t.ok(isLoginPage(page), 'then to the login page')
    await page.goForward()
    t.equal(page.url(), DEEP, 'and forward again')
    await Promise.all([page.waitForURL(`${APP}/_auth/logged-out`), page.getByRole('link', { name: 'Sign out' }).click()])
    await page.goBack()
    t.ok(isLoginPage(page), 'after signing out the page before asks again')
  },

  'two tabs at once': async (t, journey) => {
    const { context, page: one } = await open(t, journey)
    const two = await context.newPage()
    await Promise.all([one.goto(`${APP}/one?tab=1`), two.goto(`${APP}/two?tab=2`)])
    t.ok(isLoginPage(one) && isLoginPage(two))
    const urls = [`${APP}/one?tab=1`, `${APP}/two?tab=2`]
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
    await context.addCookies([
      { name: 'session', value: OLD_SESSION, domain: '.example.com', path: '/', secure: true }
    ])
    await page.goto(DEEP)
    t.equal(page.url(), DEEP, 'other pages are open')
    await page.goto(`${APP}/fresh/x?y=1`)
    t.ok(isLoginPage(page), 'this one asks again, whatever session there is')
    await journey.screenshot(page, '5-step-up')
    await choose(page, 'frida')
    t.equal(page.url(), `${APP}/fresh/x?y=1`)
    t.not(await sessionOf(context), OLD_SESSION)
  },

  'no role: 403, and no login': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page, DEEP, 'bob')
    const answer = await page.goto(`${APP}/admin`)
    t.equal(answer?.status(), 403)
    t.equal(page.url(), `${APP}/admin`)
  },

  'a frame and what is fetched ahead are not sent to log in': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await signIn(page)
    await journey.end(await sessionOf(context))
    const asked: string[] = []
    context.on('request', (request) => asked.push(request.url()))
    const framed = page.waitForResponse(`${APP}/framed`)
    await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<iframe src=\"/framed\"></iframe>')")
    t.equal((await framed).status(), 401)
    t.notOk(asked.some((url) => url.includes('/_auth/') || url.startsWith(AUTHGEAR)))
  },

  'who cancels gets a page that says so': async (t, journey) => {
    const { page } = await open(t, journey)
    await page.goto(DEEP)
    await choose(page, 'Cancel')
    t.equal(await page.locator('h1').innerText(), 'You did not sign in')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL((url) => url.href.startsWith(LOGIN_PAGE))
    await choose(page, 'alice')
    t.equal(page.url(), DEEP, 'and still knows where it was going')
  },

  'another site\'s link does not sign anybody out': async (t, journey) => {
    const { page } = await open(t, journey)
    await signIn(page)
    await page.goto(`data:text/html,<a href="${APP}/_auth/logout">Win</a>`)
    await Promise.all([page.waitForURL(`${APP}/_auth/logout`), page.getByRole('link', { name: 'Win' }).click()])
    t.equal(await page.locator('h1').innerText(), 'Do you want to sign out?')
    await journey.screenshot(page, '6-sign-out')
    await Promise.all([page.waitForURL(`${APP}/_auth/logged-out`), page.getByRole('link', { name: 'Sign out' }).click()])
  },

  'Authgear without cookie_domain: a page says what is wrong, at once and again': async (t, _, proxy) => {
    const journey = await startJourney(t, proxy, { cookieDomain: '' })
    const { page } = await open(t, journey)
    await page.goto(DEEP)
    await choose(page, 'alice')
    for (const when of ['after signing in', 'when it is tried again, with a session at Authgear']) {
      t.equal(await page.locator('h1').innerText(), 'Signed in, but this site was not told', when)
      t.match(await page.locator('main').innerText(), /http\.cookie_domain/)
      await page.goto(DEEP)
    }
    await journey.screenshot(page, '7-wrong-cookie-domain')
  }
}

const [first = '', ...others] = Object.keys(JOURNEYS)
const NAMES = { all: [first, ...others], first: [first], others }

/** Whole journeys in a browser, through a proxy that speaks TLS. */
export function testJourneys (proxy: Proxy, which: keyof typeof NAMES): void {
  t.test(
    `through ${proxy.snippet}, over TLS, in Chromium: ${which}`,
    { skip: skipOrFail(proxy.server) || skipOrFailWithoutChromium() },
    async (t) => {
      const journey = await startJourney(t, proxy)
      for (const name of NAMES[which]) await t.test(name, async (t) => await JOURNEYS[name]?.(t, journey, proxy))
    }
  )
}
