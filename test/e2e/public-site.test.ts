import t from 'tap'
import { SETS } from '../../src/base/identity/sets.ts'
import { IDENTITY } from '../../src/commands/snippet/settings.ts'
import type { EchoApp } from '../helpers/echo-app.ts'
import { PART_HEADERS } from '../helpers/identity.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startBefore, startOneReplica } from './one-replica.ts'
import { ALICE, BOB, cookieOf } from './people.ts'
import { caddy, nginx, traefikPlain } from './proxies.ts'

const PROXIES = [caddy, nginx, traefikPlain]
const OPTIONS = ['--public', '--policy', '/admin=role=admin', '--identity', 'remote', '--assertion']
const NAMES = [...IDENTITY, ...SETS.remote.map(({ name }) => name), ...PART_HEADERS]
const FORGED: readonly HeaderLine[] = NAMES.flatMap((name) => [name, name.replaceAll('-', '_')])
  .map((name) => [name, 'spoofed'])
/** As one server or another reads /admin. */
const ADMIN = [
  '/admin', '/admin/x', '/ADMIN', '/%61dmin', '/admin;x', '/admin%3bx', '//admin', '/x/../admin', '/x/%2e%2e/admin',
  '/;/admin', '/x/..;/admin', '/admin%2fx', '/admin.html'
]

async function reached (port: number, app: EchoApp, path: string, headers: readonly HeaderLine[] = []) {
  app.received.length = 0
  const { status } = await ask(port, { path, headers: [...headers, ...FORGED] })
  const lines = app.received.flatMap(({ rawHeaders }) => rawHeaders)
  return { status, count: app.received.length, forged: lines.filter((_, i) => lines[i + 1] === 'spoofed') }
}

const skip = skipOrFail(...PROXIES.map(({ server }) => server))

t.test('a public site with an area for admins', { skip }, async (t) => {
  const replica = await startOneReplica(t, { IDENTITY_HEADERS: 'remote' })
  for (const proxy of PROXIES) {
    const { port, app } = await startBefore(t, proxy, replica, { options: OPTIONS, ready: 200 })
    for (const path of ['/', '/about', '/x/admin']) {
      const cookies: HeaderLine = ['Cookie', 'a=1; __Host-forward-auth=session; b=2']
      const got = await reached(port, app, path, [cookies])
      t.strictSame(got, { status: 200, count: 1, forged: [] }, `${proxy.snippet}: ${path}`)
      t.strictSame(app.lastHeader('cookie'), [proxy.facts.hidesOwnCookie ? 'a=1; b=2' : cookies[1]], proxy.snippet)
    }
    for (const path of ADMIN) t.match(await reached(port, app, path), { count: 0 }, `${proxy.snippet}: nobody at ${path}`)
    t.match(await reached(port, app, '/admin', [cookieOf(BOB)]), { status: 403, count: 0 }, proxy.snippet)
    t.strictSame(await reached(port, app, '/admin', [cookieOf(ALICE)]), { status: 200, count: 1, forged: [] })
    t.strictSame(app.lastHeader('Remote-User'), [ALICE.id], proxy.snippet)
  }
})
