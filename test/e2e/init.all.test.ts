import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { profileSettings } from '../parts/profile/profile-settings.ts'
import { adminApi } from '../helpers/audit.ts'
import { startChild } from '../helpers/child.ts'
import { startDockerApi } from '../helpers/docker-api.ts'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import { freePort } from '../helpers/free-port.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { mustFind, type ServerName, skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { filesIn, tempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const exec = promisify(execFile)
const NAVIGATION: readonly HeaderLine[] = [
  ['Accept', 'text/html'], ['Accept-Language', 'ko'], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']
]

type Place = Readonly<{ folder: string, entry: number, forwardAuth: number, app: EchoApp }>
type Row = Readonly<{ proxy: string, server: ServerName, args: (place: Place, t: Test) => Promise<readonly string[]> }>

type Compose = Readonly<{ services: Record<string, Readonly<{ command?: string[], labels?: string[] }>> }>

/** By the command and the labels of the compose file; a server stands for Docker's API. */
async function byLabels ({ folder, entry, forwardAuth, app }: Place, t: Test): Promise<readonly string[]> {
  const { services } = parse(readFileSync(join(folder, 'traefik-labels.yml'), 'utf8')) as Compose
  const here = (text: string): string =>
    text.replaceAll('$$', () => '$').replace('http://forward-auth:4180', `http://127.0.0.1:${forwardAuth}`)
  const labelsOf = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries((services[name]?.labels ?? []).map((label) => {
      const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(label) ?? []
      const port = name === 'app' ? app.port : forwardAuth
      return [key, key.endsWith('server.port') ? String(port) : here(value)]
    }))
  const api = await startDockerApi(t, ['forward-auth', 'app'].map((name) => ({ name, labels: labelsOf(name) })))
  const command = services['traefik']?.command ?? []
  return [
    ...command.map((option) => option.replace('address=:8080', `address=127.0.0.1:${entry}`)),
    `--providers.docker.endpoint=${api}`
  ]
}

/** As the third line of `init` starts it. */
const ROWS: readonly Row[] = [
  { proxy: 'caddy', server: 'caddy', args: async () => ['run', '--config', 'Caddyfile'] },
  { proxy: 'traefik', server: 'traefik', args: async () => ['--configFile=traefik.yml'] },
  { proxy: 'traefik-labels', server: 'traefik', args: byLabels },
  {
    proxy: 'nginx',
    server: 'nginx',
    args: async () => ['-p', '.', '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; master_process off;']
  }
]

/** Other ports than the usual ones, which another test may have. */
function moved ({ folder, entry, forwardAuth }: Place): void {
  for (const file of filesIn(folder)) {
    const text = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(folder, file), text
      .replaceAll(/localhost:8080\b/g, `localhost:${entry}`)
      .replaceAll(/127[.]0[.]0[.]1:8080\b/g, `127.0.0.1:${entry}`)
      .replaceAll(/127[.]0[.]0[.]1:4180\b/g, `127.0.0.1:${forwardAuth}`))
  }
}

async function start (t: Test, { proxy, server, args }: Row) {
  const [app, entry, forwardAuth] = await Promise.all([startEchoApp(t), freePort(), freePort()])
  const folder = join(tempDir(t, server), 'made')
  const origins = [8080, entry].map((port) => `http://localhost:${port}`)
  const authgear = await startSimulator(t, {
    hosts: ['127.0.0.1'],
    clients: [{
      id: 'web',
      redirectUris: origins.map((origin) => `${origin}/_auth/callback`),
      postLogoutRedirectUris: origins.map((origin) => `${origin}/_auth/logged-out`)
    }]
  })
  const at = proxy === 'traefik-labels' ? [] : ['--app', `http://127.0.0.1:${app.port}`]
  const { stdout } = await exec(process.execPath, [
    MAIN, 'init', '--yes', '--proxy', proxy, '--endpoint', authgear.url, '--client', 'web', '--allow', 'anyone',
    '--folder', folder, ...at
  ])
  t.match(stdout, /ok {7}Authgear knows the login's client[^]*wrote .*\.env to[^]*Next:\n1\. [^]*\n2\. .*\n3\. /)
  const place = { folder, entry, forwardAuth, app }
  moved(place)
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8')) as Record<string, string>
  await startProcess(t, env, { port: forwardAuth })
  const host = `localhost:${entry}`
  await startChild(t, {
    name: proxy,
    command: mustFind(server),
    args: await args(place, t),
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => ask(entry, { host }).then(({ status }) => status === 401, () => false)
  })
  const get = (path: string, headers: readonly HeaderLine[] = []) => ask(entry, { host, path, headers })
  return { app, authgear, origin: `http://${host}`, get }
}

t.test('an address in a route stands in labels of Docker as it is', { skip: skipOrFail('traefik') }, async (t) => {
  const [app, entry, forwardAuth] = await Promise.all([startEchoApp(t), freePort(), freePort()])
  const place = { folder: tempDir(t, 'labels'), entry, forwardAuth, app }
  const authgear = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })
  const { without: _, ...profile } = profileSettings(authgear.url)
  const env = { AUTHGEAR_ENDPOINT: authgear.url, ...profile as Record<string, string> }
  await startProcess(t, env, { port: forwardAuth })
  await exec(process.execPath, [MAIN, 'snippet', 'traefik-labels', '--host', 'localhost', '--out', place.folder,
    '--policy', '/plus=email=a.b%2Bc@example.com'])
  const get = (path: string) => ask(entry, {
    host: 'localhost', path, headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]]
  })
  await startChild(t, {
    name: 'traefik',
    command: mustFind('traefik'),
    args: await byLabels(place, t),
    cwd: place.folder,
    ready: () => get('/').then(({ status }) => status === 200, () => false)
  })
  t.equal((await get('/plus')).status, 403)
  authgear.controls.setAttributes('alice', { email: 'a.b+c@example.com', email_verified: true })
  await until('the refusal is asked about again', async () => (await get('/plus')).status === 200)
})

for (const row of ROWS) {
  t.test(`what init writes for ${row.proxy} starts, and protects the app`, { skip: skipOrFail(row.server) }, async (t) => {
    const { app, authgear, origin, get } = await start(t, row)
    t.equal((await get('/')).status, 401, 'a program without credentials')
    const page = await get('/x', NAVIGATION)
    t.match({ status: page.status, location: page.headers.location }, {
      status: 302, location: `${origin}/_auth/login?rd=${origin}/x`
    }, 'a person is sent to the login')
    const login = await get(new URL(page.headers.location ?? '', origin).href.slice(origin.length), NAVIGATION)
    t.equal(login.status, 302)
    t.ok(login.headers.location?.startsWith(`${authgear.url}/oauth2/authorize?`), 'and on to Authgear')
    t.match((await get('/_auth/callback?state=x', NAVIGATION)).body, '<html lang="ko">', 'in their language')
    t.equal(app.received.length, 0)
    const alice = await get('/y', [['Authorization', `Bearer ${demo.alice.accessToken}`], ['X-Authgear-User-Id', 'bob']])
    t.equal(alice.status, 200)
    t.strictSame(app.lastHeader('X-Authgear-User-Id'), [demo.alice.id])
  })
}
