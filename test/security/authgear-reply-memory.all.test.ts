import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import t from 'tap'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { startUpstream } from '../helpers/upstream.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE } from './helpers/world.ts'

const VALID = ['x-authgear-session-valid: true', 'x-authgear-user-id: alice']

/** Writes for as long as somebody reads. */
function pour (socket: Socket, head: string, chunk: string): void {
  socket.write(head)
  const more = (): void => { while (!socket.destroyed && socket.write(chunk)); }
  socket.on('drain', more)
  more()
}

const ENDLESS: Readonly<Record<string, (socket: Socket) => void>> = {
  'an endless body': (socket) =>
    pour(socket, `HTTP/1.1 200 OK\r\n${VALID.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `4000\r\n${'x'.repeat(0x4000)}\r\n`),
  'a body of many gigabytes': (socket) =>
    pour(socket, `HTTP/1.1 200 OK\r\n${VALID.join('\r\n')}\r\nContent-Length: 99999999999\r\n\r\n`, 'x'.repeat(0x4000)),
  'endless headers': (socket) =>
    pour(socket, `HTTP/1.1 200 OK\r\n${VALID.join('\r\n')}\r\n`, 'x-filler: xxxxxxxxxxxxxxxx\r\n'.repeat(500)),
  'one endless header': (socket) => pour(socket, 'HTTP/1.1 200 OK\r\nx-authgear-user-id: ', 'x'.repeat(0x4000)),
  'interim answers without an end': (socket) => pour(socket, '', 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'.repeat(500))
}

/** Resident memory of a process at its most, in bytes. */
function peakOf (pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024
}

// a process of its own: what pours needs memory, too
advisory(t, 'Traefik GHSA-fw45-f5q2-2p4x', 'an auth reply without an end was read into memory', async (t) => {
  for (const [name, script] of Object.entries(ENDLESS)) {
    const upstream = await startUpstream(t, script)
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
      AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`,
      AUTHGEAR_TIMEOUT: '1s',
      NODE_OPTIONS: '--max-old-space-size=56 --max-semi-space-size=2'
    })
    const before = peakOf(service.pid)
    const verify = async (): Promise<number> => (await ask(service.port, { path: '/verify', headers: [ALICE] })).status
    for (let i = 0; i < 3; i++) t.equal(await verify(), 503, name)
    const more = peakOf(service.pid) - before
    t.ok(more < 100e6, `${name}: ${Math.round(more / 1e6)} MB more`)
    await service.stop()
  }
})
