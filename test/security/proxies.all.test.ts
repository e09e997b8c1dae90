import t, { type Test } from 'tap'
import { ALL, caddy, nginx } from '../e2e/proxies.ts'
import type { Proxy } from '../e2e/proxy.ts'
import { startBehindProxyWithoutRedis, type BehindProxyWithoutRedis } from '../e2e/behind-proxy-without-redis.ts'
import { ALICE, BOB } from '../e2e/people.ts'
import { AUTHGEAR_HEADERS } from '../helpers/identity.ts'
import { startNginx } from '../helpers/nginx.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess } from '../helpers/process.ts'
import { advisory } from './helpers/advisory.ts'

for (const proxy of ALL) {
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
        t.equal(
          (await get(['Connection', value], ['Cookie', ALICE.cookie])).status,
          isRefused ? facts.connectionNamesForwarded : 200,
          value
        )
        t.equal(app.received.length - reached, isRefused ? 0 : 1)
        if (!isRefused) t.strictSame(app.lastHeader('x-authgear-user-id'), [ALICE.id])
        if (!isRefused) t.strictSame(app.lastHeader('x-authgear-user-roles'), [ALICE.roles])
        t.equal(
          (await get(['Connection', value])).status,
          isRefused ? facts.connectionNamesForwarded : 401,
          `${value}, and nobody`
        )
      }
      const hidden = await get(['Connection', 'cookie'], ['Cookie', ALICE.cookie])
      t.equal(hidden.status, facts.connectionHidesCookie ? 401 : 200, 'at most its sender is logged out')
    }
  )

  advisory(t, 'Caddy uri without a question mark', 'the client\'s own query reached the policy', async (t) => {
    for (const query of ['optional=1', 'role=x', 'optional=1&role=x', 'anonymous=true']) {
      t.equal((await ask(port, { path: `/p?${query}` })).status, 401, `${query}, and nobody`)
      t.equal(
        (await ask(port, { path: `/p?${query}`, headers: [['Cookie', BOB.cookie]] })).status,
        200,
        `${query} is the app's business`
      )
    }
  })
}

advisory(
  t,
  'nginx auth_request with a query',
  'the query made it miss the internal location, and the backend itself granted access (the trap, shown)',
  async (t) => {
    const { authgear, app } = await startBehindProxyWithoutRedis(t, nginx, {})
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
    for (const [target, status] of [['/_authgear', 401], ['/_authgear?role=admin', 200]] as const) {
      const port = await startLeast(t, target, service.port, app.port)
      t.equal((await ask(port)).status, status, `auth_request ${target}, and nobody asks`)
    }
  },
  skipOrFail('nginx')
)

advisory(
  t,
  'Node.js, found here',
  'header lines beyond those that the parser keeps were dropped without a word, a policy of the proxy among them',
  async (t) => {
    const edits = {
      Caddyfile: (shipped: string) =>
        shipped.replace(
          'header_up -Connection', 'header_up X-Forward-Auth-Policy role=admin\n\t\t\theader_up -Connection'
        )
    }
    const { port, app } = await startBehindProxyWithoutRedis(t, { ...caddy, edits }, {})
    // Go sends header lines in the order of their names: these come between the cookie and the policy
    const many = (count: number): HeaderLine[] => Array.from({ length: count }, (_, i) => [`D${i}`, ''])
    for (const count of [0, 1500, 3500]) {
      t.equal(
        (await ask(port, { headers: [['Cookie', ALICE.cookie], ...many(count)] })).status,
        200,
        `an admin with ${count} more lines`
      )
      const before = app.received.length
      t.equal(
        (await ask(port, { headers: [['Cookie', BOB.cookie], ...many(count)] })).status,
        403,
        `another with ${count} more lines`
      )
      t.equal(app.received.length, before)
    }
    t.not((await ask(port, { headers: [['Cookie', BOB.cookie], ...many(4500)] })).status, 200, 'too many for anybody')
  },
  skipOrFail('caddy')
)

/** The least that an operator may write who does not take the shipped files. */
async function startLeast (t: Test, target: string, forwardAuth: number, app: number): Promise<number> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path FOLDER/${name};`
  )
  return await startNginx(t, `pid FOLDER/nginx.pid; events {}
    http { access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:LISTEN;
        location / { auth_request ${target}; proxy_pass http://127.0.0.1:${app}; }
        location = /_authgear { internal; proxy_pass http://127.0.0.1:${forwardAuth}/verify; proxy_pass_request_body off; proxy_set_header Content-Length ""; } } }`)
}
