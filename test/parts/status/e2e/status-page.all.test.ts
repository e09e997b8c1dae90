import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { buildManagement } from '../../../../src/base/management/listener.ts'
import type { Replica } from '../../../../src/base/parts/given.ts'
import { parts } from '../../../../src/parts/index.ts'
import { createHistory, STEP_MS, WINDOW_MS } from '../../../../src/parts/status/history.ts'
import { addStatus } from '../../../../src/parts/status/routes.ts'
import { seriousOf } from '../../../helpers/axe.ts'
import { coloursOf, openPage } from '../../../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../../../helpers/chromium.ts'
import { contrast } from '../../../helpers/contrast.ts'
import { keepPicture, takeDocsPicture } from '../../../helpers/docs-picture.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { allMetrics, seriesOf } from '../../../helpers/series.ts'
import { startProcess } from '../../../helpers/process.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'

const WIDE = 1280
const VIEWS: ReadonlyArray<readonly [name: string, options: BrowserContextOptions]> = [
  ['light', { colorScheme: 'light', viewport: { width: WIDE, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: WIDE, height: 900 } }],
  ['narrow', { colorScheme: 'light', viewport: { width: 320, height: 640 } }],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
  ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ['narrow-dark', { colorScheme: 'dark', viewport: { width: 320, height: 640 } }]
]

const PICTURES: ReadonlyArray<readonly [name: string, isWell: boolean, says: RegExp]> = [
  ['status-all-well', true, /All is well/],
  ['status-not-well', false, /^! Redis is unreachable/]
]

const OTHERS: readonly Replica[] = [
  { name: 'forward-auth-7d9c5b8f6-9lmzt', state: 'serving', authgear: 'ok' },
  { name: 'forward-auth-7d9c5b8f6-qq8rj', state: 'draining', authgear: 'failing' }
]

/** The same quarter of an hour took 3089 px before there was a verdict. */
const PHONE_HEIGHT = 1800
/** Of these the last row is as wide as the others; on a phone the facts are two columns of text. */
const ROWS = ['.charts', 'dl', '.parts']
const isFilled = `(one) => {
  const { paddingRight, borderRightWidth } = getComputedStyle(one)
  const inner = one.getBoundingClientRect().right - parseFloat(paddingRight) - parseFloat(borderRightWidth)
  return Math.abs(one.lastElementChild.getBoundingClientRect().right - inner) < 2
}`

/** The opaque colours of each chart. */
const PIXELS = `Array.from(document.querySelectorAll('.chart canvas'), (one) => {
  const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height)
  const colours = new Set()
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) colours.add(data.slice(at, at + 3).join())
  return [...colours]
})`

const heightOf = async (page: Page): Promise<number> => await page.evaluate('document.documentElement.scrollHeight')

