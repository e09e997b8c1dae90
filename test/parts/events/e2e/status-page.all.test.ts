import t from 'tap'
import { seriousOf } from '../../../helpers/axe.ts'
import { openPage } from '../../../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../../../helpers/chromium.ts'
import { keepPicture } from '../../../helpers/docs-picture.ts'
import { EVENTS, openEvents } from '../../../helpers/event-stream.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { disabled } from '../../../helpers/log-entry.ts'
import { startManagement } from '../../../helpers/management.ts'

const WIDTHS = [390, 1280] as const
/** As long as one may be, and nowhere to break. */
const LONG = 'x'.repeat(100)

const skip = skipOrFailWithoutChromium()

t.test('what apps are told on the status page, in a real Chromium', { skip }, async (t) => {
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  for (const width of WIDTHS) {
    await t.test(`${width} px: streams of each app, and what is told in a minute`, async (t) => {
      const tokens = `${EVENTS.EVENTS_TOKENS},${LONG}:${'l'.repeat(32)}`
      const replica = await startInProcess(t, {
        ...EVENTS, EVENTS_TOKENS: tokens, AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1'
      })
      const origin = `http://127.0.0.1:${await startManagement(t, replica.service)}`
      const streams = [await openEvents(t, replica.eventsPort, { app: 'wiki' })]
      for (const app of ['wiki', 'grafana'] as const) streams.push(await openEvents(t, replica.eventsPort, { app }))
      for (const id of ['u1', 'u2']) await replica.service.revocations?.revocations.revoke(disabled(id))
      for (const stream of streams) await stream.until('told', ({ data }) => data['user'] === 'u2')
      const { page, complaints } = await openPage(t, browser, { viewport: { width, height: 844 } })
      await page.clock.install()
      await page.goto(origin)
      const valueOf = async (id: string): Promise<string | null> =>
        await page.locator(`[id="events-${id}"]`).getAttribute('value')
      t.equal(await valueOf('told'), '2')
      t.equal(await valueOf('streams-wiki'), '2')
      t.equal(await valueOf('streams-grafana'), '1')
      t.equal(await valueOf('streams-default'), '0')
      const row = page.getByRole('rowheader', { name: `streams of ${LONG}` })
      await row.scrollIntoViewIfNeeded()
      t.ok((await row.boundingBox() ?? { width: NaN }).width <= width / 2, 'a long name leaves room for its numbers')
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'does not scroll sideways')
      t.strictSame(await seriousOf(page), [])
      await keepPicture(page, `status-page/events-${width}.png`, { fullPage: true })
      streams[0]?.close()
      await page.clock.runFor(6000)
      await page.locator('[id="events-streams-wiki"][value="1"]').waitFor({ state: 'attached' })
      t.strictSame(complaints, [])
    })
  }
})
