import t, { type Test } from 'tap'
import { startBehindProxyWithoutRedis, type BehindProxyWithoutRedis } from '../../e2e/behind-proxy-without-redis.ts'
import { ALICE, BOB } from '../../e2e/people.ts'
import type { Proxy } from '../../e2e/proxy.ts'
import { AUTHGEAR_HEADERS } from '../../helpers/identity.ts'
import { statusOfRaw } from '../../helpers/raw-http.ts'
import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { skipOrFail } from '../../helpers/servers.ts'
import { advisory } from './advisory.ts'

/** What happened to other proxies and auth servers, behind this proxy on the configuration that `snippet` writes. */
export function testProxy (proxy: Proxy): void {
  t.test(`${proxy.server} on deploy/${proxy.snippet}`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const stack = await startBehindProxyWithoutRedis(t, proxy, {}, ['--policy', '/admin=role=admin'])
    rows(t, stack, proxy)
  })
}

/** Each is /admin, or below it, to an app that decodes separators, drops parameters of segments and resolves dots. */
const ADMIN: readonly string[] = [
  '/admin%2fz', '/admin%2Fz', '/%2fadmin', '/x%2f..%2fadmin', '/admin%5cz', '/x%5c..%5cadmin', '/x\\..\\admin',
  '/%2561dmin%252fz/../admin', '/admin;x', '/admin;a=b/z', '/;/admin', '/;x=1/admin', '/.;/admin', '/x/..;a=b/admin',
  '/x;y/../admin', '/x/%2e%2e;/admin', '/%3b/admin', '/x/..%3b/admin'
]

