import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { AMBIGUOUS, HOP_HEADERS, longest, noneOf, PARAMETER } from '../../../src/commands/snippet/guards.ts'
import type { Files } from '../../../src/commands/snippet/settings.ts'
import { REFUSED, REFUSED_PRIORITY } from '../../../src/commands/snippet/templates/traefik.ts'
import { readSnippet } from '../../e2e/snippets.ts'
import { filesOf, textOf } from './snippet-of.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FULL = ['--policy', '/admin=role=admin', '--policy', `/${'long'.repeat(14)}/area=role=owner`, '--login']

/** With and without routes and the login. */
const variants = (proxy: string): readonly Files[] =>
  [[], FULL].map((args) => filesOf(proxy, ...args))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Segments that servlet containers read as empty, "." or ".."; and what must pass. */
const PARAMETERS = [
  '/;/admin', '/;x=1/admin', '/x/..;/admin', '/.;/admin', '/x/%2e%2E;/admin', '/%3b/admin', '/x/..%3B/admin',
  '/public/..;/admin'
]
const HARMLESS = [
  '/', '/admin;x', '/a.b/c..d', '/x;jsessionid=1', '/admin%3bx', '/a..;b', '/p?next=/;/..;/x//y%2f', '/caf%C3%A9'
]
/** What only a proxy that sends the raw path on must refuse. */
const RAW = [
  '/admin/../p', '//admin', '/./admin', '/x/%2e%2e/admin', '/x/..%2fadmin', '/x\\..\\admin', '/%5cadmin', '/admin/%00',
  '/admin#'
]
const UPGRADES = [
  'h2c', 'H2C', 'websocket, h2c', 'h2c, websocket', 'h2c/websocket', 'TLS/1.3, websocket', 'websockets', 'websocke',
  'w', '', '"websocket"', 'websocket '
]
const BAD_HOSTS = [
  'app.example.com:80@evil.example', 'evil.example, app.example.com', 'app.example.com:evil', 'app.example.com:80:80'
]

/** RE2 writes "without case" into the expression. */
const compile = (pattern: string, flags = ''): RegExp =>
  new RegExp(pattern.replace('(?i)', ''), pattern.startsWith('(?i)') ? 'i' : flags)

function refusesParameters (t: Test, pattern: RegExp, name: string): void {
  for (const path of PARAMETERS) t.match(path.split('?')[0], pattern, `${name}: ${path}`)
  for (const path of HARMLESS) t.notMatch(path.split('?')[0], pattern, `${name}: ${path}`)
}

t.test('the guards refuse what an app may read differently, and nothing else', async t => {
  refusesParameters(t, new RegExp(PARAMETER, 'i'), 'PARAMETER')
  refusesParameters(t, new RegExp(AMBIGUOUS, 'i'), 'AMBIGUOUS')
  for (const path of RAW) t.match(path, new RegExp(AMBIGUOUS, 'i'), path)
  const other = compile(noneOf(['websocket', 'h2c']))
  for (const value of UPGRADES) t.equal(other.test(value), !/^h2c$/i.test(value), value)
  for (const value of ['websocket', 'WebSocket', 'h2c']) t.notMatch(value, other)
  t.ok(longest('a', ['bcd', 'efghij']).length > 6)
  t.equal(longest('abc', ['a']), 'abc')
})

interface ApisixRoute {
  readonly id: string
  readonly vars?: ReadonlyArray<readonly string[]>
  readonly enable_websocket?: boolean
  readonly priority: number
  readonly plugins?: Readonly<Record<string, unknown>>
}

const apisixRoutes = (yaml: string): readonly ApisixRoute[] => (parse(yaml) as { routes: ApisixRoute[] }).routes

/** All routes that `snippet apisix` writes, and all of the recipes where its page says that they go. */
function allApisixRoutes (): readonly ApisixRoute[] {
  const recipes = ['apisix: public path', 'apisix: preflight'].map((title) => readSnippet('proxies/apisix.md', title))
    .join('')
  return variants('apisix').flatMap((files) =>
    apisixRoutes((files['apisix.yaml'] ?? '').replace('upstreams:\n', `${recipes}upstreams:\n`))
  )
}

