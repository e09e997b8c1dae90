import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { SETS } from '../../src/base/identity/sets.ts'
import type { Container } from '../helpers/docker-api.ts'
import { type EchoApp, startEchoApp } from '../helpers/echo-app.ts'
import { TRUSTED_HEADERS } from '../helpers/identity.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { until } from '../helpers/until.ts'
import { API, OWN_CADDY, type RunningStack, STACKS, type Stack, startStack, tokenFrom } from './compose-proxies.ts'
import { ALICE, BOB, cookieOf } from './people.ts'
import { readSnippet } from './snippets.ts'

const ROOT = join(import.meta.dirname, '../..')
const SPOOFED = 'spoofed'
/** As many apps read one name. */
const FORGED: readonly HeaderLine[] = TRUSTED_HEADERS
  .flatMap((name) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')].map((one) => [one, SPOOFED] as const))

type Asked = Readonly<{ host?: string, path?: string, headers?: readonly HeaderLine[] }>

/** With every name forged. @returns the status, and what of it the app got */
async function forge (entry: number, app: EchoApp, { host = 'localhost', path = '/', headers = [] }: Asked) {
  app.received.length = 0
  const { status } = await ask(entry, { host, path, headers: [...headers, ...FORGED] })
  const lines = app.received.flatMap(({ rawHeaders }) => rawHeaders)
  return { status, reached: app.received.length, forged: lines.filter((_, i) => lines[i + 1] === SPOOFED) }
}

for (const stack of STACKS) {
  t.test(`${stack.file}: no identity of a client's own reaches an app`, {
    skip: skipOrFail('docker-compose', stack.needs)
  }, async (t) => {
    const app = await startEchoApp(t)
    const { entry } = await startStack(t, stack, { app: app.port, env: {} })
    for (const path of ['/', '/admin', '/demo-login']) {
      const seen = await forge(entry, app, { path, headers: [cookieOf(ALICE)] })
      t.strictSame(seen, { status: 200, reached: 1, forged: [] }, path)
    }
    t.match(await forge(entry, app, { path: '/demo-login' }), { status: 200, forged: [] }, 'a public route')
    // nginx throws the body of a refusal away
    if (stack.needs !== 'nginx') await leadsToLogin(t, entry)
    for (const path of ['/', '/_auth/login', '/.well-known/forward-auth/jwks.json']) {
      t.match(await forge(entry, app, { path }), { reached: 0 }, path)
    }
  })
}

/** The demo's pages have a way in: as anybody, and as somebody else. */
async function leadsToLogin (t: Test, entry: number): Promise<void> {
  for (const [path, headers] of [['/', []], ['/admin', [cookieOf(BOB)]]] as const) {
    const { body } = await ask(entry, { host: 'localhost', path, headers: [...headers, ['Accept', 'text/html']] })
    t.match(body, /<a href="\/demo-login\?rd=\/">(?:Sign in|Use another account)</, path)
  }
}

/** What a page of docs/apps says of the Compose stacks. */
type Row = Readonly<{ page: string, host: string, middleware: string, policy: string }>
const ROWS: readonly Row[] = readdirSync(join(ROOT, 'docs/apps')).flatMap((file) => {
  const text = readFileSync(join(ROOT, 'docs/apps', file), 'utf8')
  const row = /^\| on the Compose stacks \| .*$/m.exec(text)?.[0]
  const page = file.replace('.md', '')
  // an app with its own login has all in its file: compose-apps.all.test.ts
  if (page === 'README' || (row === undefined && text.includes(`deploy/apps/${page}.yml`))) return []
  const [, middleware = ''] = /label `([\w-]+)@file`/.exec(row ?? '') ?? []
  const [, policy = SPOOFED] = /import authgear_policy "([^"]*)"/.exec(row ?? '') ?? []
  return [{ page, host: `${page}.localhost`, middleware, policy }]
})

/** Lines for own/authgear.yml, as it says that one's own are made. */
const madeOf = (middleware: string, policy: string): string =>
  `    ${middleware}: { forwardAuth: { <<: *forwardAuth, address: "https://forward-auth:4180/verify?${policy}" } }\n`

const SHIPPED = readFileSync(join(ROOT, 'deploy/compose/own/authgear.yml'), 'utf8')
const OWN = [...new Map(ROWS.map(({ middleware, policy }) => [middleware, policy]))]
  .filter(([middleware]) => !SHIPPED.includes(`    ${middleware}:`))
const labelsOf = (text: string): Readonly<Record<string, string>> => Object.fromEntries(
  [...text.matchAll(/^ +- (traefik\.[^=\n]+)=(.*)$/gm)].map(([, key = '', value = '']) =>
    [key, value.replaceAll('$$', () => '$')])
)

/** The labels of docs/second-app.md, for another app and port. */
function containerOf ({ page, host, middleware }: Row, port: number): Container {
  const text = readSnippet('second-app.md', 'a second app')
    .replaceAll('wiki.example.com', host)
    .replaceAll('wiki', page)
    .replace('authgear@file', `${middleware}@file`).replace('=8080', `=${port}`)
  return { name: page, labels: labelsOf(text) }
}

