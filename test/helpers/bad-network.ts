import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** What becomes of bytes on their way; connections stay open. */
export type Weather =
  | Readonly<{ kind: 'fair' }>
  /** Each piece comes that many milliseconds later, in order. */
  | Readonly<{ kind: 'slow', latencyMs: number }>
  /** Nothing arrives any more, and nobody is told: a half-open connection. */
  | Readonly<{ kind: 'half-open' }>
  /** Every so many-th answer of the server is cut in its middle, and its connection with it. */
  | Readonly<{ kind: 'cut', every: number }>
  /** Every so many-th piece that the server sends is lost: what TCP forbids and a broken middlebox does. */
  | Readonly<{ kind: 'loss', every: number }>
  /** Each new connection is closed at once; what is open goes on. */
  | Readonly<{ kind: 'refused' }>

export interface BadNetwork {
  readonly port: number
  become (weather: Weather): void
  /** Ends what is open. */
  cut (): void
  /** How often somebody connected since it was opened. */
  readonly connections: () => number
}

/** The way to a server, under any weather; at any port, or at one that was a server's. */
export async function startBadNetwork (
  t: Pick<Test, 'teardown'>,
  target: number,
  first: Weather = { kind: 'fair' },
  at = 0
): Promise<BadNetwork> {
  const open = new Set<Socket>()
  let [weather, connections, pieces] = [first, 0, 0]
  const server = createServer((client) => {
    connections++
    client.on('error', () => {})
    if (weather.kind === 'refused') return client.destroy()
    const upstream = connect(target, '127.0.0.1')
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      open.add(from)
      from.setNoDelay(true).on('error', () => {}).once('close', () => {
        open.delete(from)
        if (weather.kind !== 'half-open') to.destroy() // nor is anybody told that the other side has gone
      })
    }
    client.on('data', (data: Buffer) => {
      if (weather.kind !== 'half-open') later(weather, () => upstream.write(data))
    })
    upstream.on('data', (data: Buffer) => { if (weather.kind !== 'half-open') answer(client, data) })
  })
  function answer (client: Socket, data: Buffer): void {
    const isHit = (weather.kind === 'cut' || weather.kind === 'loss') && ++pieces % weather.every === 0
    if (!isHit) later(weather, () => client.write(data))
    else if (weather.kind === 'cut') client.end(data.subarray(0, Math.ceil(data.length / 2)))
  }
  const cut = (): void => { for (const socket of open) socket.destroy() }
  await once(server.listen(at, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); cut() })
  return Object.freeze({
    port: (server.address() as AddressInfo).port,
    become (next: Weather) {
      weather = next
    },
    cut,
    connections: () => connections
  })
}

/** Timers of one length fire in order, so pieces keep theirs. */
function later (weather: Weather, send: () => void): void {
  if (weather.kind === 'slow') setTimeout(send, weather.latencyMs)
  else send()
}
