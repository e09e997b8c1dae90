import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { PAST_PROXY, visit } from '../helpers/doctor.ts'
import { freePort } from '../helpers/free-port.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator } from '../helpers/simulator.ts'

async function listen (t: Test, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close() })
  return (server.address() as AddressInfo).port
}

/** A server that answers everybody the same. */
const answering = (t: Test, answer: RequestListener): Promise<number> =>
  listen(t, createServer((request, response) => {
    response.setHeader('connection', 'close')
    answer(request, response)
  }))

const closed: RequestListener = (_, response) => { response.writeHead(401).end() }
const open: RequestListener = (_, response) => { response.end('the app') }

/** Of a server that talks something else as soon as it is asked anything. */
const UPGRADE = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'

const made = new Set<string>()

/** What doctor finds on these ports of a host whose app is protected. */
async function findings (t: Test, ports: readonly number[], env: Readonly<Record<string, string>> = {}) {
  const authgear = await startSimulator(t)
  const url = `http://127.0.0.1:${await answering(t, closed)}`
  const { text } = await visit({
    env: { AUTHGEAR_ENDPOINT: authgear.url, ...env }, args: ['--url', url, '--ports', ports.join(',')]
  })
  const lines = [...text.matchAll(/^(error|warning) +(port-\w+): (.*)$/gm)].map(([, , id = '', what = '']) => {
    made.add(id)
    return `${id} ${what}`
  })
  return { lines, text }
}

t.test("an app's own port that answers a stranger is found", async (t) => {
  const port = await answering(t, open)
  const { lines, text } = await findings(t, [await answering(t, closed), port])
  t.strictSame(lines, [`port-open http://127.0.0.1:${port}/ answers 200 to a stranger`])
  t.match(text, 'ok       a stranger is refused by the proxy', 'which alone would say that all is well')
})

t.test('so is an app that shows its own login page, and one that speaks TLS', async (t) => {
  const login = await answering(t, ({ url }, response) => {
    if (url === '/login') return response.end('sign in')
    return response.writeHead(302, { location: '/login' }).end()
  })
  const { certFile, keyFile } = makeOwnCert(t)
  const tls = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, open)
  const secure = await listen(t, tls)
  t.strictSame((await findings(t, [login, secure])).lines, [
    `port-open http://127.0.0.1:${login}/login answers 200 to a stranger`,
    `port-open https://127.0.0.1:${secure}/ answers 200 to a stranger`
  ])
})

t.test('a port that refuses, leads elsewhere, is shut, or speaks something else is none', async (t) => {
  const elsewhere = await answering(t, (_, response) => response.writeHead(302, { location: 'https://a.invalid/' }).end())
  const missing = await answering(t, (_, response) => response.writeHead(404).end())
  const redis = createTcpServer((socket) => socket.on('error', () => {}).end('-ERR unknown command\r\n'))
  const upgrades = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.write(UPGRADE)))
  const { lines, text } = await findings(t, [
    await answering(t, closed), elsewhere, missing, await listen(t, redis), await listen(t, upgrades), await freePort()
  ])
  t.strictSame(lines, [])
  t.match(text, /ok {7}no other port of that host answers a stranger\n +ports asked at 127\.0\.0\.1: 6\n/)
})

t.test("this service's own listeners are named, whatever they answer", async (t) => {
  const authgear = await startSimulator(t)
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
  const management = Number(new URL(service.managementUrl).port)
  t.strictSame((await findings(t, [service.port, management])).lines, [
    `port-own http://127.0.0.1:${service.port}/ is the main listener of this service`,
    `port-own http://127.0.0.1:${management}/ is the management listener of this service`
  ])
})

t.test('no credential goes there', async (t) => {
  const heads: string[] = []
  const port = await answering(t, ({ rawHeaders }, response) => { heads.push(rawHeaders.join('\n')); response.end() })
  const authgear = await startSimulator(t)
  const args = ['--url', `http://127.0.0.1:${await answering(t, closed)}`, '--ports', `${port}`, '--token-stdin']
  await visit({ env: { AUTHGEAR_ENDPOINT: authgear.url }, args, stdin: 'aSecretThatStaysHere' })
  t.ok(heads.length > 0)
  t.notMatch(heads.join('\n'), /authorization|cookie|aSecretThatStaysHere/i)
})

t.test('a name that does not resolve is said, and no port of it asked', async (t) => {
  const authgear = await startSimulator(t)
  const { text } = await visit({ env: { AUTHGEAR_ENDPOINT: authgear.url }, args: ['--url', 'https://app.invalid'] })
  t.match(text, 'skipped  no other port of that host answers a stranger: app.invalid does not resolve here')
})

t.test('--ports are numbers of ports', async (t) => {
  for (const ports of ['', 'a', '0', '65536', '3000,', '3000;4000', '-1', Array(101).fill('1').join(',')]) {
    const { code, text } = await visit({ env: {}, args: ['--url', 'https://app.example.com', `--ports=${ports}`] })
    t.equal(code, 1)
    t.match(text, '--ports are not numbers such as 3000,8123', ports)
  }
})

t.test('each finding of the list was made above', async (t) => {
  t.strictSame([...made].toSorted(), [...PAST_PROXY].toSorted())
})
