import { parse } from 'yaml'
import t from 'tap'
import { limitsOf } from '../../../src/commands/snippet/proxies.ts'
import { filesOf, settingsFor } from './snippet-of.ts'

type Labels = ReadonlyMap<string, string>
type Services = Readonly<Record<string, Readonly<{ labels?: readonly string[] }>>>

/** Of each service of the file that `snippet traefik-labels` writes. */
function labelsOf (app: string, ...options: readonly string[]): Readonly<Record<string, Labels>> {
  const files = filesOf('traefik-labels', '--app', app, '--host', `${app}.example.com`, ...options)
  const { services } = parse(files['traefik-labels.yml'] ?? '') as { services: Services }
  return Object.fromEntries(Object.entries(services).map(([name, { labels = [] }]) => [
    name, new Map(labels.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]))
  ]))
}

/** `routers.wiki`, `middlewares.wiki--admin` and so on: what Traefik has one of, whatever container says it. */
const objectsOf = (labels: Labels | undefined): ReadonlySet<string> =>
  new Set([...labels?.keys() ?? []].flatMap((key) => /^traefik\.http\.(\w+\.[^.]+)\./.exec(key)?.[1] ?? []))

const POLICIES = ['--policy', '/admin=role=admin', '--policy', '/b=role=b']
/** Names and paths that would meet, were they joined by one dash. */
const APPS: ReadonlyArray<readonly [app: string, options: readonly string[]]> = [
  ['app', POLICIES],
  ['wiki', [...POLICIES, '--policy', '/=verified=true']],
  ['a', POLICIES],
  ['a-b', POLICIES],
  ['a-admin', []],
  ['refuse', []]
]

t.test('two apps never have a router, service or middleware of one name', async (t) => {
  const all = APPS.map(([app, options]) => [app, objectsOf(labelsOf(app, ...options)[app])] as const)
  for (const [app, objects] of all) {
    t.ok(objects.has(`routers.${app}`) && objects.has(`services.${app}`), `${app}: names carry the app's`)
    for (const [other, theirs] of all.filter(([other]) => other !== app)) {
      t.strictSame([...objects].filter((name) => theirs.has(name)), [], `${app}, ${other}`)
    }
  }
})

t.test('the middleware of every app is on forward-auth, the same for all', async (t) => {
  const of = (app: string, ...more: readonly string[]) => labelsOf(app, '--no-login', ...more)['forward-auth']
  const [one, other] = [of('app'), of('wiki', ...POLICIES)]
  t.strictSame(one, other)
  t.strictSame([...objectsOf(one)], ['middlewares.authgear', 'middlewares.authgear-refuse', 'middlewares.clean'])
  const app = labelsOf('wiki')['wiki']
  t.equal(app?.get('traefik.http.routers.wiki.middlewares'), 'authgear')
  t.equal(app?.get('traefik.http.routers.wiki--refuse.middlewares'), 'authgear-refuse')
  t.strictSame([...objectsOf(app)].filter((name) => name.startsWith('middlewares.')), [], 'it has none of its own')
})

t.test('people can sign in at the host of the app unless --no-login is given', async (t) => {
  const rule = 'traefik.http.routers.authgear-login.rule'
  t.match(labelsOf('wiki')['forward-auth']?.get(rule), /^Host\(`wiki\.example\.com`\) && PathRegexp\(`\^\/_auth/)
  t.notOk(labelsOf('wiki', '--no-login')['forward-auth']?.has(rule))
})

t.test('a policy for everything is the app\'s own middleware', async (t) => {
  const app = labelsOf('wiki', '--policy', '/=verified=true')['wiki']
  t.equal(app?.get('traefik.http.routers.wiki.middlewares'), 'wiki--all')
  t.match(app?.get('traefik.http.middlewares.wiki--all.forwardauth.address'), /\/verify\?verified=true$/)
})

const STACK = ['--forward-auth', 'https://forward-auth:4180']

t.test('with https:// it is an app beside the stack, which has everything else', async (t) => {
  const all = labelsOf('wiki', ...STACK, ...POLICIES)
  t.strictSame(Object.keys(all), ['wiki'])
  const { wiki } = all
  t.equal(wiki?.get('traefik.http.routers.wiki.middlewares'), 'authgear@file')
  t.equal(wiki?.get('traefik.http.routers.wiki--admin.middlewares'), 'wiki--admin')
  const policy = 'traefik.http.middlewares.wiki--admin.forwardauth'
  t.equal(wiki?.get(`${policy}.address`), 'https://forward-auth:4180/verify?role=admin')
  t.equal(wiki?.get(`${policy}.tls.ca`), '/proxy-tls/ca.crt')
  t.notOk(wiki?.has('traefik.http.routers.wiki--refuse.rule'), 'the file refuses on every host')
})

t.test('a public route there strips every identity name by the stack’s middleware', async (t) => {
  const { wiki } = labelsOf('wiki', ...STACK, '--login', '--public', ...POLICIES)
  for (const router of ['wiki', 'wiki--own']) {
    t.equal(wiki?.get(`traefik.http.routers.${router}.middlewares`), 'authgear-clean@file', router)
  }
})

t.test('there, names in use are the app’s own middleware, and our paths the stack’s', async (t) => {
  const resource = ['--resource', 'https://wiki.example.com/mcp=/mcp', '--scope', 'a']
  const { wiki } = labelsOf('wiki', ...STACK, '--identity', 'webauth', ...resource)
  t.equal(wiki?.get('traefik.http.routers.wiki.middlewares'), 'wiki--all')
  t.equal(wiki?.get('traefik.http.routers.wiki--own.service'), 'authgear-login@docker')
  t.equal(wiki?.get('traefik.http.routers.wiki--own.middlewares'), 'wiki--clean')
  t.match(wiki?.get('traefik.http.routers.wiki--own.rule'), 'well-known/oauth-protected-resource')
})

t.test('a name that could meet another is refused', async (t) => {
  for (const app of ['a--b', 'authgear', 'authgear-refuse']) {
    t.match(limitsOf('traefik-labels', settingsFor('traefik-labels', '--app', app)), [/^--app must be a name without/], app)
  }
})
