import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { startChild } from '../helpers/child.ts'
import { APPS } from '../helpers/event-stream.ts'
import { freePort } from '../helpers/free-port.ts'
import { startProcess } from '../helpers/process.ts'
import { HOST } from '../helpers/request.ts'
import { mustFind, type ServerName, skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { answers, until } from '../helpers/until.ts'
import { ALICE, BOB } from './people.ts'
import { caddy, traefikPlain } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import { startProxy } from './start-proxy.ts'

const ROOT = join(import.meta.dirname, '../..')
const TOKEN = 'a management token of the tests'

/** What the page's block of that name holds: what people copy is what runs here. */
function codeOf (file: string): string {
  const page = readFileSync(join(ROOT, 'docs/open-connections.md'), 'utf8')
  const found = [...page.matchAll(/^```\S+ (\S+)\n([^]*?)^```$/gm)].find(([, name]) => name === file)?.[2]
  if (found === undefined) throw new Error(`docs/open-connections.md has no block ${file}`)
  return found
}

type App = Readonly<{ name: string, server: ServerName | undefined, files: readonly string[], hasStream: boolean }>

const NODE: App = { name: 'Node', server: undefined, files: ['follow.js', 'app.js'], hasStream: true }
const APPS_OF_PAGE: readonly App[] = [
  NODE,
  { name: 'Starlette', server: 'python-apps', files: ['follow.py', 'starlette_app.py'], hasStream: true },
  { name: 'Django Channels', server: 'python-apps', files: ['follow.py', 'channels_app.py'], hasStream: false }
]

async function startApp (t: Test, { name, server, files }: App, eventsPort: number): Promise<number> {
  const [folder, port] = [tempDir(t, 'open'), await freePort()]
  for (const file of files) writeFileSync(join(folder, file), codeOf(file))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'settings.py'), 'SECRET_KEY = "of the tests"\n')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const module = files.at(-1) ?? ''
  await startChild(t, {
    name,
    command: server === undefined ? process.execPath : mustFind(server),
    args: server === undefined ? [module] : ['-m', 'uvicorn', '--port', `${port}`, module.replace('.py', ':app')],
    cwd: folder,
    env: { PORT: String(port), EVENTS: `http://127.0.0.1:${eventsPort}`, TOKEN: APPS.default },
    ready: () => answers(port)
  })
  return port
}

type Open = Readonly<{ closed: () => string | undefined }>
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
    if (closed === undefined) return { closed: () => closed }
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
  return { closed: () => closed }
}

for (const [proxy, app] of [[caddy, NODE], ...APPS_OF_PAGE.map((one) => [traefikPlain, one] as const)] as const) {
  const needs = [proxy.server, ...app.server === undefined ? [] : [app.server]]
  t.test(`${app.name} behind ${proxy.server}`, { skip: skipOrFail(...needs) }, async (t) => {
    const { port, purge } = await startWorld(t, proxy, app)

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
  const behind = { app: await startApp(t, app, events), forwardAuth: [service.port], options: ['--events'] }
  async function purge (body: object): Promise<number> {
    const { status } = await fetch(`${service.managementUrl}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    return status
  }
  return { port: await startProxy(t, proxy, behind), purge }
}
