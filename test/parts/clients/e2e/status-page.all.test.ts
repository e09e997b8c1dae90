import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { seriousOf } from '../../../helpers/axe.ts'
import { coloursOf, openPage } from '../../../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../../../helpers/chromium.ts'
import { contrast } from '../../../helpers/contrast.ts'
import { keepPicture } from '../../../helpers/docs-picture.ts'
import { MANAGEMENT_TOKEN } from '../../../helpers/in-process.ts'
import { startManagement } from '../../../helpers/management.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { type Replica, tokenFleet } from '../../../helpers/token-fleet.ts'
import { until } from '../../../helpers/until.ts'

const VIEWS: ReadonlyArray<readonly [name: string, options: BrowserContextOptions]> =
  (['light', 'dark'] as const).flatMap((colorScheme) => [1280, 390].map((width) =>
    [`${colorScheme}-${width}`, { colorScheme, viewport: { width, height: 844 } }] as const))

/** Each character that a client may have in its id, and as many as it may have. */
const WORST = '<img/src=x/onerror=alert(1)>"\'`&lt;</th></script><script>alert(2)</script>{{7*7}}%00%2F..\\'
  .padEnd(256, 'x')
const URL_ID = 'https://agents.example/agent.json'

async function start (t: Test) {
  const redis = await startRedis(t)
  const fleet = await tokenFleet(t, { REDIS_URL: redis.url, CLIENTS_BLOCKED: 'dcrc_fixed' })
  const replica = await fleet.start()
  return { replica, origin: `http://127.0.0.1:${await startManagement(t, replica.service)}` }
}

const rowOf = (page: Page, id: string) =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: id, exact: true }) })

async function show (page: Page, token = MANAGEMENT_TOKEN): Promise<void> {
  await page.getByLabel('MANAGEMENT_TOKEN').fill(token)
  await page.getByRole('button', { name: 'Show' }).click()
}

async function untilStatus (replica: Replica, id: string, status: number): Promise<void> {
  await until(`${id.slice(0, 20)} gets ${status}`, async () => await replica.statusOf(id) === status)
}

/** Presses the button of that row, and waits until the row has another one. */
async function press (page: Page, id: string, label: 'Block' | 'Lift'): Promise<void> {
  const row = rowOf(page, id)
  await row.getByRole('button', { name: `${label} ${id}`, exact: true }).click()
  await row.getByRole('button', { name: label === 'Block' ? `Lift ${id}` : `Block ${id}`, exact: true }).waitFor()
}

const skip = skipOrFailWithoutChromium()

