import t, { type Test } from 'tap'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import type { Edits, Proxy } from './proxy.ts'
import { ALL, traefik } from './proxies.ts'
import { startSmallStack, type SmallStack } from './small-stack.ts'
import { readSnippet, swap } from './snippets.ts'

/** Public paths, preflights and CORS headers, as each page has them, all at once. */
const RECIPES: Readonly<Record<string, Edits>> = {
  traefik: {
    'dynamic.yml': written => edit(written, [
      ['  middlewares:\n', block('traefik: public path, middleware') + block('traefik: cors')],
      ['  routers:\n', block('traefik: public path, router')]
    ]).replaceAll('middlewares: [authgear]', 'middlewares: [cors, authgear]')
  },
  caddy: { Caddyfile: written => edit(uncommented(written), [['\t\t# routes and their policies: docs/policies.md\n', block('caddy: cors') + block('caddy: public path').replace('app:8080', appOf(written))]]) },
  nginx: {
    'nginx.conf': written => edit(uncommented(written), [
      ['events {}\nhttp {\n', block('nginx: cors, http')],
      ['    # routes and their policies: docs/policies.md\n', block('nginx: public path') + block('nginx: cors, server')]
    ])
  },
  envoy: {
    'envoy.yaml': written => edit(swap(written, '          - name: envoy.filters.http.ext_authz\n            typed_config', `${block('envoy: cors, filter')}          - name: envoy.filters.http.ext_authz\n            typed_config`), [
      ['              # routes and their policies, the first match counts: docs/policies.md\n', block('envoy: public path')],
      ['            - name: app # security: another host name is 404\n', block('envoy: cors, virtual host')]
    ])
  },
  haproxy: { 'haproxy.cfg': written => edit(uncommented(written), [['    # routes and their policies, the first match counts: docs/policies.md\n', block('haproxy: public path') + block('haproxy: cors')]]) }
}

function block (title: string): string {
  return readSnippet(`proxies/${title.split(':')[0] ?? ''}.md`, title)
}

/** Puts each text behind its anchor. */
const edit = (written: string, edits: ReadonlyArray<readonly [anchor: string, text: string]>): string =>
  edits.reduce((text, [anchor, addition]) => swap(text, anchor, anchor + addition), written)

/** The app as this Caddyfile knows it. */
const appOf = (caddyfile: string): string => /reverse_proxy (127\S+)/.exec(caddyfile)?.[1] ?? ''

/** The file's own recipe for preflights. */
function uncommented (written: string): string {
  const lines = written.split('\n')
  const preflight = /^\s*# (@preflight|handle @preflight|\t|\}|map "\$request_method|error_page 418|if \(\$authgear_preflight|location @preflight|acl (options|origin|asks_method) |http-request set-var\(txn\.authgear_allowed\))/
  return swap(written, written, lines.map(line => preflight.test(line) ? line.replace('# ', '') : line).join('\n'))
}

const ORIGIN: HeaderLine = ['Origin', 'https://www.example.com']
const ASKS: HeaderLine = ['Access-Control-Request-Method', 'POST']
const SPOOFED: readonly HeaderLine[] = [['X-Authgear-User-Id', 'spoofed'], ['X-AUTHGEAR-USER-ROLES', 'spoofed'], ['X_Authgear_User_Id', 'spoofed']]

const plain = (proxy: Proxy): Proxy => proxy === traefik ? { ...proxy, tls: false } : proxy

for (const proxy of ALL.map(plain)) {
  t.test(`the recipes of docs/proxies/${proxy.server}.md`, { skip: skipOrFail(proxy.server) }, async t => {
    const stack = await startSmallStack(t, { ...proxy, edits: RECIPES[proxy.server] ?? {} }, {})
    t.test('a public path is public, and nothing beside it', async t => testPublic(t, stack))
    t.test('a true preflight is answered, and no other OPTIONS', async t => testPreflight(t, stack))
    t.test('another origin can read a refusal, if it is the one that is named', async t => testCors(t, stack))
  })
}

async function testPublic (t: Test, { port, app }: SmallStack): Promise<void> {
  t.equal((await ask(port, { path: '/public/page', headers: SPOOFED })).status, 200)
  t.equal(app.received.length, 1)
  t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'))
  for (const path of ['/publicity', '/public', '/x/public/', '/public/../admin', '/public/%2e%2e/admin', '/public/..%2fadmin', '/page']) t.ok([301, 400, 401].includes((await ask(port, { path })).status), path) // nginx adds the slash to /public itself
  t.equal(app.received.length, 1)
}

async function testPreflight (t: Test, { port, app }: SmallStack): Promise<void> {
  const options = (headers: readonly HeaderLine[]): Promise<Answer> => ask(port, { method: 'OPTIONS', path: '/page', headers: [...headers, ...SPOOFED] })
  t.ok([200, 204].includes((await options([ORIGIN, ASKS])).status), 'whoever answers it')
  t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'))
  const before = app.received.length
  t.equal((await options([])).status, 401)
  t.equal((await options([ORIGIN])).status, 401)
  t.equal((await options([ASKS])).status, 401)
  t.equal((await options([['Origin', 'a b c']])).status, 401)
  t.equal((await ask(port, { method: 'POST', path: '/page', headers: [ORIGIN, ASKS] })).status, 401, 'nor any other method')
  t.equal(app.received.length, before)
}

async function testCors (t: Test, { port }: SmallStack): Promise<void> {
  const answer = await ask(port, { headers: [ORIGIN] })
  t.match(answer, { status: 401, headers: { 'access-control-allow-origin': ORIGIN[1], 'access-control-allow-credentials': 'true' } })
  const other = await ask(port, { headers: [['Origin', 'https://evil.example.com']] })
  t.equal(other.status, 401)
  t.notOk('access-control-allow-origin' in other.headers)
}