/** A quarter of an hour of a day with its troubles, or of one without, on a clock that is moved by hand. */
async function startBusy (t: Test, isWell = false) {
  const clock = manualClock()
  const trouble = { circuitOpen: false, redisUp: true }
  const metrics = allMetrics({
    resolver: () => ({ inFlight: 3, queued: 0, circuitOpen: trouble.circuitOpen }),
    redis: {
      isUp: () => trouble.redisUp,
      isFollowed: () => trouble.redisUp,
      entries: () => ({ now: 0, most: 1 })
    },
    parts: () => ({ status: { replicas: isWell ? 2 : trouble.redisUp ? 3 : 0 } })
  })
  const history = createHistory({ read: metrics.reading, clock })
  for (let step = 0; step * STEP_MS < WINDOW_MS; step++) {
    trouble.circuitOpen = !isWell && step > 40 && step < 50
    trouble.redisUp = isWell || !((step > 60 && step < 68) || step > 87)
    const busy = 200 + Math.round(150 * Math.sin(step / 9))
    for (let n = 0; n < busy; n++) {
      metrics.authenticate.memoryRead(n % 20 === 0 ? 'miss' : 'hit')
      metrics.request('verify', 200, 'allowed', n % 20 === 0 ? 'redis' : 'memory',
        n % 20 === 0 ? 0.001 + n / 1e5 : 0.00006 + n / 1e6)
    }
    for (let n = 0; n < 12; n++) {
      metrics.request('verify', n % 3 === 0 ? 403 : 401, n % 3 === 0 ? 'forbidden' : 'no_credentials', 'none', 0.00004)
    }
    metrics.sharedCache.sharedRead(step % 3 === 0 ? 'miss' : 'hit')
    for (let n = 0; n < 4; n++) {
      metrics.resolver.authgearRequest(trouble.circuitOpen ? (n < 1 ? 'timeout' : 'rejected') : 'valid', 0.04)
    }
    metrics.request('verify', trouble.circuitOpen ? 503 : 200,
      trouble.circuitOpen ? 'authgear_unavailable' : 'allowed', 'authgear', trouble.circuitOpen ? 2 : 0.05)
    if (step % 20 === 7) metrics.revocations.revoked('webhook')
    if (!trouble.redisUp) metrics.sharedCache.sharedError('read')
    clock.advance(STEP_MS)
    history.sample()
  }
  const management = buildManagement({
    readiness: { state: () => 'serving', redis: () => 'up', authgear: () => 'ok' },
    metrics,
    about: {
      replica: 'forward-auth-7d9c5b8f6-x2k4q:4180',
      version: '1.2.3',
      endpoint: 'https://auth.example.com',
      ttlMs: 30_000,
      entrance: undefined
    },
    machine: 'forward-auth-7d9c5b8f6-x2k4q',
    unexpectedError: (error) => t.fail(String(error)),
    hosts: [],
    revocations: undefined,
    ofParts: [{
      routes (scope, { about, ...managing }) {
        const others = isWell ? OTHERS.slice(0, 1) : OTHERS
        const status = () => ({ about, parts, others, state: 'serving', samples: history.window() } as const)
        addStatus(scope, { ...managing, status, clock })
      }
    }]
  })
  await management.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => management.close())
  const { port } = management.server.address() as AddressInfo
  return { clock, metrics, port, origin: `http://127.0.0.1:${port}` }
}

const numberOn = async (page: Page, id: string): Promise<number> =>
  Number(await page.locator(`#${id}`).getAttribute('value'))

const skip = skipOrFailWithoutChromium()

