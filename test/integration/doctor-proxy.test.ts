import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { THROUGH_PROXY, visit } from '../helpers/doctor.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { startProcess } from '../helpers/process.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const COOKIE = `session=${demo.alice.cookie}`
const ISSUER = 'https://auth.example.com'

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>
type App = (headers: Headers, response: ServerResponse) => void

/** An app, with whatever stands for its proxy. @returns its origin */
async function startApp (t: Test, app: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(app)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json: App = (headers, response) => response.end(JSON.stringify(headers))
const text: App = (headers, response) =>
  response.end(Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`).join('\n'))
const lists: App = (headers, response) =>
  response.end(JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))))

/** A proxy in a few lines, which asks forward-auth, strips what `strips` says and copies what it answers. */
function proxied (verify: string, strips: RegExp, echo: App, copies = /^(x-authgear|remote|x-forward-auth)-/) {
  return async ({ headers }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { cookie = '' } = headers
    const answer = await fetch(verify, { headers: { cookie }, redirect: 'manual' })
    if (answer.status !== 200) { response.writeHead(answer.status).end(); return }
    const kept = Object.entries(headers).filter(([name]) => !strips.test(name))
    const copied = [...answer.headers].filter(([name]) => copies.test(name))
    echo(Object.fromEntries([...kept, ...copied]), response)
  }
}

type World = Readonly<{ env: Readonly<Record<string, string>>, verify: string }>

async function start (t: Test, more: Readonly<Record<string, string>> = {}): Promise<World> {
  const simulator = await startSimulator(t)
  const env = { AUTHGEAR_ENDPOINT: simulator.url, ...more }
  if (more['ASSERTION'] === undefined) {
    const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
    return { env, verify: `http://127.0.0.1:${port}/verify` }
  }
  const management = `127.0.0.1:${await freePort()}`
  const service = await startProcess(t, env)
  const { host } = new URL(service.managementUrl)
  return { env: { ...env, MANAGEMENT_LISTEN: host || management }, verify: `${service.url}/verify` }
}

const made = new Set<string>()

/** Findings of the two checks through the proxy alone. */
async function findings (env: World['env'], url: string, ...more: string[]): Promise<readonly string[]> {
  const args = ['--url', url, '--cookie-stdin', ...more]
  const { findings: all } = await visit({ env, args, stdin: COOKIE })
  const found = all.filter((one) => / (app|identity|assertion)-/.test(one))
  for (const one of found) made.add(one.replace(/^\w+ /, ''))
  return found
}

const NOT_SENT = /remote|forward[-_.]auth|forwarded[-_.](user|email|groups|preferred)|webauth/
const ALL = new RegExp(`authgear|${NOT_SENT.source}`)

for (const [form, echo] of [['JSON', json], ['lines', text], ['JSON with lists', lists]] as const) {
  t.test(`all is well behind a proxy that strips and copies; the app shows ${form}`, async (t) => {
    const { env, verify } = await start(t)
    t.strictSame(await findings(env, await startApp(t, proxied(verify, ALL, echo))), [])
  })
}

t.test('an app without a proxy is open, and believes anybody', async (t) => {
  const { env } = await start(t)
  const app = await startApp(t, (request, response) => json(request.headers, response))
  t.strictSame(await findings(env, app), ['error app-open', 'error identity-forged'])
})

for (const [spelling, strips] of [
  ['x_authgear_user_id', /x-authgear|x\.authgear/],
  ['x.authgear.user.id', /x-authgear|x_authgear/],
  ['x-authgear-client-id', /x[-_.]authgear[-_.](?!client)/]
] as const) {
  t.test(`a client's own ${spelling} is seen at the app`, async (t) => {
    const { env, verify } = await start(t)
    const app = await startApp(t, proxied(verify, new RegExp(`${strips.source}|${NOT_SENT.source}`), json))
    t.strictSame(await findings(env, app), ['error identity-forged'])
    const { text } = await visit({ env, args: ['--url', app, '--cookie-stdin'], stdin: COOKIE })
    t.match(text, spelling)
    t.notMatch(text, demo.alice.cookie)
  })
}

