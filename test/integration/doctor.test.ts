import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { doctor } from '../../src/commands/doctor.ts'
import { CATALOGUE, type FindingId } from '../../src/commands/doctor/catalogue.ts'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import {
  OF_ADDRESSES, OF_AUDIT_LOG, OF_CLIENTS, OF_MCP, OF_OWN_SESSIONS, OF_REDIS, PAST_PROXY, THROUGH_PROXY, visit
} from '../helpers/doctor.ts'
import {
  beside, certificate, checkHealthy, checkMistakes, type DoctorWorld, type Make, type Mistake, openAuthgear
} from '../helpers/doctor-world.ts'
import { EVENTS } from '../helpers/event-stream.ts'
import { freePort } from '../helpers/free-port.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { jwt } from '../helpers/jwt.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { demo, type FailureMode, type SimulatorOptions } from '../helpers/simulator.ts'
import { startUpstream } from '../helpers/upstream.ts'
import { WEBHOOK_SECRET } from '../helpers/webhook.ts'

const future = (): number => Math.floor(Date.now() / 1000) + 3600
const off = (ms: number): Clock => ({ ...systemClock, wall: () => systemClock.wall() + ms as EpochMs })
const INSIDE = 'http://auth.example.com'
const pastedCookie = (stdin: string) => ({ args: ['--cookie-stdin'], stdin })
const pastedToken = (stdin: string) => ({ args: ['--token-stdin'], stdin })

const only = (env: Readonly<Record<string, string>>): Make => async () => ({ env })
const setting = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Make =>
  beside(() => ({ env, args }))
const failing = (mode: FailureMode): Make => beside(({ simulator }) => { simulator.controls.fail(mode); return {} })
const pasted = (pasted: ReturnType<typeof pastedCookie>, options: SimulatorOptions = {}): Make =>
  beside(() => pasted, options)

/** By this endpoint, on an Authgear of these options. */
const inside = (endpoint: string, options: SimulatorOptions): Make =>
  beside(({ resolver }) => ({ env: { AUTHGEAR_ENDPOINT: endpoint, AUTHGEAR_RESOLVER_URL: resolver } }), options)

const eventsAt = (port: number): Readonly<Record<string, string>> =>
  ({ LISTEN_EVENTS: `127.0.0.1:${port}`, EVENTS_TOKENS: `wiki:${'another-token-'.repeat(3)}` })

