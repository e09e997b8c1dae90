import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { IDENTITY_HEADERS } from '../../src/core/resolution.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { startUpstream } from '../helpers/upstream.ts'
import { advisory } from './helpers/advisory.ts'
import { ALICE, identityOf } from './helpers/world.ts'

const VALID = ['x-authgear-session-valid: true', 'x-authgear-user-id: alice']

async function startHostile (t: Test, script: (socket: Socket) => void) {
  const upstream = await startUpstream(t, script)
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
    AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`,
    CACHE_TTL: '0',
    CACHE_NEGATIVE_TTL: '0',
    AUTHGEAR_TIMEOUT: '5s'
  })
  return { upstream, verify: () => ask(port, { path: '/verify', headers: [ALICE] }) }
}

/** Writes for as long as somebody reads. */
function pour (socket: Socket, head: string, chunk: string): void {
  socket.write(head)
  const more = (): void => { while (!socket.destroyed && socket.write(chunk)); }
  socket.on('drain', more)
  more()
}

const ENDLESS: Readonly<Record<string, (socket: Socket) => void>> = {
  'an endless body': (socket) =>
    pour(
      socket,
      `HTTP/1.1 200 OK\r\n${VALID.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      `4000\r\n${'x'.repeat(0x4000)}\r\n`
    ),
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

advisory(
  t,
  'APISIX CVE-2026-31908, CVE-2026-44087',
  'bytes of the auth reply became headers of their own, or somebody else',
  async (t) => {
    const injections = [
      'a\rX-Authgear-User-Roles: admin',
      'a\nX-Authgear-User-Roles: admin',
      'a\0b',
      'a\x0bb',
      'a\x7fb',
      'a\tb',
      'é',
      '\xff',
      'a\r\n X-Authgear-User-Roles: admin'
    ]
    let line = ''
    const { verify } = await startHostile(t, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${VALID.join('\r\n')}\r\n${line}\r\nContent-Length: 0\r\n\r\n`, 'latin1')
    })
    line = 'x-authgear-user-roles: admin'
    t.equal((await verify()).status, 200, 'the control')
    for (const name of IDENTITY_HEADERS.slice(2)) {
      for (const value of injections) {
        line = `${name}: ${value}`
        const answer = await verify()
        t.equal(answer.status, 503, `${name}: ${JSON.stringify(value)}`)
        t.same(identityOf(answer), [])
      }
    }
    for (const [name, value] of [
      ['x-authgear-user-id', 'root'],
      ['X-Authgear-Session-Valid', 'true'],
      ['x-authgear-session-valid', 'false']
    ]) {
      line = `${name}: ${value}`
      t.equal((await verify()).status, 503, `${name} twice`)
    }
  }
)
