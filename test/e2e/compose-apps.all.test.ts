import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Project, readProject } from '../helpers/compose.ts'
import type { Container } from '../helpers/docker-api.ts'
import { type EchoApp, startEchoApp } from '../helpers/echo-app.ts'
import { TRUSTED_HEADERS } from '../helpers/identity.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { BASIC, HOME_APPS, type HomeApp, waysRound } from './apps/home-apps.ts'
import { containerOf, fileOf, hostOf, nameIn } from './apps/home-containers.ts'
import { upgrades } from './apps/upgrades.ts'
import { STACKS, type Stack, startStack } from './compose-proxies.ts'
import { ALICE, BOB, cookieOf } from './people.ts'

const ROOT = join(import.meta.dirname, '../..')
const [TRAEFIK] = STACKS as readonly [Stack]
const FORGED: readonly HeaderLine[] = TRUSTED_HEADERS.map((name) => [name, 'spoofed'])
const STACK = ['cert', 'check', 'forward-auth', 'redis', 'secrets', 'traefik']
const skip = skipOrFail('docker-compose', 'traefik')

const projectOf = (files: readonly string[]): Project =>
  readProject(['deploy/compose/https.yml', ...files], { APP_HOST: 'app.example.com' })

t.test('deploy/apps: one file an app', async (t) => {
  const files = readdirSync(join(ROOT, 'deploy/apps')).filter((file) => file !== 'base.yml')
  t.strictSame(files, HOME_APPS.map(({ name }) => `${name}.yml`))
})

for (const { name } of HOME_APPS) {
  t.test(`${name}.yml is a whole stack with one way in`, { skip: skipOrFail('docker-compose') }, async (t) => {
    const { services, networks } = projectOf([fileOf(name)])
    const own = Object.entries(services).filter(([service]) => !STACK.includes(service))
    t.strictSame(STACK.filter((service) => services[service] === undefined), [], 'proxy, forward-auth and Redis')
    t.notOk(services['app'], "the demo's app is gone")
    for (const [service, { ports = [], networks: joined = {}, environment = {} }] of own) {
      t.ok(service === name || service.startsWith(`${name}-`), `${service}: its name is the app's`)
      t.strictSame(ports, [], `${service} publishes no port`)
      t.notOk(Object.keys(joined).find((network) => STACK_NETWORKS.includes(network)), `${service}: networks of its own`)
      for (const [variable, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|TOKEN|KEY/.test(variable)) t.match(value, /^(\/secrets\/.*|false|)$/, `${service}: ${variable}`)
      }
    }
    t.ok(name in (services['traefik']?.networks ?? {}), 'Traefik reaches it')
    const labels = services[name]?.labels ?? {}
    t.equal(labels['traefik.docker.network'], networks[name]?.name, 'by this network')
    for (const router of nameIn(labels, 'routers')) {
      t.match(labels[`traefik.http.routers.${router}.middlewares`], /^authgear(-(admins|webauth|remote))?@file$/, router)
    }
    const page = readFileSync(join(ROOT, `docs/apps/${name}.md`), 'utf8')
    t.match(page, `(../../deploy/apps/${name}.yml)`, 'its page leads to it')
  })
}

const STACK_NETWORKS = ['apps', 'auth', 'cache']

t.test('all files make one stack, and no app shares a network with another', {
  skip: skipOrFail('docker-compose')
}, async (t) => {
  const { services } = projectOf(HOME_APPS.map(({ name }) => fileOf(name)))
  for (const { name } of HOME_APPS) {
    const members = Object.entries(services).filter(([, { networks = {} }]) => name in networks).map(([one]) => one)
    t.strictSame(members.filter((one) => one !== name && !one.startsWith(`${name}-`)), ['traefik'], name)
  }
})

type Running = Readonly<{ entry: number, app: EchoApp }>

/** Behind a real Traefik, all ten, each on its host. */
async function startAll (t: Test, env: Readonly<Record<string, string>>): Promise<Running> {
  const app = await startEchoApp(t)
  const containers: readonly Container[] = HOME_APPS.map(({ name }) => containerOf(name, app.port, env))
  const { entry } = await startStack(t, TRAEFIK, { app: app.port, env: {}, containers })
  return { entry, app }
}

type Call = Readonly<{ method?: string, path?: string, headers?: readonly HeaderLine[] }>

/** With every name of an identity forged. @returns the status, and what reached the app */
async function call ({ entry, app }: Running, { name }: HomeApp, { method = 'GET', path = '/', headers = [] }: Call) {
  app.received.length = 0
  const { status } = await ask(entry, { host: hostOf(name), method, path, headers: [...headers, ...FORGED] })
  const lines = app.received.flatMap(({ rawHeaders }) => rawHeaders)
  return { status, reached: app.received.length, forged: lines.filter((_, i) => lines[i + 1] === 'spoofed') }
}

