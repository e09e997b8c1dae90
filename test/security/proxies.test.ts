import t, { type Test } from 'tap'
import { startBehindProxyWithoutRedis } from '../e2e/behind-proxy-without-redis.ts'
import { ALICE, BOB } from '../e2e/people.ts'
import { caddy, nginx, traefik } from '../e2e/proxies.ts'
import { startNginx } from '../helpers/nginx.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { advisory } from './helpers/advisory.ts'
import { testProxy } from './helpers/proxy-rows.ts'

for (const proxy of [traefik, caddy, nginx]) testProxy(proxy)

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
  'header lines beyond those that the parser keeps were dropped silently, a policy of the proxy among them',
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
      t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie], ...many(count)] })).status, 200,
        `an admin with ${count} more lines`)
      const before = app.received.length
      t.equal((await ask(port, { headers: [['Cookie', BOB.cookie], ...many(count)] })).status, 403,
        `another with ${count} more lines`)
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
