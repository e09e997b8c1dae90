import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import type { HeaderList } from './recorded.ts'
import type { TlsFiles } from './tls.ts'

export interface UpstreamRequest {
  /** `GET /resolve HTTP/1.1` */
  readonly line: string
  readonly headers: HeaderList
  /** The value of that name's only line, compared in lower case; undefined where it is not there. */
  readonly header: (name: string) => string | undefined
  /** What TLS asked for: undefined without TLS, false where no name was given. */
  readonly servername: string | false | undefined
}

/** @param index how many requests came before, on all connections */
export type Script = (socket: Socket, request: UpstreamRequest, index: number) => void

export interface Upstream {
  readonly port: number
  readonly requests: UpstreamRequest[]
  /** Connections accepted so far. */
  readonly connections: number
  script: Script
  /** When so many requests have arrived in all. */
  arrived (count: number): Promise<void>
  /** Forgets the requests so far. */
  forget (): void
  /** Accepts no more, and drops what is open. */
  close (): Promise<void>
}

/**
 * A server that says byte for byte what the test's script says; the requests it gets are read up to their blank line.
 */
export async function startUpstream (t: Test, script: Script, tls?: TlsFiles): Promise<Upstream> {
  const open = new Set<Socket>()
  const waiting = new Set<() => void>()
  const state = { script, requests: [] as UpstreamRequest[], connections: 0 }
  const accept = (socket: Socket): void => {
    state.connections++
    open.add(socket.once('close', () => open.delete(socket)).on('error', () => {}))
    readRequests(socket, request => {
      const index = state.requests.push(request) - 1
      state.script(socket, request, index)
      waiting.forEach(check => check())
    })
  }
  const server =
    tls === undefined
      ? createServer(accept)
      : createTlsServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, accept)
  server.on('tlsClientError', () => {})
  // with TLS also at 127.0.0.2, which is in no certificate
  await once(server.listen(0, tls === undefined ? '127.0.0.1' : '0.0.0.0'), 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    open.forEach(socket => socket.destroy())
    await closed
  }
  t.teardown(close)
  return {
    port: (server.address() as AddressInfo).port,
    get requests () { return state.requests },
    get connections () { return state.connections },
    get script () { return state.script },
    set script (next: Script) { state.script = next },
    arrived: count => new Promise(resolve => {
      const check = (): void => {
        if (state.requests.length < count) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    }),
    forget: () => { state.requests.length = 0 },
    close
  }
}

function readRequests (socket: Socket, onRequest: (request: UpstreamRequest) => void): void {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end)
      text = text.slice(end + 4)
      onRequest(parse(head, 'servername' in socket ? socket.servername as string | false : undefined))
    }
  })
}

function parse (head: string, servername: string | false | undefined): UpstreamRequest {
  const [line = '', ...lines] = head.split('\r\n')
  const headers = lines.map(
    (text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 2)] as const
  )
  return { line, headers, servername, header: name => headers.find(([one]) => one === name)?.[1] }
}

/** An answer as bytes; without a body its length is 0. */
export function reply (status: number, headers: HeaderList = [], body = ''): string {
  const length = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
    ? []
    : [`Content-Length: ${body.length}`]
  return [
    `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Else'}`, ...headers.map(([name, value]) => `${name}: ${value}`),
    ...length, '', body
  ].join('\r\n')
}

/** Answers so in their order; the last one again and again. `reset` cuts the connection, `hang` says nothing. */
export function answering (...answers: readonly (string | 'reset' | 'hang' | 'end')[]): Script {
  return (socket, _request, index) => {
    const answer = answers[Math.min(index, answers.length - 1)] ?? 'hang'
    if (answer === 'hang') return
    if (answer === 'reset') socket.resetAndDestroy()
    else if (answer === 'end') socket.end()
    else socket.write(answer, 'latin1')
  }
}
