import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader
} from 'node:http2'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import type { TlsFiles } from './tls.ts'

export type Protocol = 'HTTP/1.1' | 'HTTP/2'
export const PROTOCOLS: readonly Protocol[] = ['HTTP/1.1', 'HTTP/2']

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
}

export interface InProcessOver extends InProcess {
  ask (asked?: Asked): Promise<Answered>
}

/** A replica and a proxy's way to ask it: every route test runs over both protocols. */
export async function startInProcessOver (
  t: Test,
  protocol: Protocol,
  tls: TlsFiles,
  options: InProcessOptions
): Promise<InProcessOver> {
  const adapter = await startInProcess(t, protocol === 'HTTP/2' ? { ...options, tls } : options)
  const ask = protocol === 'HTTP/2' ? overHttp2(t, adapter.port, tls) : overHttp1(t, adapter.port)
  return { ...adapter, ask }
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