const siteOf = ({ host, policy }: Row): string =>
  readFileSync(join(ROOT, 'deploy/compose/own/app.caddy.example'), 'utf8')
    .replace('nas.example.com', host).replace('authgear_policy ""', `authgear_policy "${policy}"`)

/** The user as the app reads it under the name that the page's app trusts. */
function namesOf (policy: string): readonly string[] {
  if (policy.startsWith('audience=')) return ['X-Forward-Auth-Assertion']
  const [, set] = /^identity=(\w+)$/.exec(policy) ?? []
  const user = Object.entries(SETS).find(([name]) => name === set)?.[1][0]?.name
  return user === undefined ? ['X-Authgear-User-Id'] : [user, 'X-Authgear-User-Id']
}

async function testPages (t: Test, app: EchoApp, { entry, authgear }: RunningStack): Promise<void> {
  const roles = ROWS.flatMap(({ policy }) => /^role=(.*)$/.exec(policy)?.[1] ?? [])
  authgear.controls.setRoles('alice', ['admin', ...roles])
  for (const { page, host, policy } of ROWS) {
    const seen = await forge(entry, app, { host, headers: [['Authorization', `Bearer ${ALICE.bearer}`]] })
    t.strictSame(seen, { status: 200, reached: 1, forged: [] }, page)
    for (const name of namesOf(policy)) {
      t.match(app.lastHeader(name), [name.endsWith('Assertion') ? /^ey/ : ALICE.id], `${page}: ${name}`)
    }
    t.match(await forge(entry, app, { host }), { status: 401, reached: 0 }, `${page}: nobody`)
  }
}

/** docs/second-app.md, "A public path" */
async function testPublic (t: Test, app: EchoApp, { entry }: RunningStack): Promise<void> {
  const host = 'www.example.com'
  const headers = [cookieOf(ALICE)]
  t.match(await forge(entry, app, { host }), { status: 200, reached: 1, forged: [] }, 'everybody')
  for (const path of ['/admin', '/Admin/x', '/%61dmin', '/admin;x']) {
    t.match(await forge(entry, app, { host, path }), { status: 401, reached: 0 }, `${path}: nobody`)
  }
  t.match(await forge(entry, app, { host, path: '/admin', headers }), { status: 200, forged: [] }, 'an admin')
}

/** docs/second-app.md, "An API for machines" */
async function testMachines (t: Test, app: EchoApp, { entry, authgear }: RunningStack, host: string): Promise<void> {
  const headers: readonly HeaderLine[] = [['Authorization', `Bearer ${await tokenFrom(authgear)}`]]
  const asMachine = { host, path: '/api/orders', headers }
  await until('the keys are there', async () => (await forge(entry, app, asMachine)).status !== 503)
  t.match(await forge(entry, app, asMachine), { status: 200, reached: 1, forged: [] }, 'a machine')
  for (const path of ['/', '/apis', '/api.html', '/admin']) {
    t.match(await forge(entry, app, { host, path, headers }), { reached: 0 }, path)
  }
  const asPerson = { host, path: '/api', headers: [cookieOf(ALICE)] }
  t.match(await forge(entry, app, asPerson), { status: 401, reached: 0 }, 'a person')
}

/** What `.env` has. */
const SETTINGS = {
  ASSERTION: 'on', ASSERTION_ISSUER: 'https://auth.example.com', RESOURCES: `${API.uri}#${API.scopes.join()}`
}

t.test('Traefik: what docs/apps and second-app.md say of the Compose stacks', {
  skip: skipOrFail('docker-compose', 'traefik')
}, async (t) => {
  const app = await startEchoApp(t)
  const [site, api] = ['a public site', 'an API for machines'].map((title) => readSnippet('second-app.md', title))
  const port = { 'traefik.enable': 'true', 'traefik.http.services.unused.loadbalancer.server.port': String(app.port) }
  const containers = [
    ...ROWS.map((row) => containerOf(row, app.port)),
    { name: 'site', labels: labelsOf((site ?? '').replace('=8080', `=${app.port}`)) },
    { name: 'api', labels: { ...port, ...labelsOf((api ?? '').replace('app.example.com', 'localhost')) } }
  ]
  const middlewares = OWN.map(([middleware, policy]) => madeOf(middleware, policy)).join('')
  const [stack] = STACKS as readonly [Stack]
  const running = await startStack(t, stack, { app: app.port, env: {}, containers, middlewares }, SETTINGS)
  await testPages(t, app, running)
  await testPublic(t, app, running)
  await testMachines(t, app, running, 'localhost')
})

t.test('Caddy: the same', { skip: skipOrFail('docker-compose', 'caddy') }, async (t) => {
  const app = await startEchoApp(t)
  const route = readSnippet('second-app.md', 'an API for machines with Caddy')
    .replace('https://app.example.com/api', API.uri)
  const sites = {
    ...Object.fromEntries(ROWS.map((row) => [row.page, siteOf(row)])),
    site: readSnippet('second-app.md', 'a public site with Caddy'),
    api: `api.localhost {\n\troute {\n\t\timport authgear_clean\n${route}\t\trespond 404\n\t}\n}\n`
  }
  const running = await startStack(t, OWN_CADDY, { app: app.port, env: {}, sites }, SETTINGS)
  await testPages(t, app, running)
  await testPublic(t, app, running)
  await testMachines(t, app, running, 'api.localhost')
})