function rows (t: Test, { port, app, authgear }: BehindProxyWithoutRedis, { facts }: Proxy): void {
  const get = (...headers: readonly HeaderLine[]): ReturnType<typeof ask> => ask(port, { headers })

  advisory(
    t,
    'Caddy CVE-2026-30851 (GHSA-7r4p-vjf4-gxv4)',
    "a client's header was kept where the auth reply lacked it",
    async (t) => {
      for (const name of AUTHGEAR_HEADERS) {
        t.equal((await get(['Cookie', BOB.cookie], [name, 'spoofed'])).status, 200)
        t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'), name)
      }
      await get(['Cookie', BOB.cookie], ['x-authgear-user-roles', 'admin'])
      t.equal(app.lastHeader('x-authgear-user-roles').join(), '', 'bob has no roles, whatever he says')
    }
  )

  advisory(
    t,
    'Caddy GHSA-f59h-q822-g45g, GHSA-49wc-4hcv-v58q, Traefik CVE-2026-54763, CVE-2026-88011, oauth2-proxy ' +
      'CVE-2025-64484',
    'another spelling of an identity header survived',
    async (t) => {
      for (const respell of ['_', '.'].flatMap((mark) => [
        (name: string) => name.replaceAll('-', mark),
        (name: string) => name.replace(/-(?=[^-]+$)/, mark),
        (name: string) => name.toUpperCase().replaceAll('-', mark)
      ])) {
        t.equal(
          (await get(['Cookie', BOB.cookie], ...AUTHGEAR_HEADERS.map((name): HeaderLine => [respell(name), 'spoofed'])))
            .status,
          200
        )
        t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'), respell('x-authgear-user-id'))
      }
    }
  )

  advisory(
    t,
    'Traefik CVE-2024-45410, CVE-2026-29054, CVE-2021-32813, Oathkeeper GHSA-w9mr-28mw-j8hg, Caddy',
    'Connection made the proxy drop its own headers',
    async (t) => {
      for (const value of [
        'x-authgear-user-id', 'close, x-authgear-user-roles, x-forwarded-for',
        'X-Authgear-Session-Valid, X-Forwarded-Host'
      ]) {
        const isRefused = facts.connectionNamesForwarded !== 200 && value.toLowerCase().includes('x-forwarded-')
        const reached = app.received.length
        t.equal((await get(['Connection', value], ['Cookie', ALICE.cookie])).status,
          isRefused ? facts.connectionNamesForwarded : 200, value)
        t.equal(app.received.length - reached, isRefused ? 0 : 1)
        if (!isRefused) t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
        if (!isRefused) t.strictSame(app.lastHeader('x-authgear-user-roles'), [ALICE.roles])
        t.equal((await get(['Connection', value])).status, isRefused ? facts.connectionNamesForwarded : 401,
          `${value}, and nobody`)
      }
      const hidden = await get(['Connection', 'cookie'], ['Cookie', ALICE.cookie])
      t.equal(hidden.status, facts.connectionHidesCookie ? 401 : 200, 'at most its sender is logged out')
    }
  )

  advisory(t, 'Caddy uri without a question mark', 'the client\'s own query reached the policy', async (t) => {
    for (const query of ['optional=1', 'role=x', 'optional=1&role=x', 'anonymous=true']) {
      t.equal((await ask(port, { path: `/p?${query}` })).status, 401, `${query}, and nobody`)
      t.equal((await ask(port, { path: `/p?${query}`, headers: [['Cookie', BOB.cookie]] })).status, 200,
        `${query} is the app's business`)
    }
  })
  advisory(
    t,
    'VoidAuth CVE-2026-134802, Envoy CVE-2026-73511, CVE-2026-73553',
    'an encoded separator, or a parameter of a path segment, led past the rule of a path',
    async (t) => {
      const reached = app.received.length
      for (const path of ADMIN) {
        for (const headers of [[], [['Cookie', BOB.cookie]]] satisfies HeaderLine[][]) {
          const { status } = await ask(port, { path, headers })
          t.ok([400, 401, 403, 404].includes(status), `${path}: ${status}`)
        }
      }
      t.strictSame(app.received.slice(reached).map(({ url }) => url), [], 'only an admin gets there')
    }
  )

  advisory(
    t,
    'Traefik CVE-2026-88008',
    'a request to upgrade to h2c became a tunnel to the app, past every other rule',
    async (t) => {
      const upgrade = (cookie: string): string => [
        'GET /page HTTP/1.1', `Host: ${HOST}`, cookie, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__', '', ''
      ].join('\r\n')
      const reached = app.received.length
      t.ok([400, 401].includes(await statusOfRaw(port, upgrade('X-Nobody: 1'))), 'refused without a session')
      t.equal(app.received.length, reached)
      t.not(await statusOfRaw(port, upgrade(`Cookie: ${BOB.cookie}`)), 101)
      const lines = app.received.slice(reached).flatMap(({ rawHeaders }) => rawHeaders).join('\n')
      t.notMatch(lines, /h2c|http2-settings/i, 'the app is not asked for a tunnel')
    }
  )

  advisory(
    t,
    'Authelia CVE-2026-48794, GHSA-j748-h363-wqj8',
    'a host in other letters met the rule of another host',
    async (t) => {
      const reached = app.received.length
      for (const host of [HOST.toUpperCase(), HOST.replace('example', 'eXample'), `${HOST}.`, `${HOST.toUpperCase()}.`]) {
        t.not((await ask(port, { headers: [['Host', host]] })).status, 200, `${host}, and nobody`)
        const { status } = await ask(port, { path: '/admin', headers: [['Host', host], ['Cookie', BOB.cookie]] })
        t.not(status, 200, `${host}, and nobody's admin`)
      }
      t.equal(app.received.length, reached)
    }
  )

  advisory(
    t,
    'Traefik CVE-2026-39858',
    'another spelling of a forwarding header reached the auth server as the real one',
    async (t) => {
      for (const name of [
        'X_Forwarded_Proto', 'X_Forwarded_Host', 'X_Forwarded_For', 'X.Forwarded.Uri', 'X-Forwarded_Uri'
      ]) {
        t.equal((await get([name, '203.0.113.66'])).status, 401, name)
        const asked = authgear.counters.resolutions
        t.not((await get([name, '203.0.113.66'], ['Authorization', `Bearer unknown of ${name}`])).status, 200, name)
        t.ok(authgear.counters.resolutions > asked, `${name}: Authgear is asked`)
        t.notMatch(authgear.counters.lastRawHeaders.join('\n'), /203\.0\.113\.66/, `and does not get ${name}`)
      }
    }
  )
}
