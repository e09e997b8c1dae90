import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ask } from './request.ts'
import { startProcess, type Service, type Starting } from './process.ts'
import { until } from './until.ts'

export interface MeasuredProcess extends Service {
  /** After all garbage is collected. */
  memory (): Promise<Readonly<{ heap: number, rss: number }>>
  metric (name: string): Promise<number>
  /** Open file descriptors. */
  descriptors (): number
}

/** A replica whose memory can be measured. */
export async function startMeasuredProcess (
  t: Test,
  env: Readonly<Record<string, string>>,
  starting: Starting = {}
): Promise<MeasuredProcess> {
  const service = await startProcess(
    t,
    { NODE_OPTIONS: `--import file://${join(import.meta.dirname, 'gc-on-signal.mjs')}`, LOG_LEVEL: 'error', ...env },
    starting
  )
  const metric = (name: string): Promise<number> => metricOf(service, name)
  let collected = 0
  return {
    ...service,
    metric,
    async memory () {
      process.kill(service.pid, 'SIGWINCH')
      const said = `collected ${++collected}\n`
      await until('garbage is collected', () => service.logs().includes(said))
      return {
        heap: (await metric('nodejs_heap_size_used_bytes')) + (await metric('nodejs_external_memory_bytes')),
        rss: await metric('process_resident_memory_bytes')
      }
    },
    descriptors: () => readdirSync(`/proc/${service.pid}/fd`).length
  }
}

export async function metricOf ({ managementUrl }: Pick<Service, 'managementUrl'>, name: string): Promise<number> {
  const { body } = await ask(Number(new URL(managementUrl).port), { path: '/metrics' })
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(body)?.[1])
}

/** Header lines of a resolver: no identity header at all is Authgear's answer to most unknown credentials. */
export type FastAnswers = Readonly<{ yes?: string, no?: string }>
const NOBODY = 'x-content-type-options: nosniff\r\nx-robots-tag: noindex, nofollow\r\n'
const SOMEBODY = 'x-authgear-session-valid: true\r\nx-authgear-user-id: somebody\r\n'

/** A resolver as fast as a socket: `yes` for a bearer token that begins with `V`, `no` for the rest. */
export async function startFastResolver (t: Test, { yes = SOMEBODY, no = NOBODY }: FastAnswers = {}): Promise<number> {
  const answer = (headers: string): string => `HTTP/1.1 200 OK\r\n${headers}Content-Length: 0\r\n\r\n`
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}))
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      const heads = (text + chunk.toString('latin1')).split('\r\n\r\n')
      text = heads.pop() ?? ''
      socket.write(heads.map((head) => answer(head.includes('Bearer V') ? yes : no)).join(''))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); for (const socket of open) socket.destroy() })
  return (server.address() as AddressInfo).port
}

const WINDOW = 20
const CONNECTIONS = 10

/** So many requests with a bearer token each. @returns how many answers had each status */
export async function flood (
  port: number,
  requests: number,
  tokenOf: (i: number) => string
): Promise<ReadonlyMap<string, number>> {
  return await floodHeads(port, (i) => (i < requests ? `Authorization: Bearer ${tokenOf(i)}\r\n` : undefined))
}

/**
 * Requests over ten connections, `window` under way on each, until there is no next one or the server is gone.
 * @param linesOf the header lines of the next request; undefined ends the flood
 */
export async function floodHeads (
  port: number,
  linesOf: (i: number) => string | undefined,
  window = WINDOW
): Promise<ReadonlyMap<string, number>> {
  const statuses = new Map<string, number>()
  let next = 0
  const heads = (count: number): string[] => Array.from({ length: count }, () => linesOf(next++)).flatMap((lines) =>
    lines === undefined ? [] : [`GET /verify HTTP/1.1\r\nHost: x\r\n${lines}\r\n`])
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve)) // however it ends
    let [due, text] = [0, '']
    const send = (count: number): void => {
      const sent = heads(count)
      due += sent.length
      if (due === 0) socket.end()
      else socket.write(sent.join(''))
    }
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const found = text.match(/HTTP\/1\.1 \d{3} /g) ?? []
      if (found.length === 0) return
      for (const line of found) statuses.set(line.slice(9, 12), (statuses.get(line.slice(9, 12)) ?? 0) + 1)
      text = text.slice(text.lastIndexOf('HTTP/1.1 ') + 13)
      due -= found.length
      send(window - due)
    })
    send(window)
    await closed
  }))
  return statuses
}