/** What answers so to everything. */
const answering = (text: string): Make => async (t) => {
  const { port } = await startUpstream(t, (socket) => { socket.end(text) })
  return { env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}` } }
}

/** A JWT that Authgear knows. */
function known ({ simulator }: DoctorWorld, aud: string): string {
  const token = jwt({ sub: 'user', aud: [aud], exp: future() })
  simulator.controls.addUser({ id: 'user', name: 'user', sessions: [{ accessTokens: [token] }] })
  return token
}

/** A resolver with TLS by an authority of its own; where that is known, a tenth of the certificate's life is left. */
const secure = (isKnown: boolean): Make => async (t) => {
  const { tls, ca } = await certificate(t, isKnown ? -80 : 0)
  const { env } = await openAuthgear(t, { tls })
  return { env: isKnown ? { ...env, AUTHGEAR_CA_FILE: ca } : env }
}

const ownCertificate = (days: number): Make => beside(async (_, t) => ({ env: (await certificate(t, days)).listener }))

const LOGIN = {
  LOGIN_CLIENT_ID: 'web', LOGIN_PUBLIC_URL: 'http://127.0.0.1:8080', LOGIN_SECRET: 'a secret of this test, of 32 bytes'
}
const CLIENTS = {
  clients: [{ id: 'web', redirectUris: ['http://127.0.0.1:8080/_auth/callback'], postLogoutRedirectUris: [] }]
}
const signingIn = (env: Readonly<Record<string, string>>): Make =>
  beside(() => ({ env: { ...LOGIN, ...env } }), CLIENTS)

/** An authorize that sends everybody back so. */
const sentBack = (error: string): Make => beside(async ({ resolver }, t) => {
  const { port } = await startUpstream(t, (socket) => {
    socket.end(`HTTP/1.1 303 See Other\r\nLocation: http://127.0.0.1:8080/_auth/callback?error=${error}\r\n\r\n`)
  })
  return { env: { ...LOGIN, AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}`, AUTHGEAR_RESOLVER_URL: resolver } }
})

const AUTHGEAR: readonly Mistake[] = [
  ['a login by a client that Authgear does not know', ['login-client'], signingIn({ LOGIN_CLIENT_ID: 'nope' })],
  ['a project at which anyone can register', ['public-sign-up'],
    beside(() => ({}), { ...CLIENTS, publicSignUp: true })],
  ['a redirect URI that is not registered', ['login-redirect-uri'], signingIn({ LOGIN_PATH: '/other' })],
  ['a client of another type', ['login-refused'], sentBack('unauthorized_client&error_description=response+type')],
  ['a variable that is none', ['configuration'], only({ AUTHGEAR_ENDPONT: 'https://auth.example.com' })],
  ['events, and nobody there', ['events-unreachable'], beside(async () => ({ env: eventsAt(await freePort()) }))],
  ['events, and other tokens there', ['events-refused'], beside(async ({ endpoint }, t) => {
    const { eventsPort } = await startInProcess(t, { AUTHGEAR_ENDPOINT: endpoint, ...EVENTS })
    return { env: eventsAt(eventsPort) }
  })],
  ['a webhook without Redis', ['configuration-doubtful'], setting({ AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET })],
  ['a name that does not resolve', ['authgear-dns'], only({ AUTHGEAR_ENDPOINT: 'https://nowhere.invalid' })],
  ['a port where nobody listens', ['authgear-unreachable'],
    async () => ({ env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` } })],
  ['a server that cuts each connection', ['authgear-unreachable'], failing('reset')],
  ['a certificate of an authority that nobody knows', ['authgear-tls'], secure(false)],
  ['a certificate of another name', ['authgear-tls'], async (t) => {
    const { certFile, keyFile, caFile } = makeOwnCert(t, 'other.example.com')
    const tls = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
    return { env: { ...(await openAuthgear(t, { tls })).env, AUTHGEAR_CA_FILE: caFile } }
  }],
  ['https:// to a server without TLS', ['authgear-tls'],
    beside(({ endpoint }) => ({ env: { AUTHGEAR_ENDPOINT: endpoint.replace('http:', 'https:') } }))],
  ['an Authgear that does not answer', ['authgear-timeout'], beside(({ simulator }) => {
    simulator.controls.fail('hang')
    return { env: { AUTHGEAR_TIMEOUT: '200ms' } }
  })],
  ['a host that Authgear does not know', ['authgear-unknown-host', 'configuration-doubtful'],
    inside('http://app.example.com', { hosts: ['auth.example.com'] })],
  ['a host in upper case that Authgear has in upper case', ['authgear-endpoint-spelling', 'configuration-doubtful'],
    inside('http://Auth.example.com', { hosts: ['Auth.example.com'] })],
  ['a port that Authgear does not have', ['authgear-endpoint-spelling', 'configuration-doubtful'],
    inside('http://auth.example.com:3000', { hosts: ['accounts.example.com'] })],
  ["a path that is not the resolver's", ['authgear-wrong-path'],
    beside(({ resolver }) => ({ env: { AUTHGEAR_RESOLVER_URL: `${resolver}r` } }))],
  ['a method that does not get through', ['authgear-wrong-path'], failing('method-not-allowed')],
  ['an address that redirects', ['authgear-redirect'], failing('redirect')],
  ['an Authgear whose database is down', ['authgear-fails'],
    beside(({ simulator }) => { simulator.controls.outage = 'database'; return {} })],
  ['an Authgear whose Redis is down, which shows to those with a credential alone', ['authgear-fails'],
    beside(({ simulator }) => {
      simulator.controls.outage = 'redis'
      return pastedCookie(`session=${demo.alice.cookie}`)
    })],
  ['an Authgear whose Redis is frozen', ['authgear-timeout'], beside(({ simulator }) => {
    simulator.controls.outage = 'redis-frozen'
    return { env: { AUTHGEAR_TIMEOUT: '500ms' }, ...pastedToken(demo.alice.accessToken) }
  })],
  ['a mail server', ['authgear-not-resolver'], failing('not-http')],
  ['a web page', ['authgear-not-resolver'],
    answering('HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<h1>Hello</h1')],
  ['a web server that answers 200 and nothing else', ['authgear-not-resolver'],
    answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')],
  ["a certificate of Authgear's that ends soon", ['certificate-ends-soon'],
    async (t) => ({ ...await secure(true)(t), clock: off(0) })],
  ['a clock that is a minute and a half behind', ['clock-off'], beside(() => ({ clock: off(-90_000) }))],
  ['a clock that is a minute and a half ahead', ['clock-off'], beside(() => ({ clock: off(90_000) }))],
  ['a clock that is twenty seconds ahead', ['clock-drifts'], beside(() => ({ clock: off(20_000) }))],
  ['a resolver inside without TRUST_PROXY', ['trust-proxy'], inside('https://auth.example.com', { trustProxy: false })],
  ["the same, and a JWT that it takes for nobody's", ['trust-proxy', 'jwt-refused'], beside((world) => ({
    env: { AUTHGEAR_ENDPOINT: 'https://auth.example.com', AUTHGEAR_RESOLVER_URL: world.resolver },
    ...pastedToken(known(world, 'https://auth.example.com'))
  }), { trustProxy: false })],
  ["a cookie prefix that is not the project's", ['cookie-prefix'], setting({ AUTHGEAR_COOKIE_PREFIX: 'x_' })],
  ['a project with a cookie prefix, and none here', ['cookie-prefix'],
    pasted(pastedCookie(`x_session=${demo.alice.cookie}`), { cookiePrefix: 'x_' })],
  ["cookies for Authgear's own host alone", ['cookie-host-only'], beside(() => ({}), { cookieDomain: '' })],
  ['cookies that do not reach the app', ['cookie-domain'], setting({}, '--host', 'app.notexample.com')],
  ["cookies for Authgear's own host alone, and an app beside it", ['cookie-domain'],
    beside(() => ({ args: ['--host', 'app.example.com'] }), { cookieDomain: '' })],
  ["a pasted header without a cookie of Authgear's", ['cookie-missing'],
    pasted(pastedCookie('Cookie: theme=dark; lang=de\n'))],
  ['nothing pasted', ['cookie-missing'], pasted(pastedCookie(''))],
  ['a pasted session that has ended', ['cookie-refused'], beside(({ simulator }) => {
    simulator.controls.signOut(demo.alice.cookie)
    return pastedCookie(`theme=dark; session=${demo.alice.cookie}`)
  })],
  ["an app's own cookie before Authgear's", ['cookie-foreign'],
    pasted(pastedCookie(`session=own; session=${demo.alice.cookie}`))],
  ['a pasted cookie that is none', ['cookie-foreign'], pasted(pastedCookie(`session=${'a'.repeat(2000)}`))],
  ['a token that Authgear does not know', ['token-refused'],
    pasted(pastedToken('Authorization: Bearer 0123456789abcdefghijklmnopqrstuv'))],
  ['two tokens', ['token-refused'], pasted(pastedToken('a,b'))],
  ['a token past its end', ['token-expired'], pasted(pastedToken(jwt({ aud: INSIDE, exp: 1 })))],
  ['a token of another origin', ['jwt-audience'],
    pasted(pastedToken(jwt({ aud: 'https://Auth.example.com', exp: future() })))],
  ['a token for a resource, which Authgear accepts like a session', ['jwt-audience'],
    beside((world) => pastedToken(known(world, 'https://orders.example.com')))],
  ['a revoked JWT', ['jwt-refused'], beside(({ endpoint }) => pastedToken(jwt({ aud: endpoint, exp: future() })))],
  ['an idle time-out that is shorter than CACHE_TTL', ['idle-timeout'],
    setting({ CACHE_TTL: '10m' }, '--idle-timeout', '5m')],
  ['our own certificate, ended', ['certificate-ended'], ownCertificate(-91)],
  ['our own certificate, nobody renewed it', ['certificate-ends-soon'], ownCertificate(-80)]
]

