import type { BrowserContext } from 'playwright-core'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import {
  choose, DEEP, FRIDA, isLoginPage, open, save, signedInLongAgo, signIn, signOut, userOn, type Run
} from './browsing.ts'
import { APP, WIKI } from './journey.ts'

const NAME = '__Host-forward-auth'

/** The value of the session's cookie at an origin. */
const sessionOf = async (context: BrowserContext, origin = APP): Promise<string | undefined> =>
  (await context.cookies(origin)).find(({ name }) => name === NAME)?.value

export const OWN_JOURNEYS: Readonly<Record<string, Run>> = {
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
    await signOut(page, `${WIKI}/_auth/logged-out*`)
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
    await journey.forget({ user_id: demo.alice.id })
    t.equal(await save(page), 401, 'a form gets a 401, since its content would be lost on the way')
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
    await signOut(page)
    await page.goBack()
    t.ok(isLoginPage(page), 'after signing out the page before asks again')
    await page.goto(callbacks.findLast((url) => url.includes('code=')) ?? '')
    t.not(new URL(page.url()).pathname, '/deep/link', 'nor does the used code help')
  },

  'a step-up: signed in, but too long ago for this page': async (t, journey) => {
    const { context, page } = await open(t, journey)
    await signedInLongAgo(journey, context, { url: journey.url })
    await page.goto(DEEP)
    t.equal(page.url(), DEEP, 'other pages are open, without a page of the login')
    const before = await sessionOf(context)
    await page.goto(`${APP}/fresh/x?y=1`)
    await page.getByRole('button', { name: 'I am frida' }).waitFor()
    await journey.screenshot(page, '4-step-up')
    await Promise.all([
      page.waitForURL(`${APP}/fresh/x?y=1`), page.getByRole('button', { name: 'I am frida' }).click()
    ])
    t.equal(await userOn(page), FRIDA)
    t.not(await sessionOf(context), before)
  }
}
