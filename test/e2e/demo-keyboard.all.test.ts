import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { openPage } from '../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { freePorts, startDemo } from '../helpers/demo.ts'
import { followByKey, pressOn, walkByTab } from '../helpers/keyboard.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'

t.test('the demo by keyboard alone', { skip: skipOrFailWithoutChromium() }, async (t) => {
  const ports = await freePorts()
  await startDemo(t, ports, 'built-in')
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { page } = await openPage(t, browser, { viewport: { width: 800, height: 560 } })
  const app = `http://localhost:${ports.DEMO_PORT}/`
  const wiki = `http://wiki.localhost:${ports.DEMO_WIKI_PORT}/`

  await page.goto(app)
  await signIn(t, page, 'alice', app)
  await opensTheAssertion(t, page)

  await followByKey(page, 'Switch account')
  await walkByTab(t, page)
  await followByKey(page, 'Sign in')
  await signIn(t, page, 'bob', app)

  await followByKey(page, 'Wiki')
  await until('the wiki refuses bob', async () => {
    if (page.url() !== wiki) return false
    return (await page.locator('main').innerText()).includes('Use another account')
  })
  await walkByTab(t, page)
  await followByKey(page, 'Use another account')
  await signIn(t, page, 'alice', wiki)

  await page.goto(app)
  await confirms(t, page, `${app}confirm`)
  await followByKey(page, 'Switch account or sign out')
  t.equal(page.url(), `${app}_auth/logged-out`)
  await walkByTab(t, page)
})

/** At Authgear's login page, whose buttons the keyboard presses; then the app knows them. */
async function signIn (t: Test, page: Page, user: 'alice' | 'bob', then: string): Promise<void> {
  t.match(page.url(), '/login-page?')
  await walkByTab(t, page)
  await followByKey(page, user)
  t.equal(page.url(), then)
  t.match(await page.locator('main').innerText(), demo[user].id)
  await walkByTab(t, page)
}

/** A folded part opens by Space, and what is wider than its frame scrolls by an arrow. */
async function opensTheAssertion (t: Test, page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 })
  await pressOn(page, 'What it says', 'Space')
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate('document.activeElement.tagName'), 'PRE')
  await page.keyboard.press('ArrowRight')
  await page.waitForFunction('document.activeElement.scrollLeft > 0')
  await page.setViewportSize({ width: 800, height: 560 })
}

/** A person who signed in some time ago says again who they are. */
async function confirms (t: Test, page: Page, url: string): Promise<void> {
  const isAsked = async (): Promise<boolean> => await page.getByRole('heading', { name: 'Is it you?' }).isVisible()
  await until('the sign-in is too old for the page', async () => {
    await followByKey(page, 'Confirm who you are')
    return await isAsked()
  })
  await walkByTab(t, page)
  await until('the page opens', async () => {
    if (await isAsked()) await followByKey(page, 'I am alice', 'Space')
    return page.url() === url
  })
}
