import { X509Certificate } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2, constants, createSecureServer, type ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { request } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { trackConnections } from '../../src/base/http/drain.ts'
import { contextOf, readTlsMaterial, watchTlsFiles } from '../../src/base/http/tls.ts'
import { hangUp } from '../helpers/hang-up.ts'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { statusOverHttp2 } from '../helpers/raw-http2.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'

const tls = makeTls(t)
const authorization = `Bearer ${demo.alice.accessToken}`

t.test('one listener speaks HTTP/2 and HTTP/1.1, by ALPN', async (t) => {
  const { port } = await start(t)
  t.equal(await status2(session(t, port), { authorization }), 200)
  t.equal(await status1(port, { headers: { authorization } }), 200)
  t.equal(await status1(port, {}), 401)
})

t.test('more than one Authorization line is refused over HTTP/2 too', async (t) => {
  const { port } = await start(t)
  t.equal(await statusOverHttp2(port, tls.ca, '/verify', [['authorization', authorization]]), 200)
  t.equal(
    await statusOverHttp2(port, tls.ca, '/verify', [
      ['authorization', authorization],
      ['authorization', authorization]
    ]),
    401
  )
  t.equal(
    await statusOverHttp2(port, tls.ca, '/ext-authz/x', [
      ['authorization', 'Bearer x'],
      ['authorization', authorization]
    ]),
    401
  )
})

t.test('an unknown method is 404 over HTTP/2, whatever the credential', async (t) => {
  const { port } = await start(t)
  t.equal(await statusOverHttp2(port, tls.ca, '/verify', [['authorization', authorization]], 'FOO'), 404)
})

t.test('cookies that HTTP/2 split into crumbs are read, however many', async (t) => {
  const { port } = await start(t)
  const crumbs = Array.from({ length: 1000 }, (_, index) => `c${index}=v`)
  t.equal(await status2(session(t, port), { cookie: [...crumbs, `session=${demo.alice.cookie}`] }), 200)
})

t.test('twenty requests with 150 kB of cookies do not stall their HTTP/2 session', async (t) => {
  const { port } = await start(t)
  const shared = session(t, port)
  const cookie = Array.from({ length: 50 }, () => `x=${'y'.repeat(3000)}`) // in crumbs, as Go sends them
  const huge = Array.from({ length: 20 }, () => status2(shared, { cookie }).catch(() => 0))
  const bystanders = Array.from({ length: 20 }, () => status2(shared, { authorization }))
  t.ok((await Promise.all(huge)).every((status) => status !== 200))
  t.same(await Promise.all(bystanders), new Array(20).fill(200))
})

t.test('a body that comes over HTTP/2 is answered and costs nobody the session', async (t) => {
  const { port } = await start(t)
  const shared = session(t, port)
  const stream = shared.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST', [constants.HTTP2_HEADER_PATH]: '/verify', 'content-length': 5
  })
  const [head] = await once(stream, 'response')
  t.equal(head[':status'], 401)
  stream.destroy()
  t.equal(await status2(shared, { authorization }), 200)
})

