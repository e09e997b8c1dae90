import { type EventEmitter, once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import {
  type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition, status, type UntypedServiceImplementation
} from '@grpc/grpc-js'
import { trackConnections } from '../../base/http/drain.ts'
import {
  boundConnections, HANDSHAKE_TIMEOUT_MS, HTTP2_OPTIONS, KEEP_ALIVE_MS
} from '../../base/http/limits.ts'
import type { AnyListener, ListenAt, ListenerBounds } from '../../base/http/listener.ts'
import { boundHandshakes } from '../../base/http/unfinished-heads.ts'
import { boundStreams } from '../../base/http/unfinished-streams.ts'
import type { Unfinished } from '../../base/http/unfinished.ts'
import { serverContextOf, type TlsMaterial } from '../../base/http/tls.ts'
import type { GrpcExchange } from './exchange.ts'
import type { Health } from './health.ts'

export type GrpcListenerDeps = Readonly<{
  exchange: GrpcExchange
  health: Health
  tls: TlsMaterial | undefined
  bounds: ListenerBounds
}>

/** Shorter limits of tests, which cannot wait for the usual ones. */
export type GrpcLimits = Readonly<{ streamMs?: number, sessionMs?: number }>

export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check'
const HEALTH_PATH = '/grpc.health.v1.Health/Check'
const PATHS = new Set([CHECK_PATH, HEALTH_PATH])

/**
 * Bytes of a message that is read at all: more than the 96 KiB of header lines that our configuration lets Envoy take,
 * with the path in it twice. Beyond 64 KiB Envoy gets a refusal; beyond this a gRPC error.
 */
const MAX_MESSAGE_BYTES = 256 * 1024
/** An Envoy opens one for each of its threads. */
const MAX_CONNECTIONS = 1024

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': HTTP2_OPTIONS.settings.maxConcurrentStreams,
  'grpc.max_connection_idle_ms': KEEP_ALIVE_MS,
  // a peer that disappeared silently is noticed within 40 s
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.enable_channelz': 0
} as const

/** `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health`; listens nowhere yet. */
export function buildGrpcListener (
  { exchange, health, tls, bounds }: GrpcListenerDeps, limits: GrpcLimits = {}
): AnyListener {
  const grpc = new Server(OPTIONS)
  addServices(grpc, exchange, health)
  const { inject, sessions } = connectionsOf(grpc, bounds.unfinished, limits.streamMs ?? bounds.streamMs)
  const server = front(tls, inject)
  if (tls !== undefined) boundHandshakes(server, bounds.unfinished)
  const event = tls === undefined ? 'connection' : 'secureConnection'
  boundConnections(server, event, Math.min(MAX_CONNECTIONS, bounds.maxConnections / 2))
  return Object.freeze({
    listen: (at: ListenAt) => once(server.listen(at), 'listening'),
    server,
    drain: trackConnections(server, limits.sessionMs, sessions)
  })
}

function addServices (grpc: Server, exchange: GrpcExchange, health: Health): void {
  grpc.addService(unary(CHECK_PATH), serve((bytes, callback, peer) => {
    const answer = exchange(bytes, peer)
    if (answer instanceof Promise) answer.then((ready) => callback(null, ready), (error: Error) => callback(error))
    else callback(null, answer)
  }))
  grpc.addService(unary(HEALTH_PATH), serve((bytes, callback) => {
    const answer = health.check(bytes)
    if (answer === undefined) callback({ code: status.NOT_FOUND, details: 'no such service' })
    else callback(null, answer)
  }))
}

type Serve = (bytes: Buffer, callback: Parameters<handleUnaryCall<Buffer, Buffer>>[1], peer: string | undefined) => void

/** Bytes in, bytes out: what cannot be read is refused by our own code, and is no gRPC error. */
function unary (path: string): ServiceDefinition {
  const asItIs = (bytes: Buffer): Buffer => bytes
  return {
    call: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs
    }
  }
}

function serve (one: Serve): UntypedServiceImplementation {
  const call: handleUnaryCall<Buffer, Buffer> = (called, callback) => {
    one(called.request, callback, addressOf(called.getPeer()))
  }
  return { call: call as never }
}

/** @param peer `address:port`, or `unknown` on a unix socket */
function addressOf (peer: string): string | undefined {
  const colon = peer.lastIndexOf(':')
  return colon === -1 ? undefined : peer.slice(0, colon)
}

/** TLS is ours too, so that its files are read again, and its limits are those of the main listener. */
function front (tls: TlsMaterial | undefined, inject: (socket: Socket) => void): NetServer | TlsServer {
  if (tls === undefined) return createServer({ noDelay: true }, inject)
  return createTlsServer({
    ...serverContextOf(tls),
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    noDelay: true
    // without ALPN Node would read it as HTTP/1.1, which this server has not: the process would end
  }, (socket) => socket.alpnProtocol === 'h2' ? inject(socket) : socket.destroy())
}

/** Members of grpc-js's server without a public name; its version is pinned, and a test sees each at work. */
type Inside = { commonServerOptions: object, http2Servers: Map<EventEmitter, unknown> }

/** The HTTP/2 side of the library, with the main listener's bounds. */
function connectionsOf (
  grpc: Server,
  unfinished: Unfinished,
  streamMs: number
): Readonly<{ inject: (socket: Socket) => void, sessions: EventEmitter }> {
  const inside = grpc as unknown as Inside
  Object.assign(inside.commonServerOptions, HTTP2_OPTIONS, { allowHTTP1: false })
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
  const [sessions] = inside.http2Servers.keys()
  const [handle] = sessions?.listeners('stream') ?? []
  if (sessions === undefined || handle === undefined) {
    throw new Error('@grpc/grpc-js changed: see src/parts/grpc/listener.ts')
  }
  sessions.removeAllListeners('stream')
  const count = boundStreams(sessions, unfinished, streamMs)
  sessions.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (!isCall(headers)) return refuse(stream)
    handle(stream, headers)
    // the library reads by now, and holds what is not whole
    stream.on('data', (chunk: Buffer) => count(stream, chunk.length))
  })
  return { inject: (socket) => injector.injectConnection(socket), sessions }
}

/** Any gRPC answer, an error too, is 200 to a proxy that asks by HTTP: it must not reach one. */
function isCall (headers: IncomingHttpHeaders): boolean {
  const { ':method': method, ':path': path = '', 'content-type': type = '', te } = headers
  return method === 'POST' && PATHS.has(path) && type.startsWith('application/grpc') && te === 'trailers'
}

function refuse (stream: ServerHttp2Stream): void {
  stream.on('error', () => {})
  stream.respond({ ':status': 404, 'cache-control': 'no-store' }, { endStream: true })
  stream.resume()
}
