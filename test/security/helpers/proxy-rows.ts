import t, { type Test } from 'tap'
import { startBehindProxyWithoutRedis, type BehindProxyWithoutRedis } from '../../e2e/behind-proxy-without-redis.ts'
import { ALICE, BOB } from '../../e2e/people.ts'
import type { Proxy } from '../../e2e/proxy.ts'
import { AUTHGEAR_HEADERS } from '../../helpers/identity.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { skipOrFail } from '../../helpers/servers.ts'
import { advisory } from './advisory.ts'

/** What happened to other proxies and auth servers, behind this proxy on the configuration that `snippet` writes. */
export function testProxy (proxy: Proxy): void {
  t.test(`${proxy.server} on deploy/${proxy.snippet}`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const stack = await startBehindProxyWithoutRedis(t, proxy, {})
    rows(t, stack, proxy)
  })
}

function rows (t: Test, { port, app }: BehindProxyWithoutRedis, { facts }: Proxy): void {
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
}