const RESOURCE = 'https://api.example.com'
const MACHINE = { id: 'machine', secret: 's', scopes: ['read'] }

/** An Authgear with a resource, and tokens of it. */
async function withResource (t: Test) {
  const resources = [{ uri: RESOURCE, scopes: ['read', 'write'] }]
  const machines = [MACHINE, { ...MACHINE, id: 'poor', scopes: [] }]
  const { env, endpoint, simulator } = await openAuthgear(t, { resources, machines })
  const tokenOf = async (client: string): Promise<string> => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials', client_id: client, client_secret: 's', resource: RESOURCE
    })
    const answer = await fetch(`${endpoint}/oauth2/token`, { method: 'POST', body })
    return (await answer.json() as { access_token: string }).access_token
  }
  return { env: { ...env, RESOURCES: RESOURCE }, endpoint, simulator, tokenOf }
}

/** In front of that Authgear: it tells it another host than its own. */
async function startRenaming (t: Test, target: string): Promise<string> {
  const server = createServer(({ url, headers }, response) => {
    const all = { ...headers, host: 'auth.other.example' }
    const forward = request(`${target}${url}`, { headers: all }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.rawHeaders)
      answer.pipe(response)
    })
    forward.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

type WithResource = Awaited<ReturnType<typeof withResource>>
const onResource = (env: Readonly<Record<string, string>>, token: (world: WithResource, t: Test) => Promise<string>) =>
  async (t: Test) => {
    const world = await withResource(t)
    return { env: { ...world.env, ...env }, ...pastedToken(await token(world, t)) }
  }
const none = { RESOURCES: '' }

const TOKENS: readonly Mistake[] = [
  ['an Authgear whose keys cannot be had', ['token-keys'], setting({ RESOURCES: RESOURCE })],
  ['an Authgear of another name', ['issuer'], async (t) => {
    const { env, endpoint } = await withResource(t)
    return { env: { ...env, AUTHGEAR_ENDPOINT: await startRenaming(t, endpoint) } }
  }],
  ['the same, and no RESOURCES', ['issuer'], async (t) => ({
    env: { AUTHGEAR_ENDPOINT: await startRenaming(t, (await withResource(t)).endpoint) }
  })],
  ['a machine’s token where no resource is configured', ['token-for-resource'],
    onResource(none, ({ tokenOf }) => tokenOf('machine'))],
  ['a machine’s token for a resource that RESOURCES does not hold', ['token-for-resource'],
    onResource({ RESOURCES: `${RESOURCE}/other` }, ({ tokenOf }) => tokenOf('machine'))],
  ['a token of another signature', ['resource-token'], onResource({}, async ({ tokenOf }, t) => {
    const [head, claims] = (await tokenOf('machine')).split('.')
    const [, , other] = (await (await withResource(t)).tokenOf('machine')).split('.')
    return [head, claims, other].join('.')
  })],
  ['a token without a scope', ['resource-scope'], onResource({}, ({ tokenOf }) => tokenOf('poor'))],
  ['a proxy that does not route the metadata', ['app-unreachable', 'resource-metadata'], async (t) => ({
    env: { ...(await withResource(t)).env, RESOURCES: 'https://api.invalid/mcp' }, args: ['--url', 'https://api.invalid']
  })]
]

t.test('each mistake of the configuration and of Authgear is found, and only it', async (t) =>
  await checkMistakes(t, AUTHGEAR))

t.test('each mistake of resource tokens is found, and only it', async (t) => await checkMistakes(t, TOKENS))

t.test('every mistake of the catalogue is made, but for two that it names', async (t) => {
  const elsewhere = [
    ...OF_ADDRESSES, ...OF_REDIS, ...OF_OWN_SESSIONS, ...OF_AUDIT_LOG, ...OF_CLIENTS, ...THROUGH_PROXY,
    ...PAST_PROXY, ...OF_MCP
  ]
  const made = new Set([...AUTHGEAR, ...TOKENS].flatMap(([, ids]) => ids).concat(elsewhere))
  const missing = Object.keys(CATALOGUE).filter((id) => !made.has(id as FindingId))
  t.strictSame(missing, ['redis-slow', 'unforeseen'])
})

t.test('what is in order has no finding', async (t) => await checkHealthy(t, [
  ['a login', signingIn({})],
  ['a login, as Authgear says it to a browser without a session', sentBack('login_required')],
  ['events', beside(async ({ endpoint }, t) => {
    const { eventsPort } = await startInProcess(t, { AUTHGEAR_ENDPOINT: endpoint, ...EVENTS })
    return { env: { ...EVENTS, LISTEN_EVENTS: `127.0.0.1:${eventsPort}` } }
  })],
  ['an Authgear, and memory', setting({}, '--host', 'app.example.com', '--idle-timeout', '720h')],
  ['a resolver inside that believes its scheme', inside('https://AUTH.example.com:443', { hosts: ['auth.example.com'] })],
  ['a cookie prefix, and a session of it', beside(() => ({
    env: { AUTHGEAR_COOKIE_PREFIX: 'x_' }, ...pastedCookie(`Cookie: a=b; x_session=${demo.alice.cookie}\n`)
  }), { cookiePrefix: 'x_' })],
  ['a JWT for this endpoint', beside((world) => pastedToken(`Bearer ${known(world, world.endpoint)}\n`))]
]))

t.test('a check that crashes is reported without details, and the others continue', async (t) => {
  const { code, text, findings } = await visit({
    env: (await openAuthgear(t)).env,
    clock: {
      ...systemClock,
      wall: () => {
        throw new RangeError('s3cret')
      }
    }
  })
  t.equal(code, 1)
  t.strictSame(findings, ['error unforeseen'])
  t.match(text, /unforeseen: the clocks agree: RangeError$/m)
  t.match(text, /^ok {7}cookie prefix and domain$/m)
  t.notMatch(text, 's3cret')
})

t.test('a resource token is explained claim by claim, and never printed', async (t) => {
  const { env, tokenOf } = await withResource(t)
  const token = await tokenOf('machine')
  const { code, text } = await visit({ env, args: ['--token-stdin'], stdin: token })
  t.equal(code, 0)
  for (const note of [/aud: https:\/\/api\.example\.com$/m, /sub: a machine/, /scope: read$/m, /accepted until 20/]) {
    t.match(text, note)
  }
  for (const part of [...token.split('.'), 'client_id_machine']) t.notOk(text.includes(part))
})

t.test('a check that nothing can be learnt from says why it was left out', async (t) => {
  const { env } = await openAuthgear(t)
  const { text } = await visit({ env })
  for (const line of [
    /^skipped {2}Redis is connected: there is none/m, /idle time-out: Authgear does not say what it is/
  ]) {
    t.match(text, line)
  }
})

t.test('with Authgear down one line says how much was skipped, and JSON names it', async (t) => {
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` }
  const { text, findings } = await visit({ env })
  t.strictSame(findings, ['error authgear-unreachable'])
  t.match(text.match(/^skipped.*$/gm), [/^skipped {2}\d+ checks, \d+ for want of what is above: --json names them$/])
  const { checks } = JSON.parse((await visit({ env, args: ['--json'] })).text)
  t.match(checks.find(({ title }: { title: string }) => title === 'the clocks agree'), { why: 'see above' })
})

t.test('--json says the same', async (t) => {
  const { env } = await openAuthgear(t)
  const { code, text } = await visit({ env: { ...env, AUTHGEAR_COOKIE_PREFIX: 'x_' }, args: ['--json'] })
  const report = JSON.parse(text)
  t.equal(code, 1)
  t.match(report, {
    endpoint: env['AUTHGEAR_ENDPOINT'],
    errors: 1,
    warnings: 0,
    findings: [
      {
        id: 'cookie-prefix',
        severity: 'error',
        what: /x_session/,
        why: CATALOGUE['cookie-prefix'].why,
        set: CATALOGUE['cookie-prefix'].set
      }
    ]
  })
  t.match(report.checks, [
    { title: 'the configuration', state: 'ok' },
    { title: "Authgear's resolver answers", state: 'ok' }
  ])
  t.ok(
    report.checks.some(({ state, why }: { state: string, why?: string }) => state === 'skipped' && why !== undefined)
  )
})

t.test('a command line that is wrong is said without repeating it', async (t) => {
  for (const args of [
    ['--token', 'tok3n'],
    ['--cookie=tok3n'],
    ['tok3n'],
    ['--cookie-stdin', '--token-stdin'],
    ['--host', 'https://tok3n'],
    ['--idle-timeout', 'tok3n'],
    ['--url', 'https://x/tok3n']
  ]) {
    const { code, text } = await visit({ env: {}, args })
    t.equal(code, 1)
    t.match(text, /^error: .*\n\nusage: /)
    t.notMatch(text, 'tok3n')
  }
  t.match(await visit({ env: {}, args: ['--help'] }), { code: 0, text: /^usage: .*--cookie-stdin/ })
})

const MAIN = join(import.meta.dirname, '../../dist/main.js')

t.test(
  'as a command: stdin, exit code, nothing left running',
  { skip: existsSync(MAIN) ? false : 'npm run build comes first' },
  async (t) => {
    const { env } = await openAuthgear(t)
    const run = (args: readonly string[], pasted: string): Promise<Readonly<{ code: unknown, text: string }>> =>
      new Promise((resolve) => {
        const child = execFile(
          process.execPath,
          [MAIN, 'doctor', ...args],
          { env: { PATH: process.env['PATH'], ...env } },
          (error, stdout, stderr) => resolve({ code: error?.code ?? 0, text: stdout + stderr })
        )
        child.stdin?.end(pasted)
      })
    t.match(await run(['--cookie-stdin'], `session=${demo.alice.cookie}`), {
      code: 0, text: /^ok {7}what was pasted$/m
    })
    t.match(await run(['--cookie-stdin', '--json'], 'session=other'), { code: 1, text: /"cookie-refused"/ })
  }
)

t.test('prints what it found as soon as it has found it', async (t) => {
  let printed = ''
  const before: string[] = []
  const { port } = await startUpstream(t, (socket) => { before.push(printed); socket.destroy() })
  const nobody = { write: () => {} }
  await doctor([], { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}` }, {
    stdin: Readable.from([]), out: { write: (text) => { printed += text } }, err: nobody
  })
  t.equal(before[0], 'ok       the configuration\n')
})
