import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** What becomes of bytes on their way from a replica to a server of Redis (`to`), and back (`from`). */
export type Way =
  | Readonly<{ kind: 'open', roundTripMs: number }>
  /** Nothing arrives and nobody is told; what was sent arrives when the way is open again, as TCP has it. */
  | Readonly<{ kind: 'silent', lost: 'both' | 'to' | 'from' }>
  /** Connections are reset, new ones too. */
  | Readonly<{ kind: 'refused' }>

export const OPEN: Way = Object.freeze({ kind: 'open', roundTripMs: 0 })

/** One replica's way to one server. */
export interface Link {
  readonly port: number
  become (way: Way): void
  /** Resets what is open. */
  reset (): void
  /** New connections lead there; what is open is reset. */
  to (target: number): void
  readonly target: number
}

type Direction = 'to' | 'from'

/** @param localAddress where its connections come from: a firewall knows the replica by it */
export async function startLink (t: Pick<Test, 'teardown'>, first: number, localAddress: string): Promise<Link> {
  const open = new Set<Socket>()
  const pipes = new Set<Pipe>()
  let [way, target]: [Way, number] = [OPEN, first]
  const server = createServer((client) => {
    client.on('error', () => {})
    if (way.kind === 'refused') return client.resetAndDestroy()
    const upstream = connect({ host: '127.0.0.1', port: target, localAddress })
    for (const [direction, source, sink] of [['to', client, upstream], ['from', upstream, client]] as const) {
      open.add(source.setNoDelay(true).on('error', () => {}))
      const pipe = createPipe(sink, () => delayOf(way, direction))
      pipes.add(pipe)
      source.on('data', pipe.push).once('close', () => { open.delete(source); pipe.end(); pipes.delete(pipe) })
    }
  })
  const reset = (): void => { for (const socket of open) socket.resetAndDestroy() }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); for (const socket of open) socket.destroy() })
  return Object.freeze({
    port: (server.address() as AddressInfo).port,
    become (next: Way) {
      way = next
      if (way.kind === 'refused') reset()
      for (const pipe of pipes) pipe.pump()
    },
    reset,
    to (next: number) { target = next; reset() },
    get target () { return target }
  })
}

/** @returns milliseconds, or undefined where nothing arrives */
function delayOf (way: Way, direction: Direction): number | undefined {
  if (way.kind === 'open') return way.roundTripMs / 2
  return way.kind === 'silent' && way.lost !== 'both' && way.lost !== direction ? 0 : undefined
}

type Pipe = Readonly<{ push: (data: Buffer) => void, pump: () => void, end: () => void }>

/** In order, however the delay changes; what is held while nothing arrives goes on afterwards. */
function createPipe (sink: Socket, delayMs: () => number | undefined): Pipe {
  const queue: Readonly<{ data: Buffer, at: number }>[] = []
  let hasEnded = false
  function pump (): void {
    const delay = delayMs()
    if (delay === undefined) return
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const leftMs = first.at + delay - performance.now()
      if (leftMs > 0) { setTimeout(pump, Math.ceil(leftMs)).unref(); return }
      queue.shift()
      if (!sink.destroyed) sink.write(first.data)
    }
    if (hasEnded) sink.destroy()
  }
  return {
    push (data) { queue.push({ data, at: performance.now() }); pump() },
    pump,
    end () { hasEnded = true; pump() }
  }
}
