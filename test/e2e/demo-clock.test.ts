import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { answers } from '../helpers/until.ts'

const APP = join(import.meta.dirname, '../../deploy/demo/app.mjs')

/** The app, which follows the events of a server that the test writes to. */
async function startApp (t: Test) {
  const streams: ServerResponse[] = []
  const events = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    streams.push(response)
  })
  await once(events.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { events.closeAllConnections(); events.close() })
  const PORT = await freePort()
  const EVENTS_URL = `http://127.0.0.1:${(events.address() as AddressInfo).port}`
  await startChild(t, {
    name: 'app',
    command: process.execPath,
    args: [APP],
    env: { PORT: String(PORT), HOST: '127.0.0.1', EVENTS_URL, EVENTS_TOKEN: 'token' },
    ready: async () => streams.length > 0 && await answers(PORT)
  })
  return { url: `http://127.0.0.1:${PORT}`, tell: (text: string) => { streams[0]?.write(text) } }
}

t.test('two events about one session end its clock once, and the app goes on', async (t) => {
  const { url, tell } = await startApp(t)
  const clock = await fetch(`${url}/clock`, {
    headers: { 'x-authgear-user-id': 'alice', 'x-forward-auth-session': 'one' }
  })
  const event = (about: object): string => `event: revoked\ndata: ${JSON.stringify(about)}\n\n`
  tell(event({ kind: 'session', session: 'one' }) + event({ kind: 'user', user: 'alice' }))
  t.match(await clock.text(), /event: over\ndata: now\n\n$/)
  t.equal((await fetch(url)).status, 200)
})

t.test('a clock that the app closed for safety ticks again', { skip: skipOrFailWithoutChromium() }, async (t) => {
  const { url, tell } = await startApp(t)
  const browser = await launchChromium()
  t.teardown(() => browser.close())
  const page = await browser.newPage({
    extraHTTPHeaders: {
      'x-authgear-session-valid': 'true', 'x-authgear-user-id': 'alice', 'x-forward-auth-session': 'one'
    }
  })
  await page.goto(url)
  await page.getByText(/: \d\d:\d\d:\d\d/).waitFor()
  const before = await page.locator('#clock').innerText()
  tell('event: reset\ndata: {}\n\n')
  await page.waitForFunction(`/:/.test(clock.textContent) && clock.textContent > ${JSON.stringify(before)}`)
  t.pass('it goes on')
})
