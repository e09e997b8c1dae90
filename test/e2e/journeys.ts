import type { BrowserContext } from 'playwright-core'
import { demo } from '../helpers/simulator.ts'
import {
  choose, DEEP, isLoginPage, OLD_SESSION, open, save, signedInLongAgo, signIn, signOut, userOn, type Run
} from './browsing.ts'
import { APP, startJourney, type Journey } from './journey.ts'

/** The session's cookie, as it is sent to the app. */
async function sessionOf (context: BrowserContext): Promise<string> {
  return (await context.cookies(APP)).find(({ name }) => name === 'session')?.value ?? ''
}

/** The session ends at Authgear, and forward-auth is told. @param session the cookie's value */
async function end ({ authgear, forget }: Journey, session: string): Promise<void> {
  authgear.controls.signOut(session)
  await forget({ cookie: `session=${session}` })
}

export const JOURNEYS: Readonly<Record<string, Run>> = {
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
    await signOut(page, `${APP}/_auth/logged-out`)
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
    await end(journey, await sessionOf(context))
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    t.strictSame(
      await page.evaluate(
        "fetch('/api').then((answer) => [answer.status, answer.redirected, answer.headers.get('www-authenticate')])"
      ),
      [401, false, `Bearer realm="${journey.url}"`],
      'a script gets its 401'
    )
    t.equal(await save(page), 401, 'and so does a form, whose content would be lost on the way')
    t.notOk(asked.some((url) => url.startsWith(journey.url)), 'nobody went to Authgear')
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
    await signOut(page, `${APP}/_auth/logged-out`)
    await page.goBack()
    t.ok(isLoginPage(page), 'after signing out the page before asks again')
  },

  'a step-up: signed in, but too long ago for this page': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await signedInLongAgo(journey, context, { domain: '.example.com', path: '/' })
    await page.goto(DEEP)
    t.equal(page.url(), DEEP, 'other pages are open')
    await page.goto(`${APP}/fresh/x?y=1`)
    t.ok(isLoginPage(page), 'this one asks again, whatever session there is')
    await journey.screenshot(page, '5-step-up')
    await choose(page, 'frida')
    t.equal(page.url(), `${APP}/fresh/x?y=1`)
    t.not(await sessionOf(context), OLD_SESSION)
  },

  'a frame and what is fetched ahead are not sent to log in': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await signIn(page)
    await end(journey, await sessionOf(context))
    const asked: string[] = []
    context.on('request', (request) => asked.push(request.url()))
    const framed = page.waitForResponse(`${APP}/framed`)
    await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<iframe src=\"/framed\"></iframe>')")
    t.equal((await framed).status(), 401)
    t.notOk(asked.some((url) => url.includes('/_auth/') || url.startsWith(journey.url)))
  },

  'Authgear without cookie_domain: a page says what is wrong, at once and again': async (t, _, proxy) => {
    const journey = await startJourney(t, proxy, 'authgear', { cookieDomain: '' })
    const { page } = await open(t, journey)
    await page.goto(DEEP)
    await choose(page, 'alice')
    for (const when of ['after signing in', 'when it is tried again, with a session at Authgear']) {
      t.equal(await page.locator('h1').innerText(), 'You signed in, but this site can\'t see it', when)
      t.match(await page.locator('main').innerText(), /http\.cookie_domain/)
      await page.goto(DEEP)
    }
    await journey.screenshot(page, '7-wrong-cookie-domain')
  }
}