t.test('apisix: every route, of a recipe too, guards the raw path and the Host', async t => {
  const routes = allApisixRoutes()
  t.ok(['public', 'preflight', 'authgear-login', 'app-admin', 'app'].every(id => routes.some(route => route.id === id)))
  for (const { id, vars = [], plugins = {} } of routes) {
    if ('fault-injection' in plugins) {
      t.match(plugins, { 'fault-injection': { abort: { http_status: 400 } } })
      continue
    }
    const path = vars.find(([name, not]) => name === 'real_request_uri' && not === '!')
    t.equal(path?.[2], '~*', id)
    const guard = new RegExp(path?.[3] ?? '^', 'i')
    refusesParameters(t, guard, id)
    for (const raw of RAW) t.match(raw, guard, `${id}: ${raw}`)
    const host = new RegExp(vars.find(([name]) => name === 'http_host')?.[2] ?? '', 'i')
    for (const bad of BAD_HOSTS) t.notMatch(bad, host, `${id}: ${bad}`)
    t.match('app.example.com:8080', host)
    t.notOk(vars.some(([name]) => name === 'request_uri'), `${id}: request_uri is cleaned before it is compared`)
  }
})

t.test('apisix: WebSocket is for a request whose one Upgrade value is websocket', async t => {
  const open = allApisixRoutes().filter(route => route.enable_websocket === true)
  t.ok(open.length >= 3)
  for (const { id, vars = [] } of open) {
    const [upgrade, connection] = ['http_upgrade', 'http_connection'].map(
      (name) => new RegExp(vars.find(([first]) => first === name)?.[2] ?? '', 'i')
    )
    for (const value of UPGRADES) t.notMatch(value, upgrade ?? /^/, `${id}: ${value}`)
    t.match('WebSocket', upgrade ?? /$^/)
    for (const value of ['upgrade, x-authgear-user-id', 'Upgrade, HTTP2-Settings', 'close', '']) {
      t.notMatch(value, connection ?? /^/, `${id}: ${value}`)
    }
    for (const value of ['Upgrade', 'keep-alive, Upgrade', 'upgrade, keep-alive']) {
      t.match(value, connection ?? /$^/, value)
    }
  }
})

