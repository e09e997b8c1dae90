import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  connect, constants, type ClientHttp2Session, type IncomingHttpHeaders, type IncomingHttpStatusHeader
} from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server as TlsServer } from 'node:tls'
import { credentials, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { createHealth } from '../../../../src/parts/grpc/health.ts'
import {
  buildGrpcListener, CHECK_PATH, type GrpcLimits, type GrpcListenerDeps
} from '../../../../src/parts/grpc/listener.ts'
import { contextOf, type TlsMaterial } from '../../../../src/base/http/tls.ts'
import { hangUp } from '../../../helpers/hang-up.ts'
import { listenerBounds } from '../../../helpers/listener-bounds.ts'
import { grpcClient, HEALTH_PATH } from '../../../helpers/grpc.ts'
import { untilClosed } from '../../../helpers/raw-http.ts'
import { makeTls, type TlsFiles } from '../../../helpers/tls.ts'

const ANSWER = Buffer.from('answer')
const echo = (): Buffer => ANSWER

async function start (
  t: Test,
  exchange: GrpcListenerDeps['exchange'] = echo,
  tls?: TlsMaterial,
  limits: GrpcLimits & { maxConnections?: number, bytes?: number } = {}
) {
  const health = createHealth('envoy.service.auth.v3.Authorization')
  const listener = buildGrpcListener({ exchange, health, tls, bounds: listenerBounds(limits) }, limits)
  await listener.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => listener.drain.drain(10))
  return { ...listener, stopServing: health.stopServing, port: (listener.server.address() as AddressInfo).port }
}

const materialOf = ({ certFile, keyFile, ca }: TlsFiles, mutual = false): TlsMaterial =>
  ({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), ca: mutual ? ca : undefined })
const clientTls = ({ ca, certFile, keyFile }: TlsFiles, withCertificate: boolean) =>
  withCertificate
    ? credentials.createSsl(Buffer.from(ca), readFileSync(keyFile), readFileSync(certFile))
    : credentials.createSsl(Buffer.from(ca))

t.test('over TLS, for clients that know its authority', async (t) => {
  const tls = makeTls(t)
  const { port } = await start(t, echo, materialOf(tls))
  t.same(await grpcClient(t, port, clientTls(tls, false)).send(Buffer.alloc(0)), ANSWER)
  await t.rejects(grpcClient(t, port).send(Buffer.alloc(0)), { code: status.UNAVAILABLE }, 'in plain text')
  await t.rejects(grpcClient(t, port, clientTls(makeTls(t), false)).send(Buffer.alloc(0)), { code: status.UNAVAILABLE })
})

t.test('with a client authority, for clients with a certificate of it alone', async (t) => {
  const [tls, other] = [makeTls(t), makeTls(t)]
  const { port } = await start(t, echo, materialOf(tls, true))
  t.same(await grpcClient(t, port, clientTls(tls, true)).send(Buffer.alloc(0)), ANSWER)
  await t.rejects(grpcClient(t, port, clientTls(tls, false)).send(Buffer.alloc(0)), { code: status.UNAVAILABLE })
  const stranger = clientTls({ ...other, ca: tls.ca }, true)
  await t.rejects(grpcClient(t, port, stranger).send(Buffer.alloc(0)), { code: status.UNAVAILABLE })
})

t.test('a new certificate serves new connections', async (t) => {
  const [tls, next] = [makeTls(t), makeTls(t)]
  const { port, server } = await start(t, echo, materialOf(tls))
  const old = grpcClient(t, port, clientTls(tls, false))
  t.same(await old.send(Buffer.alloc(0)), ANSWER)
  if (!(server instanceof TlsServer)) return t.fail('it speaks no TLS')
  server.setSecureContext(contextOf(materialOf(next)))
  t.same(await grpcClient(t, port, clientTls(next, false)).send(Buffer.alloc(0)), ANSWER)
  t.same(await old.send(Buffer.alloc(0)), ANSWER, 'and the connections that there are stay')
})

t.test('health: serving until it is stopped', async (t) => {
  const { port, stopServing } = await start(t)
  const client = grpcClient(t, port)
  t.equal(await client.health(), 1)
  t.equal(await client.health('envoy.service.auth.v3.Authorization'), 1)
  await t.rejects(client.health('other'), { code: status.NOT_FOUND })
  await t.rejects(client.send(Buffer.from([0xff]), HEALTH_PATH), { code: status.NOT_FOUND }, 'what is no request')
  stopServing()
  t.equal(await client.health(), 2)
  t.same(await client.send(Buffer.alloc(0)), ANSWER, 'and calls are still answered')
})

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader
function session (t: Test, port: number): ClientHttp2Session {
  const one = connect(`http://127.0.0.1:${port}`).on('error', () => {})
  t.teardown(() => one.destroy())
  return one
}
const CALL = { ':method': 'POST', ':path': CHECK_PATH, 'content-type': 'application/grpc', te: 'trailers' }

async function headOf (one: ClientHttp2Session, headers: Record<string, string | undefined> = {}): Promise<Head> {
  const stream = one.request({ ...CALL, ...headers })
  const [head] = await once(stream.end(), 'response') as [Head]
  stream.resume()
  return head
}