t.test('as shipped, ten apps are closed but for people', { skip }, async (t) => {
  const running = await startAll(t, {})
  for (const one of HOME_APPS) {
    for (const [method, path] of [['GET', '/'], ...one.open ?? []] as const) {
      const seen = await call(running, one, { method, path, headers: [BASIC] })
      t.match(seen, { status: 401, reached: 0 }, `${one.name}: ${method} ${path}`)
    }
    const hers = await call(running, one, { headers: [cookieOf(ALICE)] })
    t.strictSame(hers, { status: 200, reached: 1, forged: [] }, one.name)
    t.strictSame(running.app.lastHeader(one.user ?? 'X-Authgear-User-Id'), [ALICE.id], `${one.name}: its user`)
    const his = await call(running, one, { headers: [cookieOf(BOB)] })
    t.equal(his.status, one.admins ? 403 : 200, `${one.name}: no admin`)
    const socket = { host: hostOf(one.name), path: one.socket }
    t.ok(await upgrades(running.entry, { ...socket, headers: [cookieOf(ALICE)] }), one.socket)
    t.notOk(await upgrades(running.entry, { ...socket, headers: [] }), `nobody: ${one.socket}`)
  }
})

const opened = HOME_APPS.filter(({ open }) => open !== undefined)

t.test('with _OPEN, programs reach their paths without an identity, and nothing else', { skip }, async (t) => {
  const variables = opened.map(({ name }) => [`${name.replaceAll('-', '_').toUpperCase()}_OPEN`, 'authgear-clean'])
  const running = await startAll(t, Object.fromEntries(variables))
  for (const one of HOME_APPS) {
    for (const [method, path] of one.open ?? []) {
      const seen = await call(running, one, { method, path, headers: [BASIC] })
      t.strictSame(seen, { status: 200, reached: 1, forged: [] }, `${one.name}: ${method} ${path}`)
      t.strictSame(running.app.lastHeader('Authorization'), [BASIC[1]], 'with the password that the app checks')
      t.equal(running.app.received[0]?.url, path)
    }
    for (const path of ['/', ...one.closed ?? [], ...(one.open ?? []).flatMap(([, path]) => waysRound(path))]) {
      const seen = await call(running, one, { path, headers: [BASIC] })
      t.match(seen, { reached: 0 }, `${one.name}: ${path}`)
      t.ok([400, 401, 404].includes(seen.status), `${path}: ${seen.status}`)
    }
  }
})

t.test('a middleware that does not exist opens nothing', { skip }, async (t) => {
  const running = await startAll(t, { NEXTCLOUD_OPEN: 'open', IMMICH_OPEN: 'yes' })
  for (const one of HOME_APPS.filter(({ name }) => ['nextcloud', 'immich'].includes(name))) {
    for (const [method, path] of one.open ?? []) {
      t.match(await call(running, one, { method, path }), { reached: 0 }, `${one.name}: ${path}`)
    }
  }
})

const rootOnly = process.getuid?.() === 0 ? false : 'it gives the file to another user'
t.test('the password of a database is made once, and both sides read it', { skip: rootOnly }, async (t) => {
  const folder = tempDir(t, 'secrets')
  const script = join(folder, 'secrets.mjs')
  const written = readFileSync(join(ROOT, 'deploy/compose/secrets.mjs'), 'utf8')
  writeFileSync(script, written.replaceAll('/secrets/', `${folder}/`))
  const make = (): string => {
    execFileSync(process.execPath, [script, 'password'], { env: {} })
    return readFileSync(join(folder, 'password'), 'utf8')
  }
  const password = make()
  t.match(password, /^[\w-]{43}$/)
  t.equal(make(), password)
  t.equal(statSync(join(folder, 'password')).mode & 0o777, 0o444)
  t.strictSame(readdirSync(folder).sort(), ['password', 'secrets.mjs'], 'and nothing else')
})

t.test('docs/apps/README.md says of each app whether its own program runs in the tests', async (t) => {
  const table = readFileSync(join(ROOT, 'docs/apps/README.md'), 'utf8')
  const runs = readFileSync(join(import.meta.dirname, 'home-apps.all.test.ts'), 'utf8')
  for (const { name } of HOME_APPS) {
    const row = table.split('\n').find((line) => line.startsWith('|') && line.includes(`(${name}.md)`)) ?? ''
    t.ok(existsSync(join(ROOT, `docs/apps/${name}.md`)), name)
    t.equal(row.trim().endsWith('| run |'), runs.includes(`'${name}'`), `${name}: ${row}`)
  }
})
