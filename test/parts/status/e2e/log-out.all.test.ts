import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { adminApi, adminEnvironment } from '../../../helpers/audit.ts'
import { seriousOf } from '../../../helpers/axe.ts'
import { coloursOf, openPage } from '../../../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../../../helpers/chromium.ts'
import { contrast } from '../../../helpers/contrast.ts'
import { keepPicture } from '../../../helpers/docs-picture.ts'
import { startProcess } from '../../../helpers/process.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { MANAGEMENT_TOKEN, NOBODY, startTwoReplicas } from '../../../helpers/two-replicas.ts'
import { until } from '../../../helpers/until.ts'

const VIEWS: ReadonlyArray<readonly [name: string, options: BrowserContextOptions]> =
  (['light', 'dark'] as const).flatMap((colorScheme) => [1280, 390].map((width) =>
    [`${colorScheme}-${width}`, { colorScheme, viewport: { width, height: 844 } }] as const))

/** What the page says of a session whose user it does not know. */
const GOES_ON = 'Tokens and own sessions that it began may continue for 600 s \\(CACHE_TTL\\): end all sessions.*'

/** Two replicas; without the Admin API they follow no audit log. */
async function start (t: Test, hasAdminApi = true) {
  const { authgear, asked, askedWith, managementUrl } =
    await startTwoReplicas(t, ({ url }) => hasAdminApi ? adminEnvironment(url) : {})
  const signIn = async (name: 'alice' | 'bob') => {
    const { cookie, accessToken } = authgear.controls.signIn(name)
    t.strictSame([await asked(cookie), await askedWith(accessToken)], [[200, 200], [200, 200]], `${name} is signed in`)
    return {
      cookie,
      accessToken,
      isOut: async () => { await until(`${name} is out`, async () => (await asked(cookie)).every((one) => one === 401)) }
    }
  }
  return { authgear, asked, askedWith, signIn, origin: managementUrl }
}

async function end (page: Page, what: 'a user' | 'one session', id: string, token = MANAGEMENT_TOKEN): Promise<string> {
  await page.getByLabel('Management token').fill(token)
  await page.getByLabel('Sessions of').selectOption({ label: what })
  await page.getByLabel('Its id').fill(id)
  await page.getByRole('button', { name: 'End sessions' }).click()
  const said = page.locator('#log-out-said', { hasText: /(?:all replicas|this replica): / })
  await said.waitFor()
  return await said.innerText()
}

const skip = skipOrFailWithoutChromium()

t.test('the button that logs a user out, in a real Chromium', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { signIn, asked, authgear, origin } = await start(t)

  for (const [name, options] of VIEWS) {
    await t.test(`${name}: 200, the button, then 401 on both replicas`, async (t) => {
      const [alice, bob] = [await signIn('alice'), await signIn('bob')]
      const { page, complaints, asked: requested } = await openPage(t, browser, options)
      await page.goto(origin)
      t.equal(await end(page, 'a user', demo.alice.id), 'Authgear: ended; all replicas: ended')
      await alice.isOut()
      t.strictSame(await asked(bob.cookie), [200, 200], 'nobody else is')
      t.notOk(requested.some((url) => url.includes(MANAGEMENT_TOKEN) || url.includes(demo.alice.id)), 'no URL has them')
      t.strictSame(await page.evaluate('[location.search, document.cookie, localStorage.length]'), ['', '', 0])
      t.notMatch(await page.content(), MANAGEMENT_TOKEN, 'nor the page')
      t.strictSame(await seriousOf(page), [])
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
      for (const [foreground, background, what] of await coloursOf(page)) {
        t.ok(contrast(foreground, background) >= 4.5, `${what}: ${foreground} on ${background}`)
      }
      await keepPicture(page, `status-page/log-out-${name}.png`, { fullPage: true })
      t.strictSame(complaints, [])
    })
  }

  await t.test('a wrong token ends nothing, and each half says why it failed', async (t) => {
    const alice = await signIn('alice')
    const { page } = await openPage(t, browser)
    await page.goto(origin)
    const wrong = 'not ended: Authorization must be Bearer and MANAGEMENT_TOKEN'
    t.equal(await end(page, 'a user', demo.alice.id, 'wrong'), `Authgear: ${wrong}; all replicas: ${wrong}`)
    const usage = /^Authgear: not ended: send one of .*; all replicas: not ended: send one of/
    t.match(await end(page, 'one session', '<b>'), usage)
    const unknown = new RegExp(`^Authgear: not ended: it has no such session.*; all replicas: ended\\. ${GOES_ON}$`)
    t.match(await end(page, 'one session', NOBODY), unknown)
    t.strictSame(await asked(alice.cookie), [200, 200])
    authgear.controls.audit.fail('forbidden')
    t.match(await end(page, 'a user', demo.alice.id), /^Authgear: not ended: .*403.*; all replicas: ended$/)
  })
})

