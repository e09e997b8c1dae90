import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { type Answer, ask, type HeaderLine } from '../helpers/request.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { answers, until } from '../helpers/until.ts'
import { snippet } from '../../src/commands/snippet.ts'
import { startGitServer } from './basic/git-server.ts'
import { startRadicale } from './apps/start-app.ts'
import { startOneReplica } from './one-replica.ts'

/** The programs know this name without a name server. */
const HOST = 'localhost'
const URI = `https://${HOST}`
/** As Authgear makes them. */
const SECRET = 'NiUvFr_n4Est8tvqfxZi9sUcgmoGcZXE9wMg6my9-ik'
/** Newer than the replica, whatever the machine's speed. */
const AHEAD_MS = 4000
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/basic.md'), 'utf8')

/** A block of the page, for this machine. */
function block (title: string, port: number): string {
  const found = new RegExp(`^\`\`\`\\w+ title="${title}"\\n(.*?)^\`\`\``, 'ms').exec(PAGE)?.[1]
  if (found === undefined) throw new Error(`docs/basic.md has no block ${title}`)
  return found.replaceAll(/(?:metrics|git)\.example\.com(?=[\]/])/g, `${HOST}:${port}`)
    .replaceAll('git.example.com', HOST).replaceAll('https', 'http')
}

/** The policy that the page gives for a client. */
function policyFor (client: string): string {
  const found = [...PAGE.matchAll(/--policy '\/=([^']*)'/g)].map(([, policy = '']) => policy)
    .find((policy) => policy.includes(`client=${client}`))
  if (found === undefined) throw new Error(`docs/basic.md has no policy for ${client}`)
  return found.replace('USER_ID', USER_ID)
}

const USER_ID = 'a11ce000-0000-4000-8000-000000000001'

/** Authgear ← a replica ← Caddy on what `snippet` writes → the app. */
async function startBehindCaddy (t: Test, client: string, app: number, policy: string) {
  const authgear = await startSimulator(t, {
    now: () => Date.now() + AHEAD_MS,
    resources: [{ uri: URI, scopes: ['read'] }],
    machines: [{ id: client, secret: SECRET, scopes: ['read'] }],
    clients: []
  })
  authgear.controls.tokens.limit()
  const env = { AUTHGEAR_ENDPOINT: authgear.url, RESOURCES: `${URI}#read` }
  const { service } = await startOneReplica(t, env, { authgear })
  const [folder, port] = [tempDir(t, 'caddy'), await freePort()]
  const errors: string[] = []
  const code = snippet([
    'caddy', '--out', folder, '--listen', `127.0.0.1:${port}`, '--forward-auth', `http://127.0.0.1:${service.port}`,
    '--app', `http://127.0.0.1:${app}`, '--host', HOST, '--resource', URI, '--scope', 'read', '--policy', `/=${policy}`
  ], { write: () => {} }, { write: (text: string) => errors.push(text) })
  if (code !== 0) throw new Error(errors.join(''))
  await startChild(t, {
    name: 'caddy',
    command: mustFind('caddy'),
    args: ['run', '--config', 'Caddyfile'],
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => ask(port, { host: HOST }).then(({ status }) => status === 401, () => false)
  })
  return { port, calls: () => authgear.controls.tokens.calls }
}

t.test('Prometheus scrapes', { skip: skipOrFail('caddy', 'prometheus') }, async (t) => {
  const seen: Array<string | undefined> = []
  const app = await listenFree(t, createServer(({ headers }, response) => {
    seen.push(headers.authorization)
    response.setHeader('content-type', 'text/plain').end('orders_total 42\n')
  }))
  const { port, calls } = await startBehindCaddy(t, 'prometheus', app, policyFor('prometheus'))
  const [folder, own] = [tempDir(t, 'prometheus'), await freePort()]
  writeFileSync(join(folder, 'client_secret'), SECRET)
  writeFileSync(join(folder, 'prometheus.yml'), `global: { scrape_interval: 1s }\n${
    block('prometheus.yml', port).replace('/etc/prometheus', folder)}`)
  await startChild(t, {
    name: 'prometheus',
    command: mustFind('prometheus'),
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${own}`
    ],
    ready: async () => (await answers(own)) && (await ask(own, { path: '/-/ready' })).status === 200
  })
  await until('it has a sample', async () =>
    (await ask(own, { path: '/api/v1/query?query=orders_total' })).body.includes('"42"'))
  t.ok(seen.every((line) => line === undefined), 'the app saw no secret')
  t.equal(calls(), 1)
})

t.test('git clones and pushes', { skip: skipOrFail('caddy') }, async (t) => {
  const folder = tempDir(t, 'git')
  const server = await startGitServer(t, join(folder, 'server'), 'repo.git')
  const { port, calls } = await startBehindCaddy(t, 'ci', server.port, 'basic=on&client=ci')
  const home = join(folder, 'home')
  mkdirSync(home)
  const env = {
    PATH: process.env['PATH'] ?? '', HOME: home, CLIENT_ID: 'ci', CLIENT_SECRET: SECRET, GIT_TERMINAL_PROMPT: '0'
  }
  const run = async (script: string): Promise<string> =>
    (await promisify(execFile)('sh', ['-c', script], { env, cwd: home })).stdout
  await t.rejects(run(`git clone http://${HOST}:${port}/repo.git`), /could not read Username/, 'without a password')
  await run(block('git', port))
  const commit = 'git -c user.name=ci -c user.email=ci@example.com commit -q --allow-empty -m second'
  await run(`cd repo && ${commit} && git push -q origin HEAD:main`)
  t.equal((await run('git -C repo log --format=%s origin/main')).trim().split('\n').length, 2)
  t.ok(server.seen.length > 3)
  t.ok(server.seen.every((line) => line === undefined), 'the server saw no secret')
  t.equal(calls(), 1)
})

t.test('a calendar program keeps a user’s calendars', { skip: skipOrFail('caddy', 'python-apps') }, async (t) => {
  const { port, calls } = await startBehindCaddy(t, 'phone', await startRadicale(t), policyFor('phone'))
  const login: HeaderLine = ['Authorization', `Basic ${Buffer.from(`phone:${SECRET}`).toString('base64')}`]
  const dav = (method: string, path: string, body = '', more: readonly HeaderLine[] = []): Promise<Answer> =>
    ask(port, { host: HOST, method, path, body, headers: [login, ...more] })
  t.equal((await dav('MKCALENDAR', `/${USER_ID}/work/`)).status, 201)
  const event = [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:test', 'BEGIN:VEVENT', 'UID:one', 'DTSTAMP:20261201T000000Z',
    'DTSTART:20261201T100000Z', 'SUMMARY:standup', 'END:VEVENT', 'END:VCALENDAR', ''
  ].join('\r\n')
  t.equal((await dav('PUT', `/${USER_ID}/work/one.ics`, event, [['Content-Type', 'text/calendar']])).status, 201)
  t.match((await dav('GET', `/${USER_ID}/work/one.ics`)).body, 'SUMMARY:standup')
  t.match(await dav('PROPFIND', '/', '', [['Depth', '0']]), { status: 207, body: new RegExp(USER_ID) })
  t.ok((await dav('GET', '/someone-else/work/')).status >= 400, 'and nobody else’s')
  t.equal((await ask(port, { host: HOST, path: `/${USER_ID}/work/one.ics` })).status, 401)
  t.equal(calls(), 1)
})
