// The services of the bench: how each is started on the configuration beside this file, and which request it allows.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answers, BIN, SESSION, start, startServer, startService, TOKEN } from '../lib.mjs'
import { versionsOf } from '../proxy.mjs'
import { sessionOf } from './sign-in.mjs'
import { WEBHOOK_SECRET } from './disable.mjs'

const HERE = new URL('.', import.meta.url).pathname
const BUILT = new URL('../../../.servers/peers', import.meta.url).pathname
export const UPSTREAM = 23400
export const REDIS = 23401
const BARE = 23402
/** Each is followed by what else the service listens on: MANAGEMENT and PROXY in its configuration. */
const [OURS, NGINX, MEMORY, SHARED, OAUTH2_PROXY] = [23410, 23420, 23430, 23440, 23450]
const [INTROSPECTION, COOKIE] = [23460, 23470]

const bearer = `Authorization: Bearer ${TOKEN}`
const session = `Cookie: session=${SESSION}`
/** How every user's id begins that upstream gives out. */
const USER = 'a11ce000-'
const NOBODY = 'Authorization: Bearer refusedTokenOfTheBench0000000000'

/** `stranger`: its answer to a request without a credential; `refused`: to one with a credential that is nobody's. */
const REFUSING = { allowed: 200, stranger: 401, refused: 401 }
const NEVER_REFUSING = { stranger: 200, refused: 200 }
const SERVICES = [
  {
    program: 'node',
    start: () => startServer('bare', BARE),
    rows: [{ name: 'bare `node:http`', url: at(BARE, '/verify'), header: () => bearer, ...NEVER_REFUSING }]
  },
  {
    program: 'node',
    start: () => startService(OURS, { AUTHGEAR_ENDPOINT: at(UPSTREAM, ''), AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }),
    rows: [
      { name: '**this service**, bearer token', header: () => bearer },
      { name: '**this service**, session cookie', header: () => session }
    ].map((row) => ({ ...row, url: at(OURS, '/verify'), webhook: at(OURS, '/webhook') }))
  },
  {
    program: join(BIN, 'nginx'),
    start: (home) => run(home, 'nginx', NGINX, ['nginx.conf'], [
      '-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;'
    ]),
    rows: [{
      name: "nginx `proxy_cache`, Authgear's recipe",
      url: at(NGINX, '/verify'),
      header: () => bearer,
      ...NEVER_REFUSING // that is left to the app
    }]
  },
  heimdall('memory', 'memory', MEMORY),
  heimdall('Redis with its client cache', 'redis', SHARED),
  {
    program: join(BIN, 'oauth2-proxy'),
    start: (home) => run(home, 'oauth2-proxy', OAUTH2_PROXY, ['oauth2-proxy.cfg'], [
      '--config', 'oauth2-proxy.cfg'
    ], '/ping'),
    rows: [
      { name: 'oauth2-proxy, cookie', header: () => sessionOf(at(OAUTH2_PROXY, '')) },
      { name: 'oauth2-proxy, JWT', header: jwt }
    ].map((row) => ({ ...row, url: at(OAUTH2_PROXY, '/oauth2/auth'), allowed: 202 }))
  },
  oathkeeper('cached introspection', bearer, INTROSPECTION, ['introspection', 'oauth2_introspection']),
  oathkeeper('session cookie', session, COOKIE, ['cookie', 'cookie_session'])
]

function heimdall (name, cache, port) {
  const files = ['heimdall.yaml', `heimdall-${cache}.yaml`]
  return {
    program: built('heimdall'),
    start: (home) => run(home, built('heimdall'), port, files, [
      'serve', 'decision', '--config', 'heimdall.yaml', '--insecure' // no TLS, as everything here
    ]),
    rows: [{ name: `heimdall, ${name}`, url: at(port, '/verify'), header: () => bearer }]
  }
}

