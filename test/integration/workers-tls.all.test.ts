import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2'
import { request } from 'node:https'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import type { Service } from '../helpers/process.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { makeTls, type TlsFiles } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import {
  killWorker, metric, placesOf, startWorkers, untilBothAnswer, type Workers, workersOf
} from '../helpers/workers.ts'

const skip = skipOrFail('redis-server')
const AUTHORIZATION = `Bearer ${demo.alice.accessToken}`
/** So many connections that each of two workers gets some. */
const CONNECTIONS = 20

type World = Workers & Readonly<{ tls: TlsFiles }>

async function start (t: Test): Promise<World> {
  const tls = makeTls(t)
  const workers = await startWorkers(t, { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile })
  return { ...workers, tls }
}

function session (t: Test, { service: { port }, tls: { ca } }: World): ClientHttp2Session {
  const opened = connectHttp2(`https://localhost:${port}`, { ca }).on('error', () => {})
  t.teardown(() => opened.destroy())
  return opened
}

/** Rejects where the session ends without an answer. */
async function statusOn (opened: ClientHttp2Session, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const stream = opened.request({ [constants.HTTP2_HEADER_PATH]: '/verify', ...headers })
  const ended = once(stream, 'close').then(() => { throw new Error('no answer') })
  const [head] = await Promise.race([once(stream, 'response'), ended])
  stream.resume()
  ended.catch(() => {})
  return Number(head[':status'])
}

/** Sessions of both workers, by the worker's place. */
async function sessionOfEach (t: Test, world: World): Promise<ReadonlyMap<number, ClientHttp2Session>> {
  const found = new Map<number, ClientHttp2Session>()
  await until('each worker has a session', async () => {
    const [opened, id] = [session(t, world), `of-${Math.random()}`]
    t.equal(await statusOn(opened, { 'x-request-id': id }), 401)
    await until('its worker says so', () => placesOf(world.service, id).size === 1)
    for (const place of placesOf(world.service, id)) found.set(place, opened)
    return found.size === 2
  })
  return found
}

const overHttp1 = ({ service: { port }, tls: { ca } }: World): Promise<number> => new Promise((resolve, reject) => {
  const headers = { authorization: AUTHORIZATION }
  request({ host: 'localhost', port, path: '/verify', ca, agent: false, headers }, (answer) => {
    answer.resume()
    resolve(answer.statusCode ?? 0)
  }).once('error', reject).end()
})

async function fingerprint ({ port }: Service): Promise<string> {
  const socket = connect({ port, host: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const found = socket.getPeerX509Certificate()?.fingerprint256 ?? 'none'
  socket.destroy()
  return found
}

const fingerprints = async (service: Service): Promise<readonly string[]> =>
  [...new Set(await Promise.all(Array.from({ length: CONNECTIONS }, () => fingerprint(service))))]

t.test('workers speak HTTP/2 and HTTP/1.1 over TLS, and ask Authgear once', { skip }, async (t) => {
  const world = await start(t)
  await untilBothAnswer(world.service, async () => {
    const opened = session(t, world)
    t.equal(await statusOn(opened), 401)
    t.equal(await statusOn(opened, { authorization: AUTHORIZATION }), 200)
    t.equal(await overHttp1(world), 200)
  })
  t.equal(world.simulator.counters.resolutions, 1)
})

t.test('workers all serve a certificate that is read again, and so does a successor', { skip }, async (t) => {
  const { service, tls } = await start(t)
  const [renewed, EXPIRY] = [makeTls(t), 'forward_auth_tls_certificate_expiry_timestamp_seconds']
  const expiryOf = ({ certFile }: TlsFiles): number =>
    Date.parse(new X509Certificate(readFileSync(certFile)).validTo) / 1000
  t.equal(await metric(service, EXPIRY), expiryOf(tls))
  copyFileSync(renewed.keyFile, tls.keyFile)
  copyFileSync(renewed.certFile, tls.certFile)
  await until('both have read it', () => placesOf(service, '"certificate read again"').size === 2)
  const fresh = new X509Certificate(readFileSync(renewed.certFile)).fingerprint256
  t.strictSame(await fingerprints(service), [fresh])
  t.equal(await metric(service, EXPIRY), expiryOf(renewed))
  await killWorker(service, workersOf(service)[0] ?? 0)
  t.strictSame(await fingerprints(service), [fresh])
})

t.test('a killed worker ends its own HTTP/2 sessions and nobody else’s', { skip }, async (t) => {
  const world = await start(t)
  const { service } = world
  const sessions = await sessionOfEach(t, world)
  const [first, second] = [sessions.get(1), sessions.get(2)]
  if (first === undefined || second === undefined) return t.fail('a worker has no session')
  const closed = new Promise((resolve) => { first.once('close', resolve) })
  await killWorker(service, workersOf(service)[0] ?? 0)
  await closed
  t.equal(await statusOn(second, { authorization: AUTHORIZATION }), 200)
  t.equal(await statusOn(session(t, world), { authorization: AUTHORIZATION }), 200)
})

t.test('a SIGTERM says GOAWAY on the sessions of each worker, and answers what waits', { skip }, async (t) => {
  const world = await start(t)
  const { service, simulator } = world
  const gate = simulator.controls.hold()
  const sessions = [...(await sessionOfEach(t, world)).values()]
  const tokens = [demo.alice.accessToken, demo.bob.accessToken]
  const waiting = sessions.map((opened, i) => statusOn(opened, { authorization: `Bearer ${tokens[i]}` }))
  await gate.arrived(2)
  const told = sessions.map((opened) => once(opened, 'goaway'))
  const stopped = service.stop()
  for (const [code] of await Promise.all(told)) t.equal(code, constants.NGHTTP2_NO_ERROR)
  gate.release()
  t.strictSame(await Promise.all(waiting), [200, 200])
  await stopped
  t.equal(await service.ended, 0)
})
