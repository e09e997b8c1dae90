import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { IDENTITY_HEADERS } from '../../src/base/core/resolution.ts'
import { startInProcess } from '../helpers/in-process.ts'
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

advisory(t, 'APISIX CVE-2026-31908, CVE-2026-44087',
  'bytes of the auth reply became headers, or another user', async (t) => {
    const injections = [
      'a\rX-Authgear-User-Roles: admin', 'a\nX-Authgear-User-Roles: admin', 'a\0b', 'a\x0bb', 'a\x7fb', 'a\tb', 'é',
      '\xff', 'a\r\n X-Authgear-User-Roles: admin'
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
  })
