import { Agent, request, type IncomingMessage } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { text } from 'node:stream/consumers'

export type HeaderLine = readonly [name: string, value: string]

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  /** Sent as they are: in this order and spelling, names may repeat. */
  readonly headers?: readonly HeaderLine[]
  readonly body?: string
  readonly agent?: Agent
  /** Over TLS, to a server with a certificate of this CA for that name; by default HOST. */
  readonly tls?: Readonly<{ ca: string | Buffer, servername?: string }>
  /** The peer's address, of this machine. */
  readonly localAddress?: string
  /** Ends it without an answer. */
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export const HOST = 'app.example.com'

/** One HTTP/1.1 request to a port of this machine, on a connection of its own unless there is an agent. */
export async function ask (
  port: number,
  { method = 'GET', path = '/', host = HOST, headers = [], body = '', agent, tls, localAddress, signal }: Asked = {}
): Promise<Answer> {
  const lines = [
    ['Host', host],
    ...headers,
    ...(body === '' ? [] : [['Content-Length', String(Buffer.byteLength(body))]])
  ]
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = (tls === undefined ? request : requestOverTls)({
      hostname: '127.0.0.1',
      port,
      method,
      path,
      headers: lines.flat(),
      setHost: false,
      agent: agent ?? false,
      ...(tls && { servername: HOST, ...tls }),
      ...(localAddress !== undefined && { localAddress }),
      ...(signal && { signal })
    })
    outgoing.once('response', resolve).once('error', reject).end(body)
  })
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
}