t.test('a proxy that asks by HTTP is never told 200', async (t) => {
  const one = session(t, (await start(t)).port)
  const rows: ReadonlyArray<readonly [name: string, headers: Record<string, string | undefined>]> = [
    ['another path', { ':path': '/verify' }],
    ['a client’s path', { ':path': `/ext-authz${CHECK_PATH}` }],
    ['a query behind the path', { ':path': `${CHECK_PATH}?role=admin` }],
    ['another method', { ':path': CHECK_PATH, ':method': 'GET' }],
    ['another type', { ':path': CHECK_PATH, 'content-type': 'application/json' }],
    ['gRPC for browsers', { ':path': CHECK_PATH, 'content-type': 'application/grpc-web' }],
    ['no trailers', { ':path': CHECK_PATH, te: undefined }],
    ['health by GET', { ':path': HEALTH_PATH, ':method': 'GET' }],
    ['a method that is not there', { ':path': '/grpc.health.v1.Health/Watch' }]
  ]
  for (const [name, headers] of rows) t.equal((await headOf(one, headers))[':status'], 404, name)
  t.equal((await headOf(one))[':status'], 200, 'a call is answered as gRPC')
})

t.test('a peer is held to 200 streams and 64 KiB of header lines', async (t) => {
  const one = session(t, (await start(t)).port)
  await once(one, 'remoteSettings')
  t.equal(one.remoteSettings.maxConcurrentStreams, 200)
  t.equal(one.remoteSettings.maxHeaderListSize, 64 * 1024)
})

t.test('a message over 256 KiB is not read', async (t) => {
  let longest = 0
  const { port } = await start(t, (bytes) => { longest = bytes.length; return ANSWER })
  const client = grpcClient(t, port)
  await client.send(Buffer.alloc(256 * 1024))
  t.equal(longest, 256 * 1024)
  await t.rejects(client.send(Buffer.alloc(256 * 1024 + 1)), { code: status.RESOURCE_EXHAUSTED })
})

/** @returns the status of a call with these bytes, which has no other answer */
async function statusOf (one: ClientHttp2Session, frames: Buffer, headers: Record<string, string> = {}) {
  const stream = one.request({ ...CALL, ...headers })
  const [head] = await once(stream.end(frames), 'response') as [Head]
  stream.resume()
  return Number(head['grpc-status'])
}

t.test('what is not one whole message without compression is not asked about', async (t) => {
  let asked = 0
  const one = session(t, (await start(t, () => { asked++; return ANSWER })).port)
  const frame = Buffer.from([0, 0, 0, 0, 1, 7])
  const rows: ReadonlyArray<readonly [name: string, frames: Buffer, code: number]> = [
    ['nothing', Buffer.alloc(0), status.INTERNAL],
    ['half of its head', frame.subarray(0, 3), status.INTERNAL],
    ['half of it', frame.subarray(0, 5), status.INTERNAL],
    ['two', Buffer.concat([frame, frame]), status.INTERNAL],
    ['a compressed one', Buffer.from([1, 0, 0, 0, 1, 7]), status.UNIMPLEMENTED]
  ]
  for (const [name, frames, code] of rows) t.equal(await statusOf(one, frames), code, name)
  t.equal(asked, 0)
})

t.test('a call ends with the time that its caller gives it', async (t) => {
  const one = session(t, (await start(t, async () => await new Promise(() => {}))).port)
  const frame = Buffer.from([0, 0, 0, 0, 0])
  for (const timeout of ['1m', '1000u', '1n', '0S']) {
    t.equal(await statusOf(one, frame, { 'grpc-timeout': timeout }), status.DEADLINE_EXCEEDED, timeout)
  }
})

t.test('a time that cannot be read, or is longer than a stream lives, ends no call', async (t) => {
  const one = session(t, (await start(t)).port)
  for (const timeout of ['99999999H', '1', '-1m', 'm', '1.5S', '123456789S', '1m, 1m']) {
    const stream = one.request({ ...CALL, 'grpc-timeout': timeout }).end(Buffer.from([0, 0, 0, 0, 0]))
    t.same((await once(stream, 'data'))[0].subarray(5), ANSWER, timeout)
  }
})

t.test('a peer that answers no PING is gone, one that does stays', async (t) => {
  const { port } = await start(t, echo, undefined, { pingMs: 50 })
  const alive = session(t, port)
  t.equal((await headOf(alive))[':status'], 200)
  const dead = connectTcp(port, '127.0.0.1').on('error', () => {}).resume()
  dead.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
  await untilClosed(dead)
  t.equal((await headOf(alive))[':status'], 200)
})

t.test('a session that closes is asked nothing, and its call is answered', async (t) => {
  const calls = new EventEmitter()
  const one = session(t, (await start(t, async () => {
    calls.emit('asked')
    return (await once(calls, 'release'))[0]
  }, undefined, { pingMs: 20, sessionMs: 20 })).port)
  const asked = once(calls, 'asked')
  const goaway = once(one, 'goaway')
  const stream = one.request(CALL).on('error', () => {}).end(Buffer.from([0, 0, 0, 0, 0]))
  await asked
  await goaway
  await sleep(500) // 250 until it closes, and more looks than end a dead one
  const answered = Promise.race([once(stream, 'data'), once(stream, 'close')])
  calls.emit('release', ANSWER)
  t.same((await answered)[0]?.subarray(5), ANSWER)
})