t.test('a name that is not sent is a warning, and an error once it is sent', async (t) => {
  const { env, verify } = await start(t)
  const onlyOurs = await startApp(t, proxied(verify, /authgear/, json))
  t.strictSame(await findings(env, onlyOurs), ['warning identity-unused'])
  const { text } = await visit({ env, args: ['--url', onlyOurs, '--cookie-stdin'], stdin: COOKIE })
  for (const name of ['x-forward-auth-assertion', 'remote_user', 'x.webauth.user']) t.match(text, name)
  const allButRemote = /authgear|forward[-_.]auth|forwarded[-_.](user|email|groups|preferred)|webauth/
  const app = await startApp(t, proxied(verify, allButRemote, json))
  t.strictSame(await findings(env, app), ['warning identity-unused'])
  t.strictSame(await findings({ ...env, IDENTITY_HEADERS: 'remote' }, app), ['error identity-forged'])
})

t.test('a certificate of a private authority is said, and AUTHGEAR_CA_FILE counts', async (t) => {
  const { env, verify } = await start(t)
  const { certFile, keyFile, caFile } = makeOwnCert(t, '127.0.0.1')
  const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const server = createTlsServer(tls, proxied(verify, ALL, json))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.strictSame(await findings(env, url), ['error app-certificate'])
  t.strictSame(await findings({ ...env, AUTHGEAR_CA_FILE: caFile }, url), [])
})

t.test('a proxy that copies nothing is found', async (t) => {
  const { env, verify } = await start(t)
  const app = await startApp(t, proxied(verify, ALL, (_, response) => response.end('{"via":"authgear"}'), /^nothing$/))
  t.strictSame(await findings(env, app), ['error identity-missing'])
})

t.test('a page that shows no headers, one that refuses, and none at all', async (t) => {
  const { env, verify } = await start(t)
  const silent = await startApp(t, proxied(verify, ALL, (_, response) => response.end('hello')))
  t.strictSame(await findings(env, silent), ['warning app-no-echo'])
  const closed = await startApp(t, (_, response) => { response.writeHead(403).end() })
  t.strictSame(await findings(env, closed), ['warning app-refuses'])
  t.strictSame(await findings(env, `http://127.0.0.1:${await freePort()}`), ['error app-unreachable'])
})

t.test('the assertion is verified by the keys of the running service', async (t) => {
  const { env, verify } = await start(t, { ASSERTION: 'on', ASSERTION_ISSUER: ISSUER })
  const app = await startApp(t, proxied(verify, ALL, json))
  t.strictSame(await findings(env, app), [])
  t.strictSame(await findings({ ...env, ASSERTION_ISSUER: 'https://other.example' }, app), ['error assertion-wrong'])
  t.strictSame(await findings({ ...env, MANAGEMENT_LISTEN: 'off' }, app), ['warning assertion-keys'])
  const without = await startApp(t, proxied(verify, ALL, json, /^x-authgear-/))
  t.strictSame(await findings(env, without), ['error assertion-missing'])
})

t.test('--echo names the page, and is a path', async (t) => {
  const { env, verify } = await start(t)
  const behind = proxied(verify, ALL, json)
  const app = await startApp(t, (request, response) => {
    if (request.url === '/headers') return behind(request, response)
    response.end('public')
  })
  t.strictSame(await findings(env, app), ['error app-open', 'warning app-no-echo'])
  t.strictSame(await findings(env, app, '--echo', '/headers'), [])
  for (const echo of ['headers', 'https://x/', '/a b', '/?a']) {
    t.match((await visit({ env, args: ['--url', app, '--echo', echo] })).text, /--echo is not a path/)
  }
})

t.test('a credential is not sent to another machine without TLS', async (t) => {
  const { env } = await start(t)
  const { text } = await visit({ env, args: ['--url', 'http://app.invalid', '--cookie-stdin'], stdin: COOKIE })
  t.match(text, /a credential is sent by https:\/\/ only/)
})

t.test('each finding of the list was made above', async (t) => {
  t.strictSame([...made].toSorted(), [...THROUGH_PROXY].toSorted())
})
