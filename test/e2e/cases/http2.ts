import { connect } from 'node:http2'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { untilClosed } from '../../helpers/raw-http.ts'
import { HOST } from '../../helpers/request.ts'
import { H2C } from '../h2c-edits.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE, BOB } from '../people.ts'
import { shipped, type Case } from './case.ts'

export const http2: readonly Case[] = [
  {
    name: 'one cookie a line, as browsers send them over HTTP/2',
    only: shipped,
    async run (t, stack, proxy) {
      const { port, app } = await startBefore(t, proxy, await stack.single(), {
        edits: H2C[proxy.server] ?? {}, options: ['--policy', '/admin=role=admin']
      })
      const session = connect(`http://127.0.0.1:${port}`)
      t.teardown(() => session.destroy())
      const status = async (path: string, cookies: readonly string[]): Promise<number> => {
        const stream = session.request({ ':path': path, ':authority': HOST, cookie: [...cookies] })
        const [headers] = await once(stream, 'response') as [{ ':status'?: number }]
        stream.resume()
        return headers[':status'] ?? 0
      }
      t.equal(await status('/', ['theme=dark', ALICE.cookie, 'last=1']), 200)
      t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
      t.equal(await status('/admin', ['theme=dark', BOB.cookie]), 403, 'the session is read, and is bob\'s')
      t.equal(await status('/', ['theme=dark', 'last=1']), 401)
      stack.observe('crumbs', 'one session')
    }
  },
  {
    name: 'identity in the trailers of a request is never a header',
    only: shipped,
    async run (t, { port, app, observe }, proxy) {
      const before = app.received.length
      const socket = connectTcp(port, '127.0.0.1')
      const head = [
        'POST /form HTTP/1.1', `Host: ${HOST}`, `Cookie: ${BOB.cookie}`, 'Transfer-Encoding: chunked',
        'Trailer: X-Authgear-User-Roles', 'Connection: close', '', ''
      ]
      socket.write(`${head.join('\r\n')}4\r\nbody\r\n0\r\nX-Authgear-User-Roles: admin\r\n\r\n`)
      socket.resume()
      await untilClosed(socket)
      t.equal(app.received.length, before + 1)
      t.notOk(app.lastHeader('x-authgear-user-roles').includes('admin'), 'never a header')
      const passes = app.received.at(-1)?.trailers['x-authgear-user-roles'] !== undefined
      t.equal(passes, proxy.server === 'haproxy', 'HAProxy 2.6 has no way to drop them: docs/proxies/haproxy.md')
      observe('trailers', passes ? '**reach the app as trailers**' : 'dropped')
    }
  }
]