t.test('a call that never ends is ended', async (t) => {
  const one = session(t, (await start(t, echo, undefined, { streamMs: 50 })).port)
  const stream = one.request(CALL)
  stream.write(Buffer.from([0, 0, 0, 0, 9]))
  await once(stream.on('error', () => {}), 'close')
  t.ok(stream.closed)
  t.equal((await headOf(one))[':status'], 200, 'and its connection serves others')
})

t.test('more connections than there may be are closed', async (t) => {
  const { port } = await start(t, echo, undefined, { maxConnections: 2 })
  const first = session(t, port)
  await once(first, 'connect')
  t.equal((await headOf(first))[':status'], 200)
  const second = connectTcp(port, '127.0.0.1').on('error', () => {}).resume()
  await untilClosed(second)
  t.pass('the second')
  t.equal((await headOf(first))[':status'], 200)
})

t.test('a new connection takes the place of one that sends nothing any more', async (t) => {
  const { port } = await start(t, echo, undefined, { maxConnections: 2 })
  const idle = session(t, port)
  t.equal((await headOf(idle))[':status'], 200)
  const closed = once(idle, 'close')
  await untilClosed(connectTcp(port, '127.0.0.1').on('error', () => {}).resume()) // by which it is looked at
  t.equal((await headOf(session(t, port)))[':status'], 200)
  await closed
})

t.test('progress does not put off the end of a call', async (t) => {
  const one = session(t, (await start(t, echo, undefined, { streamMs: 200 })).port)
  const stream = one.request(CALL).on('error', () => {})
  stream.write(Buffer.from([0, 0, 0, 200, 0]))
  const feeding = setInterval(() => stream.write(Buffer.of(0)), 20)
  t.teardown(() => clearInterval(feeding))
  await once(stream, 'close')
  t.equal((await headOf(one))[':status'], 200, 'and its connection serves others')
})

t.test('over the budget the connection with the oldest unfinished message goes', async (t) => {
  const { port } = await start(t, echo, undefined, { bytes: 100 * 1024 })
  const [old, fresh] = [session(t, port), session(t, port)]
  const begin = (one: ClientHttp2Session, bytes: number): void => {
    const head = Buffer.alloc(5)
    head.writeUInt32BE(250 * 1024, 1)
    one.request(CALL).on('error', () => {}).write(Buffer.concat([head, Buffer.alloc(bytes)]))
  }
  begin(old, 40 * 1024)
  t.equal((await headOf(old))[':status'], 200, 'the first has arrived')
  const closed = once(old, 'close')
  begin(fresh, 60 * 1024)
  await closed
  t.equal((await headOf(fresh))[':status'], 200)
})

t.test('a session of some age is replaced', async (t) => {
  const one = session(t, (await start(t, echo, undefined, { sessionMs: 20 })).port)
  const seen: number[] = []
  one.on('goaway', (_code, lastStream) => seen.push(lastStream))
  await once(one, 'close')
  t.equal(seen[0], 0, 'which is said before it ends')
})

t.test('callers that hang up in hundreds cost nobody the session', async (t) => {
  const calls = new EventEmitter()
  const one = session(t, (await start(t, async () => {
    calls.emit('asked')
    return (await once(calls, 'release'))[0]
  })).port)
  const asked = once(calls, 'asked')
  const bystander = one.request(CALL).end(Buffer.from([0, 0, 0, 0, 0]))
  await asked
  const goaway = once(one, 'goaway')
  await hangUp(one, CALL, 500)
  t.equal((await goaway)[0], constants.NGHTTP2_NO_ERROR, 'it is replaced in time, without an error')
  const answered = once(bystander, 'data')
  calls.emit('release', ANSWER)
  t.same((await answered)[0].subarray(5), ANSWER, 'and a bystander gets the answer')
})

t.test('a drain lets calls under way end, and takes no new connection', async (t) => {
  const calls = new EventEmitter()
  const { port, drain } = await start(t, async () => {
    calls.emit('asked')
    return (await once(calls, 'release'))[0]
  })
  const asked = once(calls, 'asked')
  const answer = grpcClient(t, port).send(Buffer.alloc(0))
  await asked
  const drained = drain.drain(10_000)
  const late = connectTcp(port, '127.0.0.1')
  const [error] = await once(late, 'error') as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNREFUSED')
  calls.emit('release', ANSWER)
  t.same(await answer, ANSWER)
  await drained
})

t.test('a drain ends what hangs', async (t) => {
  const calls = new EventEmitter()
  const { port, drain } = await start(t, async () => await new Promise(() => { calls.emit('asked') }))
  const asked = once(calls, 'asked')
  const answer = grpcClient(t, port).send(Buffer.alloc(0))
  answer.catch(() => {})
  await asked
  await drain.drain(50)
  await t.rejects(answer)
})