t.test('the status page in a real Chromium', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())

  for (const [name, options] of VIEWS) {
    await t.test(`${name}: readable, nothing beside the window, nothing from elsewhere`, async (t) => {
      const { origin } = await startBusy(t)
      const { page, complaints, asked } = await openPage(t, browser, options)
      await page.goto(origin)
      t.strictSame(asked, ['', 'charts.css', 'status.js', 'charts.js'].map((path) => `${origin}/${path}`))
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
      for (const [foreground, background, what] of await coloursOf(page)) {
        t.ok(contrast(foreground, background) >= 4.5, `${what}: ${foreground} on ${background}`)
      }
      t.equal(await page.evaluate('document.getAnimations().length'), 0, 'nothing moves')
      for (const row of ROWS.slice(0, options.viewport?.width === WIDE ? 3 : 1)) {
        t.ok(await page.evaluate(`(${isFilled})(document.querySelector('${row}'))`), `${row} has no empty cell`)
      }
      if (name === 'phone') t.ok(await heightOf(page) <= PHONE_HEIGHT, `${await heightOf(page)} px high`)
      await keepPicture(page, `status-page/${name}.png`, { fullPage: true })
      t.strictSame(complaints, [], 'keeps its own Content-Security-Policy')
    })
  }

  await t.test('the pictures of docs/monitoring.md: a good day and a bad one', async (t) => {
    for (const [name, isWell, says] of PICTURES) {
      const { origin } = await startBusy(t, isWell)
      const { page } = await openPage(t, browser, { colorScheme: 'light', viewport: { width: 800, height: 600 } })
      await page.goto(origin)
      t.match((await page.locator('body').innerText()).split('\n')[0], says)
      await takeDocsPicture(t, page, name)
    }
  })

  await t.test('charts of four figures, in light and dark', async (t) => {
    const { origin } = await startBusy(t)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await openPage(t, browser, { colorScheme, viewport: { width: WIDE, height: 900 } })
      await page.goto(origin)
      const captions = await page.locator('.chart figcaption').allInnerTexts()
      t.match(captions.map((text) => text.replace(/\s+/g, ' ')),
        [/^Requests \d+\/s/, /^Allowed [\d.]+ %/, /^p99 latency [\d.]+ ms/, /^Requests to Authgear [\d.]+\/s/])
      const [line, ...judged] = colorScheme === 'light'
        ? ['47,95,179', '163,38,27', '122,75,0']
        : ['143,180,242', '255,154,143', '240,192,96']
      for (const colours of await page.evaluate<string[][]>(PIXELS)) {
        t.ok(colours.includes(line ?? ''), `${colorScheme}: ${line} is drawn`)
        for (const one of judged) t.notOk(colours.includes(one), `${colorScheme}: no step is judged`)
      }
      t.equal(await page.locator('.spark').first().isVisible(), false, 'in the place of the sparks')
      t.strictSame(complaints, [])
    }
  })

  await t.test('a pointer and arrow keys read a chart, and all show the same moment', async (t) => {
    const { origin } = await startBusy(t)
    const { page } = await openPage(t, browser, { timezoneId: 'UTC', viewport: { width: WIDE, height: 900 } })
    await page.goto(origin)
    const says = page.locator('.says')
    const box = await page.locator('.chart .u-over').first().boundingBox() ?? { x: 0, y: 0, width: 0, height: 0 }
    await page.mouse.move(box.x + box.width / 2, box.y + 20)
    await page.locator('.says', { hasText: /^08:07:\d0: [\d.]+\/s$/ }).first().waitFor()
    const moments = (await says.allInnerTexts()).map((text) => text.slice(0, 8))
    t.strictSame(new Set(moments).size, 1, moments.join())
    await page.mouse.move(0, 0)
    await page.locator('.chart').nth(1).focus()
    await page.keyboard.press('ArrowLeft')
    t.match(await says.nth(1).innerText(), /^08:15:00: 9\d[\d.]* %$/)
    await page.keyboard.press('ArrowLeft')
    t.match(await says.nth(1).innerText(), /^08:14:50: /)
    t.equal(await says.nth(1).getAttribute('aria-live'), 'polite', 'a screen reader is told')
    await page.keyboard.press('Tab')
    await page.locator('.says', { hasText: /./ }).first().waitFor({ state: 'detached' })
  })

  await t.test('new figures come into the charts, and narrow ones fit', async (t) => {
    const { origin, clock, metrics } = await startBusy(t)
    const { page } = await openPage(t, browser, { viewport: { width: WIDE, height: 900 } })
    await page.clock.install()
    await page.goto(origin)
    const requests = page.locator('.chart b').first()
    const before = await requests.innerText()
    for (let n = 0; n < 6000; n++) metrics.request('verify', 200, 'allowed', 'memory', 0.0001)
    clock.advance(1000)
    await page.clock.runFor(5000)
    await until('the number is another', async () => await requests.innerText() !== before)
    await page.setViewportSize({ width: 390, height: 844 })
    await until('they are drawn again', async () => await page.evaluate(
      'Array.from(document.querySelectorAll(".plot")).every((one) => one.clientWidth === one.firstChild.clientWidth)'
    ))
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
  })

  await t.test('without the charts the page has its sparks', async (t) => {
    const { origin } = await startBusy(t)
    for (const how of ['no script', 'no charts.js'] as const) {
      const { page } = await openPage(t, browser, { javaScriptEnabled: how !== 'no script', timezoneId: 'UTC' })
      await page.route('**/charts.js', (route) => route.abort())
      await page.goto(origin)
      t.equal(await page.locator('.spark svg').count(), 4, how)
      t.equal(await page.locator('.spark').first().isVisible(), true)
      t.equal(await page.locator('#charts').isVisible(), false)
    }
  })

  await t.test('what a screen reader is told', async (t) => {
    const { origin } = await startBusy(t)
    const { page } = await openPage(t, browser)
    await page.goto(origin)
    t.equal(await page.evaluate('document.documentElement.lang'), 'en')
    t.strictSame(await page.getByRole('heading', { level: 1 }).allInnerTexts(), ['authgear-forward-auth'])
    const headings = await page.getByRole('heading', { level: 2 }).allInnerTexts()
    t.strictSame(headings, ['Replicas', 'Refusals by reason', 'Minute by minute'])
    const courses = await page.locator('.tiles title').evaluateAll((all) => all.map(({ textContent }) => textContent))
    t.equal(courses.length, 4)
    t.match(courses[1], /^Allowed, at most 15 minutes: \d+\.\d % to \d+\.\d %$/)
    const table = page.getByRole('table')
    t.equal(await table.getByRole('columnheader').count(), 17, 'its names, the whole window and 15 minutes')
    t.strictSame(await table.locator('[scope=rowgroup]').allInnerTexts(), [
      'Circuit breaker', 'Redis', 'Requests by decision', 'Hit ratio', 'Latency by source',
      'Requests to Authgear', 'Revocations', 'Failed Redis commands', 'Replicas on the log'
    ])
    const row = table.getByRole('row', { name: 'Redis reachable' })
    t.match((await row.getByRole('cell').allInnerTexts()).join(' '), /^no no( yes){3,} no( yes){6,}$/)
    t.equal(await page.locator('main').count(), 1)
    const ids: string[] = await page.evaluate('Array.from(document.querySelectorAll("[id]"), ({ id }) => id)')
    t.equal(new Set(ids).size, ids.length, 'each id once')
    const sizes: number[] = await page.evaluate(
      'Array.from(document.querySelectorAll("button"), (one) => one.getBoundingClientRect().height)'
    )
    t.ok(sizes.every((height) => height >= 24), 'targets of 24 px at least')
  })

  await t.test('new numbers come in place: what is focused and scrolled to stays', async (t) => {
    const { origin, clock, metrics } = await startBusy(t)
    const { page, complaints } = await openPage(t, browser, { viewport: { width: 400, height: 500 } })
    await page.clock.install()
    await page.goto(origin)
    const table = page.getByRole('region', { name: 'Figures, minute by minute' })
    await table.focus()
    await page.evaluate('scrollTo(0, 700)')
    await table.evaluate((one) => { one.scrollLeft = 200 })
    const place = await page.evaluate('scrollY')
    const before = await numberOn(page, 'revocations-webhook')
    metrics.revocations.revoked('webhook')
    clock.advance(1000)
    await page.clock.runFor(5000)
    await page.locator(`#revocations-webhook[value="${before + 1}"]`).waitFor({ state: 'attached' })
    t.equal(await page.evaluate('scrollY'), place)
    t.equal(await page.evaluate('document.activeElement?.className'), 'table')
    t.equal(await table.evaluate((one) => one.scrollLeft), 200)
    t.strictSame(complaints, [])

    await page.getByRole('button', { name: 'Pause updates' }).click()
    t.equal(await page.getByRole('button').getAttribute('aria-pressed'), 'true')
    metrics.revocations.revoked('webhook')
    clock.advance(1000)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.clock.runFor(20_000)
    t.strictSame(asked, [], 'nothing is asked for meanwhile')
    await page.getByRole('button').click()
    await page.locator(`#revocations-webhook[value="${before + 2}"]`).waitFor({ state: 'attached' })
  })

  await t.test('a reader\'s own clock says the times', async (t) => {
    const { origin } = await startBusy(t)
    const { page } = await openPage(t, browser, { timezoneId: 'Asia/Kathmandu' })
    await page.goto(origin)
    const [first] = await page.locator('time').all()
    const at = new Date(await first?.getAttribute('datetime') ?? '')
    const there = at.toLocaleTimeString('en-GB', { timeZone: 'Asia/Kathmandu' })
    t.equal(await first?.innerText(), there)
    t.notMatch(await page.locator('main').innerText(), 'UTC', 'and no table says another zone')
  })

  await t.test('the first line leads to its place in the runbook', async (t) => {
    const { origin } = await startBusy(t)
    const { page, complaints } = await openPage(t, browser)
    await page.goto(origin)
    const [first] = (await page.locator('body').innerText()).split('\n')
    t.match(first, /^! Redis is unreachable, so this replica works alone/)
    t.equal(await page.locator('dd', { hasText: /^serving$/ }).getAttribute('class'), null, 'nothing green about it')
    await page.locator('.verdict a').click()
    t.equal(new URL(page.url()).hash, '#forwardauthredisdown')
    const heading = page.getByRole('heading', { name: 'ForwardAuthRedisDown' })
    t.ok(await heading.evaluate((one) => one.matches(':target')))
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
    t.strictSame(complaints, [], 'within its Content-Security-Policy')
  })

  await t.test('axe finds nothing serious, on a screen and on a phone', async (t) => {
    const { origin } = await startBusy(t)
    for (const width of [1280, 390]) {
      const { page } = await openPage(t, browser, { viewport: { width, height: 844 } })
      for (const path of ['/', '/runbook']) {
        await page.goto(`${origin}${path}`)
        t.strictSame(await seriousOf(page), [], `${path}, ${width} px`)
        t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${path} does not scroll sideways`)
      }
    }
  })

  await t.test('without scripts it is the same page, with a link that asks again', async (t) => {
    const { origin, clock, metrics } = await startBusy(t)
    const { page } = await openPage(t, browser, { javaScriptEnabled: false })
    await page.goto(origin)
    const before = await numberOn(page, 'revocations-webhook')
    t.equal(await page.getByRole('button').count(), 0, 'no button that does nothing')
    metrics.revocations.revoked('webhook')
    clock.advance(1000)
    await page.getByRole('link', { name: 'Refresh' }).click()
    await page.locator(`#revocations-webhook[value="${before + 1}"]`).waitFor({ state: 'attached' })
  })

  await t.test('a real replica: the numbers are those of /metrics, and it says when it has gone', async (t) => {
    const simulator = await startSimulator(t)
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, LOG_LEVEL: 'error' })
    const managementPort = Number(new URL(service.managementUrl).port)
    for (let n = 0; n < 7; n++) {
      await ask(service.port, { path: '/verify', headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]] })
    }
    for (let n = 0; n < 3; n++) await ask(service.port, { path: '/verify' })
    const { page } = await openPage(t, browser)
    await page.goto(service.managementUrl)
    await page.locator('#requests-allowed[value="7"]').waitFor({ state: 'attached' })
    t.match(await page.title(), /^\S+:\d+: serving$/, 'two on one machine have two names')
    const metrics = seriesOf((await ask(managementPort, { path: '/metrics', host: '127.0.0.1' })).body)
    const counted = (part: string): number =>
      Array.from(metrics).filter(([name]) => name.startsWith('forward_auth_requests_total') && name.includes(part))
        .reduce((sum, [, value]) => sum + value, 0)
    t.equal(await numberOn(page, 'requests-allowed'), counted('status="200"'))
    t.equal(await numberOn(page, 'requests-unauthenticated'), counted('status="401"'))
    t.equal(await numberOn(page, 'hits-memory'),
      (metrics.get('forward_auth_cache_reads_total{tier="memory",outcome="hit"}') ?? 0) / 7)
    t.equal(
      await numberOn(page, 'authgear-answered'), metrics.get('forward_auth_authgear_requests_total{outcome="valid"}')
    )
    await service.stop()
    await until('it says so', async () => (await page.getByRole('status').innerText()).startsWith('Not up to date'))
  })
})