t.test('apisix: each protected route stands twice and clears what is not ours', async t => {
  for (const files of variants('apisix')) {
    const routes = apisixRoutes(files['apisix.yaml'] ?? '')
    for (const route of routes.filter(
      ({ plugins = {}, enable_websocket: isOpen }) => 'forward-auth' in plugins && isOpen !== true
    )) {
      const twin = routes.find(({ id }) => id === `${route.id}-websocket`)
      t.match(
        twin, { enable_websocket: true, priority: route.priority + 1, plugins: route.plugins as object }, route.id
      )
      t.match(route.plugins, {
        'forward-auth': { extra_headers: { 'X-Forwarded-Uri': '$real_request_uri' }, allow_degradation: false },
        'serverless-pre-function': { phase: 'rewrite' }
      })
      const [lua = ''] = (route.plugins?.['serverless-pre-function'] as { functions: string[] }).functions
      for (const name of ['^x%-authgear', ...HOP_HEADERS.map((name) => name.toLowerCase())]) {
        t.ok(lua.includes(name), `${route.id} clears ${name}`)
      }
    }
    const buffers = /large_client_header_buffers 4 32k;\nproxy_buffer_size 16k;\nproxy_buffers 4 16k;/
    t.match(parse(files['config.yaml'] ?? ''), {
      apisix: { ssl: { enable: false } },
      nginx_config: { http: { underscores_in_headers: 'off' }, http_configuration_snippet: buffers }
    })
    t.match(files['config.yaml'], /# real_ip_from: /)
  }
})

/** A rule's regular expressions, in Traefik's language. */
const patternsOf = (rule: string, matcher: string): readonly string[] =>
  [...rule.matchAll(new RegExp(`${matcher}\\(([^)]*?)\`([^\`]+)\`\\)`, 'g'))].map(([, , pattern = '']) => pattern)

t.test('traefik: the refusing route is the first, in each form of the configuration', async t => {
  refusesParameters(t, compile(patternsOf(REFUSED, 'PathRegexp')[0] ?? ''), 'PathRegexp')
  const [upgrade = '', host = ''] = patternsOf(REFUSED, 'HeaderRegexp')
  t.equal(upgrade, noneOf(['websocket', 'h2c']))
  for (const bad of BAD_HOSTS.filter(value => !value.startsWith('evil'))) t.match(bad, new RegExp(host), bad)
  for (const good of ['app.example.com', 'app.example.com:8080', 'a.example, app.example.com:80']) {
    t.notMatch(good, new RegExp(host), good)
  }
  const forms = { traefik: REFUSED, 'traefik-kubernetes': REFUSED, 'traefik-labels': REFUSED.replaceAll('$', '$$$$') }
  for (const [proxy, refused, files] of Object.entries(forms).flatMap(([proxy, refused]) =>
    variants(proxy).map((files) => [proxy, refused, files] as const)
  )) {
    t.ok(textOf(files).includes(`Host(\`app.example.com\`) && (${refused})`), proxy)
    const priorities = [...textOf(files).matchAll(/priority[:=] ?(\d+)/g)].map(([, value]) => Number(value))
    t.equal(Math.max(...priorities), REFUSED_PRIORITY, proxy)
    t.equal(priorities.filter(value => value === REFUSED_PRIORITY).length, 1, proxy)
    t.match(textOf(files), /255\.255\.255\.255\/32/, proxy)
    t.match(textOf(files), /reject_?status_?code[:=] ?400/i, proxy)
    t.match(textOf(files), /noop@internal/, proxy)
  }
  t.ok(read('deploy/compose/own/authgear.yml').includes(`rule: (${REFUSED})\n      priority: ${REFUSED_PRIORITY}\n`), 'authgear.yml')
})

interface HttpMatch {
  readonly path: { readonly type: string, readonly value: string }
  readonly headers?: ReadonlyArray<{ readonly name: string, readonly value: string }>
}

interface HttpRule {
  readonly matches: readonly HttpMatch[]
  readonly filters?: ReadonlyArray<{ readonly extensionRef: { readonly name: string } }>
}

interface HttpRoute {
  readonly kind: string
  readonly spec: { readonly rules: readonly HttpRule[] }
}

const httpRoutes = (yaml: string): readonly HttpRoute[] =>
  parseAllDocuments(yaml).map(document => document.toJS() as HttpRoute).filter(({ kind }) => kind === 'HTTPRoute')

for (const [proxy, file] of [['gateway-api', 'httproute.yaml'], ['envoy-gateway', 'envoy-gateway.yaml']] as const) {
  t.test(`${proxy}: the refusing expression is longer than all others, so it is tried first`, async t => {
    for (const files of variants(proxy)) {
      const rules = httpRoutes(files[file] ?? '').flatMap(({ spec }) => spec.rules)
      const isRefusal = ({ filters = [] }: (typeof rules)[number]): boolean =>
        filters.some(({ extensionRef }) => extensionRef.name === 'refuse')
      const refused = rules.filter(isRefusal).flatMap(({ matches }) => matches)
      const others = rules.filter((rule) => !isRefusal(rule)).flatMap(({ matches }) => matches)
        .map(({ path }) => path.value.length)
      for (const { path } of refused) {
        t.ok(path.type === 'RegularExpression' && path.value.length > Math.max(...others), path.value)
      }
      refusesParameters(t, compile(refused[0]?.path.value ?? ''), proxy)
      const upgrade = refused.flatMap(({ headers = [] }) => headers).find(({ name }) => name === 'Upgrade')
      if (proxy === 'gateway-api') t.equal(upgrade?.value, noneOf(['websocket', 'h2c']))
    }
  })
}

t.test('envoy-gateway: 400 without asking the app, and no header for one hop only', async t => {
  for (const files of variants('envoy-gateway')) {
    t.match(textOf(files), 'directResponse: { statusCode: 400 }')
    for (const name of HOP_HEADERS) t.ok(textOf(files).includes(`{ type: Exact, value: ${name.toLowerCase()} }`), name)
  }
})

t.test('every recipe stands behind the guards of its file', async t => {
  const fullOf = (proxy: string): string => textOf(variants(proxy)[1] ?? {})
  const order = (written: string, ...parts: readonly string[]): void => {
    const places = parts.map(part => written.indexOf(part))
    t.ok(places.every((place, i) => place >= 0 && place > (places[i - 1] ?? -1)), parts.join(' … '))
  }
  const clean = 'route {\n\t\timport authgear_clean'
  order(
    fullOf('caddy'),
    `(authgear_policy) {\n\t${clean}`,
    `app.example.com:8080 {\n\t# "route" keeps this order\n\t${clean}`,
    '# @preflight',
    'import authgear_login',
    '# routes and their policies'
  )
  for (const [, body = ''] of fullOf('caddy').matchAll(/handle @\w+ \{\n(?:\t|# )*(.*)/g)) {
    t.equal(body, 'import authgear_clean')
  }
  t.match(readSnippet('proxies/caddy.md', 'caddy: public path'), 'import authgear_clean')
  order(fullOf('nginx'), 'if ($authgear_ambiguous) { return 400; }', '@preflight', 'location ~ ^/_auth',
    '# routes and their policies')
  for (const block of ['nginx: public path']) {
    t.match(readSnippet('proxies/nginx.md', block), 'include authgear_none.inc')
  }
  for (const proxy of ['envoy', 'envoy-prefix', 'envoy-grpc']) {
    order(fullOf(proxy), 'routes:', PARAMETER, ':authority', '# CORS preflights', '^/_auth/',
      '# routes and their policies')
  }
  order(fullOf('haproxy'), PARAMETER, 'req.fhdr_cnt(host)', 'del-header upgrade', '# CORS preflights',
    'acl authgear_own', '# routes and their policies')
  const priority = Number(/priority: (\d+)/.exec(readSnippet('proxies/traefik.md', 'traefik: public path'))?.[1])
  t.ok(priority < REFUSED_PRIORITY)
})

t.test("a Caddyfile's snippets have the names of authgear.caddy, which the pages import", async t => {
  const namesIn = (text: string): readonly string[] => [...text.matchAll(/^\((\w+)\) \{$/gm)].map(([, name = '']) => name)
  const known = new Set(namesIn(read('deploy/compose/authgear.caddy')))
  for (const files of variants('caddy')) t.strictSame(namesIn(textOf(files)).filter((name) => !known.has(name)), [])
  const pages =
    readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const texts = [...pages.map((name) => read(`docs/${name}`)), read('README.md')].join('\n')
  const imported = [...texts.matchAll(/`?import (authgear\w*)(?![\w.])/g)].map(([, name = '']) => name)
  t.strictSame([...new Set(imported)].filter((name) => !known.has(name)), [])
})

t.test('the files beside snippet keep the same guards', async t => {
  const clean = (caddyfile: string): string => /\(authgear_clean\) \{[^]*?\n\}\n/.exec(caddyfile)?.[0] ?? ''
  const everyName = textOf(filesOf('caddy', '--identity', 'remote,forwarded,webauth', '--assertion'))
  for (const file of ['deploy/compose/Caddyfile', 'deploy/compose/authgear.caddy']) {
    t.equal(clean(read(file)), clean(everyName), file)
  }
  const hide = (text: string): string => /(?:# security: the app gets every cookie)[^]*?\n *\}\n(?=\n)/.exec(text)?.[0] ?? ''
  const onLocalhost = (text: string): string => hide(text).replaceAll('__Host-forward-auth', '(__Host-)?forward-auth')
  t.equal(hide(read('deploy/compose/authgear.caddy')), hide(everyName))
  t.equal(hide(read('deploy/compose/Caddyfile')), onLocalhost(everyName))
  t.equal(hide(read('deploy/compose/nginx.conf')), onLocalhost(textOf(filesOf('nginx'))))
  for (const file of ['README.md', 'deploy/compose/Caddyfile.https', 'deploy/compose/own/app.caddy.example']) {
    t.match(read(file), /\troute \{\n\t\timport authgear_clean/, file)
  }
  t.match(read('deploy/compose/Caddyfile'), /\troute \{\n\t\timport authgear_clean/)
  const map = (conf: string): string => /map \$request_uri.*/.exec(conf)?.[0] ?? ''
  t.equal(map(read('deploy/compose/nginx.conf')), map(read('deploy/nginx/nginx.conf')))
  const chart = read('deploy/kubernetes/chart/templates/httproute.yaml')
  for (const pattern of [`(?i)${PARAMETER}`, noneOf(['websocket', 'h2c'])]) t.ok(chart.includes(pattern), pattern)
})
