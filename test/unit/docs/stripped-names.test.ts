import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { canonical, IDENTITY, UNUSED_IDENTITY } from '../../../src/commands/snippet/settings.ts'
import { SETS } from '../../../src/base/identity/sets.ts'
import { PART_HEADERS } from '../../helpers/identity.ts'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** What an app may trust, whether this deployment sends it or not. */
const COPIED = [...IDENTITY, ...Object.values(SETS).flat().map(({ name }) => name), ...PART_HEADERS]
const STRIPPED = [...COPIED, UNUSED_IDENTITY]
/** As Go writes a name before Traefik compares it. */
const asGo = (name: string): string => canonical(name.toLowerCase())
const missingOf = (given: (name: string) => boolean, names = STRIPPED): readonly string[] =>
  names.filter((name) => !given(name))

type Middleware = Readonly<{
  forwardAuth?: Readonly<{ authResponseHeadersRegex?: string }>
  headers?: Readonly<{ customRequestHeaders?: Readonly<Record<string, string>> }>
  ipAllowList?: object
}>
type Traefik = Readonly<{
  http: Readonly<{
    middlewares?: Readonly<Record<string, Middleware>>
    routers?: Readonly<Record<string, Readonly<{ middlewares?: readonly string[] }>>>
  }>
}>

const shared = parse(read('deploy/compose/own/authgear.yml'), { merge: true }) as Traefik
const { middlewares = {} } = shared.http

/** @returns the names of a client's that pass this middleware */
function passing ({ forwardAuth, headers, ipAllowList }: Middleware): readonly string[] {
  if (ipAllowList !== undefined) return [] // refuses everybody
  const pattern = forwardAuth?.authResponseHeadersRegex?.replace('(?i)', '')
  if (pattern !== undefined) return missingOf((name) => new RegExp(pattern, 'i').test(asGo(name)))
  return missingOf((name) => headers?.customRequestHeaders?.[name] === '')
}

t.test('each middleware of own/authgear.yml takes every identity name from clients', async (t) => {
  for (const name of ['webauth', 'remote', 'forwarded', 'clean', 'machines']) t.ok(`authgear-${name}` in middlewares, name)
  for (const [name, middleware] of Object.entries(middlewares)) t.strictSame(passing(middleware), [], name)
})

/** Router by router: what Traefik reads of a compose file or a page. */
function routersOf (text: string): ReadonlyMap<string, readonly string[]> {
  const routers = new Map<string, readonly string[]>()
  for (const [, name = ''] of text.matchAll(/traefik\.http\.routers\.([\w-]+)\.rule=/g)) routers.set(name, [])
  for (const [, name = '', list = ''] of text.matchAll(/traefik\.http\.routers\.([\w-]+)\.middlewares=(\S+)/g)) {
    routers.set(name, list.split(','))
  }
  return routers
}

const takesAll = (name: string): boolean => {
  const middleware = middlewares[name.replace(/@file$/, '')]
  return middleware !== undefined && passing(middleware).length === 0
}

t.test('each router of the stacks, their examples and their page has one of them', async (t) => {
  for (const file of ['docker-compose.yml', 'docs/second-app.md']) {
    const routers = routersOf(read(file))
    t.ok(routers.size >= 1, file)
    for (const [name, list] of routers) {
      t.ok(list.some((one) => one.endsWith('@file') && takesAll(one)), `${file}: ${name}`)
    }
  }
  for (const file of ['own/app.yml.example', 'own/authgear.yml']) {
    const { routers = {} } = (parse(read(`deploy/compose/${file}`), { merge: true }) as Traefik).http
    for (const [name, { middlewares: list = [] }] of Object.entries(routers)) t.ok(list.some(takesAll), `${file}: ${name}`)
  }
})

/** The blocks between the braces of that opening line, at its depth. */
function blocksOf (caddyfile: string, opening: RegExp): readonly string[] {
  return caddyfile.split('\n').flatMap((line, i, lines) => {
    const [, tabs = ''] = opening.test(line) ? /^(\t*)/.exec(line) ?? [] : []
    if (!opening.test(line)) return []
    const rest = lines.slice(i + 1)
    return [rest.slice(0, rest.indexOf(`${tabs}}`)).join('\n')]
  })
}

