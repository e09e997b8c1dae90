import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { disabledEvent, sign, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'
import { advisory } from './helpers/advisory.ts'

const MEBIBYTE = 1024 * 1024
const GENUINE = 100
/** So many bodies are read at the same time; one more displaces another. */
const MOST_AT_ONCE = 256

async function start (t: Test, options: Partial<InProcessOptions> = {}): Promise<InProcess> {
  const simulator = await startSimulator(t)
  return await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, ...options
  })
}

/** A webhook whose body never ends: so many bytes of it are there. Resolves once they are sent. */
async function sendUnfinished (
  t: Test,
  { port }: InProcess,
  bytes: number,
  signature = sign('guessed')
): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  const head = `POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: ${MEBIBYTE}\r\nx-authgear-body-signature: ` +
    `${signature}\r\n\r\n`
  await new Promise<void>((resolve) => { socket.write(head + 'x'.repeat(bytes), () => resolve()) })
  return socket
}

async function sendGenuine (t: Test, { port }: InProcess): Promise<void> {
  const bodies = Array.from({ length: GENUINE }, (_, index) => disabledEvent('somebody', `event ${index}`))
  const answers = await Promise.all(bodies.map((body) => ask(port, webhookOf(body))))
  t.equal(answers.filter(({ status }) => status === 204).length, GENUINE,
    `${GENUINE} of ${GENUINE} genuine webhooks are taken`)
}

const HOSTILE: ReadonlyArray<readonly [what: string, connections: number, bytes: number]> = [
  ['100 bodies of which nothing arrives', 100, 0],
  ['600 bodies of which nothing arrives', 600, 0],
  ['100 bodies of which all but the last byte arrives', 100, MEBIBYTE - 1]
]

advisory(t, 'Authgear webhooks, found here',
  'bodies that never arrive kept genuine webhooks out, each of which is sent once', async (t) => {
    for (const [what, connections, bytes] of HOSTILE) {
      await t.test(what, async (t) => {
        const adapter = await start(t)
        for (let sent = 0; sent < connections; sent += 50) {
          await Promise.all(Array.from({ length: 50 }, () => sendUnfinished(t, adapter, bytes)))
        }
        await sendGenuine(t, adapter)
      })
    }
  })

t.test('a body without a well-formed signature is not waited for', async (t) => {
  const adapter = await start(t)
  for (const signature of ['', 'guessed', sign('x').toUpperCase()]) {
    const socket = await sendUnfinished(t, adapter, 0, signature)
    await untilClosed(socket)
  }
  t.equal(adapter.lines.filter(({ status }) => status === 401).length, 3)
})

t.test('bodies without a well-formed signature displace none that may be genuine', async (t) => {
  const adapter = await start(t)
  await sendUnfinished(t, adapter, 0)
  const others = Array.from({ length: MOST_AT_ONCE }, () => sendUnfinished(t, adapter, 0, 'guessed'))
  await Promise.all((await Promise.all(others)).map(untilClosed))
  t.notOk(adapter.lines.some(({ status }) => status === 503), 'none made room')
})

t.test('a flood of wrong signatures writes ten lines a second and counts the rest', async (t) => {
  const clock = manualClock()
  const adapter = await start(t, { clock })
  const send = async (): Promise<number> =>
    (await ask(adapter.port, webhookOf(disabledEvent('somebody'), { 'x-authgear-body-signature': sign('x') }))).status
  for (let sent = 0; sent < 200; sent++) t.equal(await send(), 401)
  clock.advance(1000)
  t.equal(await send(), 401)
  const lines = adapter.lines.filter(({ msg }) => msg === 'webhook')
  t.equal(lines.length, 11)
  t.match(lines[10], { status: 401, leftOut: 190 })
})

t.test('every signed webhook that cannot be taken writes its line', async (t) => {
  const adapter = await start(t, { clock: manualClock() })
  for (let sent = 0; sent < 20; sent++) t.equal((await ask(adapter.port, webhookOf('[]'))).status, 400)
  t.equal(adapter.lines.filter(({ status }) => status === 400).length, 20)
})
