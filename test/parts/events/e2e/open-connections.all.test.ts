import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { APPS } from '../../../helpers/event-stream.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { startProcess } from '../../../helpers/process.ts'
import { HOST } from '../../../helpers/request.ts'
import { skipOrFail } from '../../../helpers/servers.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { type App, APPS_OF_PAGE, NODE, startOpenApp } from '../../../e2e/apps/open-app.ts'
import { openRawSocket } from '../../../e2e/apps/raw-socket.ts'
import { ALICE, BOB } from '../../../e2e/people.ts'
import { caddy, traefikPlain } from '../../../e2e/proxies.ts'
import type { Proxy } from '../../../e2e/proxy.ts'
import { startProxy } from '../../../e2e/start-proxy.ts'

const TOKEN = 'a management token of the tests'
const ALICE_IN_ANOTHER_BROWSER = `app_session=${demo.alice.appSession}`

type Open = Readonly<{ closed: () => string | undefined, leave: () => void }>
type Person = Readonly<{ cookie: string }>

/** As a page does it: again, where it is closed at once, since its session was told a moment ago. */
async function openSocket (t: Test, port: number, { cookie }: Person, headers: object = {}): Promise<Open> {
  for (let n = 0; n < 100; n++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: HOST, cookie, ...headers } })
    t.teardown(() => socket.terminate())
    let closed: string | undefined
    socket.on('close', (code, why) => { closed = `${code} ${why.toString()}` }).on('error', () => {})
    await new Promise((resolve) => { socket.once('message', resolve).once('close', resolve) })
    await sleep(closed === undefined ? 0 : 200)
    if (closed === undefined) return { closed: () => closed, leave: () => { socket.terminate() } }
  }
  throw new Error('each socket is closed at once')
}

async function openStream (t: Test, port: number, { cookie }: Person): Promise<Open> {
  const asked = get({ host: '127.0.0.1', port, headers: { host: HOST, cookie }, agent: false })
  t.teardown(() => { asked.destroy() })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve).once('error', reject)
  })
  let text = ''
  let closed: string | undefined
  answer.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('end', () => { closed = text })
  await until('it begins', () => text.includes('welcome'))
  return { closed: () => closed, leave: () => { asked.destroy() } }
}

for (const [proxy, app] of [[caddy, NODE], ...APPS_OF_PAGE.map((one) => [traefikPlain, one] as const)] as const) {
  const needs = [proxy.server, ...app.server === undefined ? [] : [app.server]]
  t.test(`${app.name} behind ${proxy.server}`, { skip: skipOrFail(...needs) }, async (t) => {
    const { port, purge, countHeld } = await startWorld(t, proxy, app)

    t.test('connections of one session close, and nobody else’s', async (t) => {
      const [hers, his] = [await openSocket(t, port, ALICE), await openSocket(t, port, BOB)]
      const stream = app.hasStream ? await openStream(t, port, ALICE) : undefined
      t.equal(await purge({ cookie: ALICE.cookie }), 200)
      await until('hers is closed', () => hers.closed() !== undefined)
      t.equal(hers.closed(), '4401 revoked')
      await until('her stream too', () => stream === undefined || stream.closed() !== undefined)
      if (stream !== undefined) t.match(stream.closed(), /event: closed\ndata: 4401/)
      t.equal(his.closed(), undefined)
      await purge({ user_id: demo.bob.id })
      await until('his too', () => his.closed() !== undefined)
    })

    t.test('a client cannot write the name of its session', async (t) => {
      const forged = await openSocket(t, port, BOB, { 'X-Forward-Auth-Session': 'forged', 'X-Forward-Auth-Until': '1' })
      await purge({ cookie: BOB.cookie })
      await until('it is closed', () => forged.closed() !== undefined)
      t.equal(forged.closed(), '4401 revoked', 'by its own name, and not since a time was over')
    })

    t.test('a client that leaves is not held', async (t) => {
      const all = [await openSocket(t, port, ALICE), ...app.hasStream ? [await openStream(t, port, ALICE)] : []]
      await until('both are held', async () => await countHeld() === all.length)
      for (const one of all) one.leave()
      await until('nothing is held', async () => await countHeld() === 0)
    })

    t.test('drops a peer that does not answer the close', async (t) => {
      const deaf = await openRawSocket(t, port, ALICE_IN_ANOTHER_BROWSER)
      deaf.say('one')
      await until('it is answered', () => deaf.heard().includes('you said one'))
      await purge({ cookie: ALICE_IN_ANOTHER_BROWSER })
      await until('it is told', () => deaf.heard().includes('revoked'))
      deaf.say('two')
      await until('it is cut', deaf.isClosed)
      t.notMatch(deaf.heard(), 'you said two')
    })

    t.test('where everything is void all close', async (t) => {
      const [hers, his] = [await openSocket(t, port, ALICE), await openSocket(t, port, BOB)]
      await purge({ all: true })
      await until('all', () => hers.closed() !== undefined && his.closed() !== undefined)
    })
  })
}

async function startWorld (t: Test, proxy: Proxy, app: App) {
  const simulator = await startSimulator(t)
  const events = await freePort()
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    MANAGEMENT_TOKEN: TOKEN,
    LISTEN_EVENTS: `127.0.0.1:${events}`,
    EVENTS_TOKENS: `default:${APPS.default}`
  })
  const { port, countHeld } = await startOpenApp(t, app, { port: events, token: APPS.default })
  const behind = { app: port, forwardAuth: [service.port], options: ['--events'] }
  async function purge (body: object): Promise<number> {
    const { status } = await fetch(`${service.managementUrl}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    return status
  }
  return { port: await startProxy(t, proxy, behind), purge, countHeld }
}