t.test('with a client CA only its certificates get answers, also after a renewal', async (t) => {
  const stranger = makeTls(t)
  const { port, service } = await start(t, tls.caFile)
  const client = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }
  const foreign = { cert: readFileSync(stranger.certFile), key: readFileSync(stranger.keyFile) }
  for (const when of ['before', 'after']) {
    t.equal(await status1(port, { ...client, headers: { authorization } }), 200, `${when}: its certificate`)
    await t.rejects(status1(port, { headers: { authorization } }), `${when}: none`)
    await t.rejects(status1(port, { ...foreign, headers: { authorization } }), `${when}: a stranger’s`)
    const server = service.app.fastify.server as unknown as import('node:tls').Server
    server.setSecureContext(
      contextOf({ cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8'), ca: tls.ca })
    )
  }
})

t.test('serves changed files to new connections; broken files leave the old in place', async (t) => {
  const files = makeTls(t)
  const renewed = makeTls(t)
  const { port, service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1', ...overTls(files) })
  const server = service.app.fastify.server as unknown as import('node:tls').Server
  let seen: (what: string) => void = () => {}
  const next = (): Promise<string> => new Promise((resolve) => { seen = resolve })
  t.teardown(
    watchTlsFiles({ ...files, clientCaFile: undefined }, server,
      { reloaded: () => seen('reloaded'), failed: () => seen('failed') }, 20)
  )
  const before = await fingerprint(port)

  const broken = next()
  writeFileSync(files.keyFile, 'not a key')
  t.equal(await broken, 'failed')
  t.equal(await fingerprint(port), before, 'the old one is still served')

  copyFileSync(renewed.keyFile, files.keyFile)
  let outcome = next()
  copyFileSync(renewed.certFile, files.certFile)
  while (await outcome !== 'reloaded') outcome = next()
  t.equal(await fingerprint(port), new X509Certificate(readFileSync(renewed.certFile)).fingerprint256)
})

t.test('a key that does not belong to the certificate is not accepted at start', async (t) => {
  const other = makeTls(t)
  t.throws(() => readTlsMaterial({ certFile: tls.certFile, keyFile: other.keyFile, clientCaFile: undefined }))
})

t.test('draining says at once which streams get no answer; one under way does', async (t) => {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls) })
  const hold = simulator.controls.hold('before')
  const shared = session(t, adapter.port)
  const pending = status2(shared, { authorization })
  await hold.arrived(1)
  const goaway = once(shared, 'goaway')
  const closed = adapter.close()
  t.strictSame((await goaway).slice(0, 2), [constants.NGHTTP2_NO_ERROR, 1],
    'it gives up what Node would not answer: each stream that comes later')
  hold.release()
  t.equal(await pending, 200)
  await closed
})

t.test('a session is asked to end at its age', async (t) => {
  const server = createSecureServer(
    { key: readFileSync(tls.keyFile), cert: readFileSync(tls.certFile), allowHTTP1: true },
    () => {}
  )
  const drain = trackConnections(server, 50)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => drain.drain(0))
  const { port } = server.address() as AddressInfo
  const aged = session(t, port)
  t.strictSame((await once(aged, 'goaway')).slice(0, 2), [constants.NGHTTP2_NO_ERROR, 0], 'GOAWAY at its age')
})

t.test('500 streams that clients gave up end the session before nghttp2 would', async (t) => {
  const simulator = await startSimulator(t)
  const hold = simulator.controls.hold('before')
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls), AUTHGEAR_TIMEOUT: '60s'
  })
  const shared = session(t, port)
  const goaway = once(shared, 'goaway')
  const pending = status2(shared, { authorization })
  await hold.arrived(1)
  await hangUp(shared, { [constants.HTTP2_HEADER_PATH]: '/verify', authorization }, 500)
  const [code] = await goaway
  t.equal(code, constants.NGHTTP2_NO_ERROR)
  hold.release()
  t.equal(await pending, 200, 'and a bystander gets the answer')
})

async function start (t: Test, clientCaFile?: string) {
  const simulator = await startSimulator(t)
  return await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls), LISTEN_TLS_CLIENT_CA_FILE: clientCaFile
  })
}

function session (t: Test, port: number): ClientHttp2Session {
  const opened = connectHttp2(`https://localhost:${port}`, { ca: tls.ca, maxSendHeaderBlockLength: 1_000_000 })
  opened.on('error', () => {})
  t.teardown(() => opened.destroy())
  return opened
}

async function status2 (opened: ClientHttp2Session, headers: Record<string, string | string[]>): Promise<number> {
  const stream = opened.request({ [constants.HTTP2_HEADER_PATH]: '/verify', ...headers })
  stream.on('error', () => {})
  const [head] = await Promise.race([once(stream, 'response'), once(stream, 'close').then(() => [{}])])
  stream.resume()
  return Number(head[':status'] ?? 0)
}

async function status1 (port: number, options: object): Promise<number> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ host: 'localhost', port, path: '/verify', ca: tls.ca, agent: false, ...options }, resolve)
      .once('error', reject)
      .end()
  })
  await text(response)
  return response.statusCode ?? 0
}

async function fingerprint (port: number): Promise<string | undefined> {
  const socket = connectTls({ port, host: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const found = socket.getPeerX509Certificate()?.fingerprint256
  socket.destroy()
  return found
}