const CADDYFILES = ['Caddyfile', 'authgear.caddy']
/** Caddy has none in the middle of a pattern: these are "-" to some apps. */
const ALIASES = [...'_.~!#$%&\'*+^`|']

t.test('the Caddyfiles of the stacks take every identity name, on each route', async (t) => {
  for (const file of CADDYFILES) {
    const text = read(`deploy/compose/${file}`)
    const [clean = ''] = blocksOf(text, /^\(authgear_clean\) \{/)
    const lines = clean.split('\n').map((line) => line.trim())
    t.strictSame(missingOf((name) => /authgear/i.test(name)
      ? lines.includes('request_header -*Authgear*')
      : lines.includes(`request_header -${name}`)), [], file)
    t.strictSame(ALIASES.filter((char) => !lines.includes(`request_header -*${char}*`)), [], file)
    for (const block of blocksOf(text, /^\(authgear_(policy|resource)\) \{/)) {
      t.match(block, /^\troute \{\n\t\timport authgear_clean\n/)
    }
    for (const [, names = ''] of text.matchAll(/^\t*copy_headers ([^#\n]*)/gm)) {
      t.strictSame(missingOf((name) => names.trim().split(' ').includes(name), COPIED), [], file)
    }
  }
  for (const file of ['Caddyfile', 'Caddyfile.https', 'own/app.caddy.example']) {
    const sites = read(`deploy/compose/${file}`).replaceAll(/^\(\w+\) \{[^]*?\n\}\n/gm, '')
    const routes = blocksOf(sites, /^\troute \{/)
    t.equal(routes.length, 1, file)
    for (const block of routes) t.match(block, /^\t\timport authgear_clean/, file)
  }
})

t.test("nginx's files of the stack take every identity name, in each location", async (t) => {
  const [, folder = ''] = /\.\.\/(nginx[\w-]*)\/authgear_app\.inc:/.exec(read('deploy/compose/nginx.yml')) ?? []
  for (const [file, names] of [['authgear_app.inc', COPIED], ['authgear_none.inc', STRIPPED]] as const) {
    const text = read(`deploy/${folder}/${file}`)
    t.strictSame(missingOf((name) => text.includes(`proxy_set_header ${name} `), names), [], file)
  }
  const app = read(`deploy/${folder}/authgear_app.inc`)
  const isSet = (name: string): boolean => app.includes(`$upstream_http_${name.toLowerCase().replaceAll('-', '_')};`) ||
    app.includes(`proxy_set_header ${name} "";`)
  t.strictSame(missingOf(isSet, COPIED), [], 'a value of the service, or none')
  for (const [location] of read('deploy/compose/nginx.conf').matchAll(/^ {4}location [^\n]*proxy_pass [^\n]*/gm)) {
    t.match(location, /include authgear_(app|none|call)\.inc;/)
  }
})

type Resource = Readonly<{ kind: string, metadata: Readonly<{ name: string }>, spec: Middleware }>

t.test("Kubernetes' files and the chart take every identity name", async (t) => {
  const folder = 'deploy/kubernetes/namespaces'
  const middlewares = readdirSync(join(ROOT, folder)).flatMap((file) =>
    parseAllDocuments(read(`${folder}/${file}`)).map((document): Resource => document.toJS()))
    .filter((resource) => resource?.kind === 'Middleware')
  t.ok(middlewares.length >= 3)
  for (const { metadata: { name }, spec } of middlewares) t.strictSame(passing(spec), [], name)

  const chart = read('deploy/kubernetes/chart/templates/middlewares.yaml')
  const [, sets = ''] = /\$sets := "([^"]+)"/.exec(chart) ?? []
  const [, list = ''] = /\$names := concat \(list ([^)]+)\)/.exec(chart) ?? []
  const names = [...list.replace('$sets', `"${sets}"`).matchAll(/"([^"]+)"/g)].map(([, name]) => name)
  t.strictSame(passing({ forwardAuth: { authResponseHeadersRegex: `(?i)^(${names.join('|')})$` } }), [])
})