t.test('with one session the page ends all that it began', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { authgear, signIn, askedWith, origin } = await start(t)
  authgear.controls.audit.late(3_600_000) // the audit log would end it, too
  const alice = await signIn('alice')
  const { page } = await openPage(t, browser)
  await page.goto(origin)
  const session = alice.cookie.split('.')[0] ?? ''
  t.equal(await end(page, 'one session', session), 'Authgear: ended; all replicas: ended')
  await alice.isOut()
  await until('the token', async () => (await askedWith(alice.accessToken)).every((status) => status === 401))
})

t.test('without the Admin API one session ends on both replicas, by keyboard', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { signIn, asked, authgear, origin } = await start(t, false)
  const [one, other] = [await signIn('alice'), await signIn('alice')]
  authgear.controls.signOut(one.cookie)
  t.strictSame(await asked(one.cookie), [200, 200], 'the replicas remember it')
  const { page, asked: requested } = await openPage(t, browser)
  await page.goto(origin)
  t.match(await page.locator('#log-out-part').innerText(), /continue at Authgear without AUTHGEAR_ADMIN_API_URL/)
  await page.getByLabel('Management token').focus()
  for (const keys of [MANAGEMENT_TOKEN, 'one', one.cookie.split('.')[0] ?? '']) {
    await page.keyboard.type(keys)
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await page.locator('#log-out-said', { hasText: new RegExp(`^all replicas: ended\\. ${GOES_ON}$`) }).waitFor()
  await one.isOut()
  t.strictSame(await asked(other.cookie), [200, 200])
  t.notOk(requested.some((url) => url.includes('/authgear/')), 'Authgear is not asked')
})

t.test('without Redis the page speaks of this replica alone', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { url } = await startSimulator(t, { adminApi })
  for (const environment of [{}, adminEnvironment(url)]) {
    const { managementUrl } = await startProcess(t, { AUTHGEAR_ENDPOINT: url, MANAGEMENT_TOKEN, ...environment })
    const { page } = await openPage(t, browser)
    await page.goto(managementUrl)
    t.match(await end(page, 'a user', demo.alice.id), /(?:^|^Authgear: ended; )this replica: ended$/)
    const text = await page.locator('#log-out-part').innerText()
    t.match(text, /this replica\b[^]* Without Redis, other replicas are not told\./)
    t.notMatch(text, 'all replicas')
  }
})

t.test('without MANAGEMENT_TOKEN there is neither button nor route', async (t) => {
  const { url } = await startSimulator(t, { adminApi })
  const { managementUrl } = await startProcess(t, { AUTHGEAR_ENDPOINT: url, ...adminEnvironment(url) })
  t.notMatch(await (await fetch(managementUrl)).text(), 'Log out everywhere')
  t.equal((await fetch(`${managementUrl}/authgear/sessions/end`, { method: 'POST' })).status, 404)
})