function oathkeeper (name, line, port, [file, authenticator]) {
  const files = ['oathkeeper.yaml', `oathkeeper-${file}.yaml`]
  return {
    program: built('oathkeeper'),
    start: (home) => run(home, built('oathkeeper'), port, files, [
      'serve', '--config', 'oathkeeper.yaml'
    ], '/health/ready', authenticator),
    rows: [{ name: `Oathkeeper, ${name}`, url: at(port, '/decisions/verify'), header: () => line }]
  }
}

function at (port, path) { return `http://127.0.0.1:${port}${path}` }

/** Of modules.txt: what `fetch.sh` built. */
function modules () {
  const lines = readFileSync(join(HERE, 'modules.txt'), 'utf8').split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(lines.map((line) => { const [name, , version] = line.split(' '); return [name, version] }))
}

function built (name) { return join(BUILT, `${name}-${modules().get(name)}`) }

async function jwt () {
  return `Authorization: Bearer ${await fetch(at(UPSTREAM, '/id-token')).then((answer) => answer.text())}`
}

/** Its files in a folder of its own, the first one with the others behind it. @returns the process, once it answers */
async function run (home, program, port, files, args, ready = '/verify', authenticator = '') {
  const folder = join(home, String(port))
  mkdirSync(join(folder, 'cache'), { recursive: true })
  const fill = (name) => readFileSync(join(HERE, name), 'utf8').replaceAll('LISTEN', port).replaceAll('FOLDER', folder)
    .replaceAll('UPSTREAM', UPSTREAM).replaceAll('REDIS', REDIS).replaceAll('MANAGEMENT', port + 1)
    .replaceAll('PROXY', port + 2).replaceAll('AUTHENTICATOR', authenticator)
  writeFileSync(join(folder, files[0]), files.map(fill).join('\n'))
  for (const rules of ['heimdall-rules.yaml', 'oathkeeper-rules.json']) writeFileSync(join(folder, rules), fill(rules))
  const child = start(program, args, { cwd: folder })
  await answers(at(port, ready))
  return child
}

/** Builds what is missing. @returns the rows, each with its process and its header, and names of what cannot be had */
export async function startServices (home, children) {
  execFileSync('bash', [join(HERE, 'fetch.sh')], { stdio: 'inherit' })
  const rows = []
  const missing = []
  for (const service of SERVICES) {
    if (service.program !== 'node' && !existsSync(service.program)) {
      missing.push(...service.rows.map(({ name }) => name))
      continue
    }
    const child = await service.start(home)
    children.push(child)
    for (const row of service.rows) rows.push({ ...REFUSING, ...row, child, line: await row.header() })
  }
  return { rows, missing }
}

/** @param lines `Name: value`, as wrk takes them */
export function ask (url, lines) {
  return fetch(url, { headers: lines.map((line) => line.split(/: (.*)/, 2)), redirect: 'manual' })
}

/**
 * Throws unless it allows the row's credential and says whose it is, and answers strangers and a credential of nobody's
 * as the row says.
 */
export async function examine ({ name, url, line, allowed, stranger, refused }) {
  const { headers } = await ask(url, [line])
  if (![...headers.values()].some((value) => value.startsWith(USER))) throw new Error(`${name} does not say who it is`)
  for (const [what, lines, expected] of [
    ['its credential', [line], allowed], ['none', [], stranger], ["nobody's", [NOBODY], refused]
  ]) {
    const { status } = await ask(url, lines)
    if (status !== expected) throw new Error(`${name}: ${status} for ${what}, ${expected} expected`)
  }
}

/** Of what is there. oauth2-proxy does not know its own version, but who built it. */
export function versions () {
  const listed = [...modules()].filter(([name]) => existsSync(built(name)))
    .map(([name, version]) => `${name} ${version.slice(1)}`)
  const program = join(BIN, 'oauth2-proxy')
  if (existsSync(program)) {
    const pins = readFileSync(join(HERE, '../../servers/sources.sh'), 'utf8')
    const [go] = /go[\d.]+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))
    listed.push(`oauth2-proxy ${/oauth2-proxy\/v7@v(\S+)/.exec(pins)[1]} (built by ${go})`)
  }
  return [...listed, versionsOf(['nginx'])].join(', ')
}