t.test('the clients on the status page, in a real Chromium', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const { replica, origin } = await start(t)
  for (const id of ['dcrc_1', URL_ID, 'dcrc_fixed']) await replica.statusOf(id)

  for (const [name, options] of VIEWS) {
    await t.test(`${name}: one click blocks a client, its row shows it, and one click lifts it`, async (t) => {
      const { page, complaints, asked } = await openPage(t, browser, options)
      await page.goto(origin)
      await show(page)
      await press(page, 'dcrc_1', 'Block')
      t.equal(await replica.statusOf('dcrc_1'), 401)
      const cells = await rowOf(page, 'dcrc_1').getByRole('cell').allInnerTexts()
      t.match(cells, ['Lift', 'just now, by an operator', 'https://api.example.com', '0', /^(just now|\d+ min ago)$/])
      await looksWell(t, page)
      await keepPicture(page, `status-page/clients-${name}.png`, { fullPage: true })
      await press(page, 'dcrc_1', 'Lift')
      await untilStatus(replica, 'dcrc_1', 200)
      t.equal(await rowOf(page, URL_ID).getByRole('button').count(), 2, 'Block, and Block host')
      t.equal(await rowOf(page, 'dcrc_fixed').getByRole('button').count(), 0, 'CLIENTS_BLOCKED names it')
      t.notOk(asked.some((url) => url.includes(encodeURIComponent(MANAGEMENT_TOKEN))), 'no URL holds the token')
      t.strictSame(await page.evaluate('[location.search, document.cookie, localStorage.length]'), ['', '', 0])
      t.strictSame(complaints, [])
    })
  }

  await t.test('a host is blocked by one click, and every client of it is refused', async (t) => {
    const { page } = await openPage(t, browser)
    await page.goto(origin)
    await show(page)
    await page.getByRole('button', { name: 'Block host https://agents.example' }).click()
    await rowOf(page, 'https://agents.example').getByRole('button', { name: 'Lift' }).waitFor()
    t.match(await rowOf(page, URL_ID).innerText(), 'by an operator, as https://agents.example')
    for (const id of [URL_ID, 'https://agents.example/another.json']) t.equal(await replica.statusOf(id), 401)
    await press(page, 'dcrc_1', 'Block')
    await rowOf(page, 'https://agents.example').getByRole('button', { name: 'Lift' }).click()
    await rowOf(page, URL_ID).getByRole('button', { name: `Block ${URL_ID}` }).waitFor()
    await press(page, 'dcrc_1', 'Lift')
    await untilStatus(replica, URL_ID, 200)
  })

  await t.test('the worst id is a text, and its client is blocked like another', async (t) => {
    t.equal(await replica.statusOf(WORST), 200)
    const { page, complaints } = await openPage(t, browser, { viewport: { width: 390, height: 844 } })
    page.on('dialog', (dialog) => { complaints.push(dialog.message()); dialog.dismiss().catch(() => {}) })
    await page.goto(origin)
    await show(page)
    await press(page, WORST, 'Block')
    t.equal(await replica.statusOf(WORST), 401)
    t.equal(await page.locator('.clients :is(img, script)').count(), 0)
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
    await press(page, WORST, 'Lift')
    t.strictSame(complaints, [])
  })

  await t.test('no id makes the button for its host block the hosts of others', async (t) => {
    const id = 'https://*.shared.example/agent.json'
    t.equal(await replica.statusOf(id), 200)
    const { page } = await openPage(t, browser)
    await page.goto(origin)
    await show(page)
    await rowOf(page, id).getByRole('button', { name: `Block ${id}` }).waitFor()
    t.strictSame(await rowOf(page, id).getByRole('button').allInnerTexts(), ['Block'])
    await page.getByRole('button', { name: `Block ${id}` }).click()
    await page.getByText(`${id}: the client's name is not a URL`).waitFor()
    t.equal(await replica.statusOf('https://another.shared.example/agent.json'), 200)
  })

  await t.test('a wrong token shows nothing, and the page says why', async (t) => {
    const { page } = await openPage(t, browser)
    await page.goto(origin)
    t.notMatch(await page.content(), 'dcrc_1', 'nothing is in the page before')
    await show(page, 'wrong')
    await page.getByText('Authorization must be Bearer and MANAGEMENT_TOKEN').waitFor()
    t.equal(await page.locator('#clients-part tbody tr').count(), 0)
  })

  await t.test('rows have a bound, and a search finds the others', (t) => showsTheWorst(t, browser, origin))

  await t.test('the focus stays with the client, and rows stay while the page is updated', async (t) => {
    const { page } = await openPage(t, browser)
    await page.clock.install()
    await page.goto(origin)
    await show(page)
    await rowOf(page, 'dcrc_1').getByRole('button').focus()
    await page.keyboard.press('Enter')
    await rowOf(page, 'dcrc_1').getByRole('button', { name: 'Lift' }).waitFor()
    const focused = 'document.activeElement.getAttribute("aria-label")'
    await until('it has the focus', async () => await page.evaluate(focused) === 'Lift dcrc_1')
    const updated = page.waitForResponse(`${origin}/`)
    await page.clock.runFor(5000)
    await updated
    t.equal(await page.evaluate(focused), 'Lift dcrc_1')
    await page.keyboard.press('Enter')
    await rowOf(page, 'dcrc_1').getByRole('button', { name: 'Block' }).waitFor()
  })

  await t.test('without scripts there is no field for a token', async (t) => {
    const { page } = await openPage(t, browser, { javaScriptEnabled: false })
    await page.goto(origin)
    t.notOk(await page.getByLabel('MANAGEMENT_TOKEN').isVisible())
  })
})

async function looksWell (t: Test, page: Page): Promise<void> {
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
  for (const [foreground, background, what] of await coloursOf(page)) {
    t.ok(contrast(foreground, background) >= 4.5, `${what}: ${foreground} on ${background}`)
  }
  t.strictSame(await seriousOf(page), [])
}

/** As many as a replica lists, each with the longest id. */
async function showsTheWorst (t: Test, browser: Browser, origin: string): Promise<void> {
  const { page, complaints } = await openPage(t, browser)
  const since = new Date().toISOString()
  const idOf = (n: number): string => `dcrc_${n}_`.padEnd(256, 'x')
  const seen = Array.from({ length: 1000 }, (_, n) => ({
    client_id: idOf(n),
    blocked: false,
    resources: Array.from({ length: 5 }, (_, i) => `https://${i}.${'r'.repeat(240)}`),
    users: 20,
    first_seen: since,
    last_seen: since,
    requests: 2 ** 52,
    refusals: 2 ** 52
  }))
  const blocked = Array.from({ length: 5000 }, (_, n) => ({ name: idOf(1000 + n), origin: 'deletion', since }))
  await page.route('**/clients', (route) => route.fulfill({ json: { blocked, seen } }))
  await page.goto(origin)
  await show(page)
  await page.getByText('and 5800 more').waitFor()
  t.equal(await page.locator('#clients-part tbody tr').count(), 200)
  await page.getByLabel('Find').fill('DCRC_5999_')
  await rowOf(page, idOf(5999)).waitFor()
  t.equal(await page.locator('#clients-part tbody tr').count(), 1)
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
  t.strictSame(complaints, [])
}
