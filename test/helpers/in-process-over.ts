import {
  connect, constants, type ClientHttp2Session, type IncomingHttpHeaders, type IncomingHttpStatusHeader
} from 'node:http2'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { ANY_PORT, overTls, startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import { type Attributes, grpcClient, type GrpcClient, linesOf } from './grpc.ts'
import type { TlsFiles } from './tls.ts'

export type HttpProtocol = 'HTTP/1.1' | 'HTTP/2'
export type Protocol = HttpProtocol | 'gRPC'
export const PROTOCOLS: readonly HttpProtocol[] = ['HTTP/1.1', 'HTTP/2']
/** For what Envoy may ask by gRPC too. */
export const WITH_GRPC: readonly Protocol[] = [...PROTOCOLS, 'gRPC']

export interface Asked {
  readonly method?: string
  readonly path?: string
  /** A list = several lines of one name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Of an answer that lets in over gRPC: what Envoy takes from the client's request. */
  readonly removed?: readonly string[]
}

export interface InProcessOver extends InProcess {
  ask (asked?: Asked): Promise<Answered>
}

/** A replica and a proxy's way to ask it: every route test runs over both protocols. */
export async function startInProcessOver (
  t: Test,
  protocol: Protocol,
  tls: TlsFiles | undefined,
  options: InProcessOptions
): Promise<InProcessOver> {
  if (protocol === 'gRPC') {
    const replica = await startInProcess(t, { ...options, LISTEN_GRPC: ANY_PORT })
    return { ...replica, ask: overGrpc(grpcClient(t, replica.grpcPort)) }
  }
  if (protocol === 'HTTP/1.1') {
    const adapter = await startInProcess(t, options)
    return { ...adapter, ask: overHttp1(t, adapter.port) }
  }
  if (tls === undefined) throw new Error('HTTP/2 needs a certificate')
  const adapter = await startInProcess(t, { ...options, ...overTls(tls) })
  return { ...adapter, ask: overHttp2(t, adapter.port, tls) }
}

function overHttp1 (t: Test, port: number): InProcessOver['ask'] {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return async ({ method = 'GET', path = '/verify', headers = {} } = {}) => {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      request(
        { agent, host: '127.0.0.1', port, method, path, headers: { ...headers } as Record<string, string | string[]> },
        resolve
      )
        .once('error', reject)
        .end()
    })
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
  }
}

function overHttp2 (t: Test, port: number, { ca }: TlsFiles): InProcessOver['ask'] {
  let session: ClientHttp2Session | undefined
  t.teardown(() => session?.destroy())
  return async ({ method = 'GET', path = '/verify', headers = {} } = {}) => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(`https://localhost:${port}`, { ca })
    }
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: method,
      [constants.HTTP2_HEADER_PATH]: path,
      ...(headers as Record<string, string | string[]>)
    })
    const received = new Promise<IncomingHttpHeaders & IncomingHttpStatusHeader>((resolve, reject) => {
      stream.once('response', resolve).once('error', reject).end()
    })
    const head = await received
    const { ':status': status = 0, ...rest } = head
    return { status, headers: rest, body: await text(stream) }
  }
}

/** What our configurations for HTTP let a proxy say by header, Envoy says by attribute. */
const SAID_BY_ATTRIBUTE = new Set(['x-forward-auth-policy', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-uri'])

/** As Envoy would ask for the same, and answer its client. */
function overGrpc (client: GrpcClient): InProcessOver['ask'] {
  return async (asked = {}) => {
    const { method = 'GET', path = '/verify' } = asked
    const answer = await client.check(attributesOf(asked, method, path))
    const { denied_response: denied, ok_response: ok, status } = answer
    if ((status?.code ?? 0) !== 0 && denied !== undefined) {
      // Envoy's own doing
      const ofEnvoy = { 'content-length': String(Buffer.byteLength(denied.body)) }
      const headers = { ...linesOf(denied.headers), ...ofEnvoy }
      return { status: denied.status.code, headers, body: method === 'HEAD' ? '' : denied.body }
    }
    const said = (name: string): string | undefined =>
      (answer.dynamic_metadata?.fields[name] as { stringValue: string } | undefined)?.stringValue
    return {
      status: ok === undefined ? 0 : 200,
      headers: {
        ...linesOf(ok?.headers ?? []),
        'x-forward-auth-reason': said('reason'),
        'x-forward-auth-source': said('source')
      },
      body: '',
      removed: ok?.headers_to_remove ?? []
    }
  }
}

/** The query and each policy header is the policy. */
function attributesOf ({ headers = {} }: Asked, method: string, path: string): Attributes {
  const [endpoint = '', query = ''] = path.startsWith('/ext-authz/') ? ['verify'] : path.slice(1).split(/\?(.*)/s)
  const policy = [query, ...[headers['x-forward-auth-policy'] ?? []].flat()].filter((text) => text !== '').join('&')
  const valueOf = (name: string): string | undefined => headers[name]?.toString()
  const lines = Object.entries(headers).filter(([name]) => !SAID_BY_ATTRIBUTE.has(name)).flatMap(([key, values]) =>
    [values].flat().map((value) => ({ key, raw_value: Buffer.from(value, 'latin1') })))
  const address = valueOf('x-forwarded-for')
  return {
    ...address === undefined ? {} : { source: { address: { socket_address: { address } } } },
    request: {
      http: {
        id: valueOf('x-request-id') ?? '',
        method,
        host: valueOf('x-forwarded-host') || 'app.example.com', // no request of Envoy's is without
        path: valueOf('x-forwarded-uri') || '/',
        header_map: { headers: lines }
      }
    },
    context_extensions: { endpoint, ...policy === '' ? {} : { policy } }
  }
}
