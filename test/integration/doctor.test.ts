import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CATALOGUE, type FindingId } from '../../src/commands/doctor/catalogue.ts'
import { issue } from '../../src/commands/cert/authority.ts'
import { systemClock, type Clock } from '../../src/clock.ts'
import type { EpochMs } from '../../src/core/token-expiry.ts'
import { logKey } from '../../src/redis/keys.ts'
import { adminApi, APP_ID, auditEnvironment } from '../helpers/audit.ts'
import { startInProcess, SECRET } from '../helpers/in-process.ts'
import { startBadNetwork } from '../helpers/bad-network.ts'
import { PAST_PROXY, THROUGH_PROXY, visit, type Visit } from '../helpers/doctor.ts'
import { freePort } from '../helpers/free-port.ts'
import { jwt } from '../helpers/jwt.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { addPrintedUser, PASSWORD, USERNAME } from '../helpers/redis-acl.ts'
import { startCluster } from '../helpers/redis-cluster.ts'
import { startSentinelGroup } from '../helpers/redis-sentinel.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator, type SimulatorOptions } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'
import { webhookOf, WEBHOOK_SECRET, disabledEvent } from '../helpers/webhook.ts'

/** Each mistake made for real: what is found, and nothing else. */
type Row = readonly [mistake: string, found: readonly FindingId[], make: (t: Test) => Promise<Visit>]

/** An Authgear that is in order, with cookies for example.com, and the service's environment for it. */
async function authgear (t: Test, options: SimulatorOptions = {}) {
  const simulator = await startSimulator(t, { cookieDomain: 'example.com', ...options })
  const endpoint = `http${options.tls === undefined ? '' : 's'}://127.0.0.1:${simulator.port}`
  const env: Record<string, string> = { AUTHGEAR_ENDPOINT: endpoint }
  return { simulator, endpoint, resolver: `http://127.0.0.1:${simulator.port}/resolve`, env }
}

const future = (): number => Math.floor(Date.now() / 1000) + 3600
const off = (ms: number): Clock => ({ ...systemClock, wall: () => systemClock.wall() + ms as EpochMs })
const INSIDE = 'http://auth.example.com'

const AUTHGEAR: readonly Row[] = [
  [
    'a variable that is none',
    ['configuration'],
    async () => ({ env: { AUTHGEAR_ENDPONT: 'https://auth.example.com' } })
  ],
  [
    'a webhook without Redis',
    ['configuration-doubtful'],
    async (t) => ({ env: { ...(await authgear(t)).env, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET } })
  ],
  [
    'a name that does not resolve',
    ['authgear-dns'],
    async () => ({ env: { AUTHGEAR_ENDPOINT: 'https://nowhere.invalid' } })
  ],
  [
    'a port where nobody listens',
    ['authgear-unreachable'],
    async () => ({ env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` } })
  ],
  [
    'a server that cuts each connection',
    ['authgear-unreachable'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.fail('reset')
      return { env }
    }
  ],
  ['a certificate of an authority that nobody knows', ['authgear-tls'], async (t) => ({ env: (await secure(t)).env })],
  [
    'a certificate of another name',
    ['authgear-tls'],
    async (t) => {
      const { certFile, keyFile, caFile } = makeOwnCert(t, 'other.example.com')
      const { env } = await authgear(t, {
        tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
      })
      return { env: { ...env, AUTHGEAR_CA_FILE: caFile } }
    }
  ],
  [
    'https:// to a server without TLS',
    ['authgear-tls'],
    async (t) => ({ env: { AUTHGEAR_ENDPOINT: (await authgear(t)).endpoint.replace('http:', 'https:') } })
  ],
  [
    'an Authgear that does not answer',
    ['authgear-timeout'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.fail('hang')
      return { env: { ...env, AUTHGEAR_TIMEOUT: '200ms' } }
    }
  ],
  [
    'a host that Authgear does not know',
    ['authgear-unknown-host', 'configuration-doubtful'],
    async (t) => {
      const { resolver } = await authgear(t, { hosts: ['auth.example.com'] })
      return { env: { AUTHGEAR_ENDPOINT: 'http://app.example.com', AUTHGEAR_RESOLVER_URL: resolver } }
    }
  ],
  [
    'a host in upper case that Authgear has in upper case',
    ['authgear-endpoint-spelling', 'configuration-doubtful'],
    async (t) => {
      const { resolver } = await authgear(t, { hosts: ['Auth.example.com'] })
      return { env: { AUTHGEAR_ENDPOINT: 'http://Auth.example.com', AUTHGEAR_RESOLVER_URL: resolver } }
    }
  ],
  [
    'a port that Authgear does not have',
    ['authgear-endpoint-spelling', 'configuration-doubtful'],
    async (t) => {
      const { resolver } = await authgear(t, { hosts: ['accounts.example.com'] })
      return { env: { AUTHGEAR_ENDPOINT: 'http://auth.example.com:3000', AUTHGEAR_RESOLVER_URL: resolver } }
    }
  ],
  [
    "a path that is not the resolver's",
    ['authgear-wrong-path'],
    async (t) => {
      const { env, simulator } = await authgear(t)
      return { env: { ...env, AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${simulator.port}/resolver` } }
    }
  ],
  [
    'a method that does not get through',
    ['authgear-wrong-path'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.fail('method-not-allowed')
      return { env }
    }
  ],
  [
    'an address that redirects',
    ['authgear-redirect'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.fail('redirect')
      return { env }
    }
  ],
  [
    'an Authgear whose database is down',
    ['authgear-fails'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.outage = 'database'
      return { env }
    }
  ],
  [
    'an Authgear whose Redis is down, which shows to those with a credential alone',
    ['authgear-fails'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.outage = 'redis'
      return { env, args: ['--cookie-stdin'], stdin: `session=${demo.alice.cookie}` }
    }
  ],
  [
    'an Authgear whose Redis is frozen',
    ['authgear-timeout'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.outage = 'redis-frozen'
      return { env: { ...env, AUTHGEAR_TIMEOUT: '500ms' }, args: ['--token-stdin'], stdin: demo.alice.accessToken }
    }
  ],
  [
    'a mail server',
    ['authgear-not-resolver'],
    async (t) => {
      const { simulator, env } = await authgear(t)
      simulator.controls.fail('not-http')
      return { env }
    }
  ],
  [
    'a web page',
    ['authgear-not-resolver'],
    async (t) => {
      const { port } = await startUpstream(t, (socket) => {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<h1>Hello</h1')
      })
      return { env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}` } }
    }
  ],
  [
    'a web server that answers 200 and nothing else',
    ['authgear-not-resolver'],
    async (t) => {
      const { port } = await startUpstream(t, (socket) => {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      })
      return { env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}` } }
    }
  ],
  [
    "a certificate of Authgear's that ends soon",
    ['certificate-ends-soon'],
    async (t) => ({ ...(await secure(t, true)), clock: off(0) })
  ],
  [
    'a clock that is a minute and a half behind',
    ['clock-off'],
    async (t) => ({ env: (await authgear(t)).env, clock: off(-90_000) })
  ],
  [
    'a clock that is a minute and a half ahead',
    ['clock-off'],
    async (t) => ({ env: (await authgear(t)).env, clock: off(90_000) })
  ],
  [
    'a clock that is twenty seconds ahead',
    ['clock-drifts'],
    async (t) => ({ env: (await authgear(t)).env, clock: off(20_000) })
  ],
  [
    'a resolver inside without TRUST_PROXY',
    ['trust-proxy'],
    async (t) => {
      const { resolver } = await authgear(t, { trustProxy: false })
      return { env: { AUTHGEAR_ENDPOINT: 'https://auth.example.com', AUTHGEAR_RESOLVER_URL: resolver } }
    }
  ],
  [
    "the same, and a JWT that it takes for nobody's",
    ['trust-proxy', 'jwt-refused'],
    async (t) => {
      const { resolver, simulator } = await authgear(t, { trustProxy: false })
      const token = jwt({ sub: 'user', aud: ['https://auth.example.com'], exp: future() })
      simulator.controls.addUser({ id: 'user', name: 'user', sessions: [{ accessTokens: [token] }] })
      return {
        env: { AUTHGEAR_ENDPOINT: 'https://auth.example.com', AUTHGEAR_RESOLVER_URL: resolver },
        args: ['--token-stdin'],
        stdin: token
      }
    }
  ],
  [
    "a cookie prefix that is not the project's",
    ['cookie-prefix'],
    async (t) => ({ env: { ...(await authgear(t)).env, AUTHGEAR_COOKIE_PREFIX: 'x_' } })
  ],
  [
    'a project with a cookie prefix, and none here',
    ['cookie-prefix'],
    async (t) => ({
      env: (await authgear(t, { cookiePrefix: 'x_' })).env,
      args: ['--cookie-stdin'],
      stdin: `x_session=${demo.alice.cookie}`
    })
  ],
  [
    "cookies for Authgear's own host alone",
    ['cookie-host-only'],
    async (t) => ({ env: (await authgear(t, { cookieDomain: '' })).env })
  ],
  [
    'cookies that do not reach the app',
    ['cookie-domain'],
    async (t) => ({ env: (await authgear(t)).env, args: ['--host', 'app.notexample.com'] })
  ],
  [
    "cookies for Authgear's own host alone, and an app beside it",
    ['cookie-domain'],
    async (t) => ({ env: (await authgear(t, { cookieDomain: '' })).env, args: ['--host', 'app.example.com'] })
  ],
  [
    "a pasted header without a cookie of Authgear's",
    ['cookie-missing'],
    async (t) => ({ env: (await authgear(t)).env, args: ['--cookie-stdin'], stdin: 'Cookie: theme=dark; lang=de\n' })
  ],
  ['nothing pasted', ['cookie-missing'], async (t) => ({ env: (await authgear(t)).env, args: ['--cookie-stdin'] })],
  [
    'a pasted session that has ended',
    ['cookie-refused'],
    async (t) => {
      const { env, simulator } = await authgear(t)
      simulator.controls.signOut(demo.alice.cookie)
      return { env, args: ['--cookie-stdin'], stdin: `theme=dark; session=${demo.alice.cookie}` }
    }
  ],
  [
    "an app's own cookie before Authgear's",
    ['cookie-foreign'],
    async (t) => ({
      env: (await authgear(t)).env, args: ['--cookie-stdin'], stdin: `session=own; session=${demo.alice.cookie}`
    })
  ],
  [
    'a pasted cookie that is none',
    ['cookie-foreign'],
    async (t) => ({ env: (await authgear(t)).env, args: ['--cookie-stdin'], stdin: `session=${'a'.repeat(2000)}` })
  ],
  [
    'a token that Authgear does not know',
    ['token-refused'],
    async (t) => ({
      env: (await authgear(t)).env,
      args: ['--token-stdin'],
      stdin: 'Authorization: Bearer 0123456789abcdefghijklmnopqrstuv'
    })
  ],
  [
    'two tokens',
    ['token-refused'],
    async (t) => ({ env: (await authgear(t)).env, args: ['--token-stdin'], stdin: 'a,b' })
  ],
  [
    'a token past its end',
    ['token-expired'],
    async (t) => ({ env: (await authgear(t)).env, args: ['--token-stdin'], stdin: jwt({ aud: INSIDE, exp: 1 }) })
  ],
  [
    'a token of another origin',
    ['jwt-audience'],
    async (t) => ({
      env: (await authgear(t)).env,
      args: ['--token-stdin'],
      stdin: jwt({ aud: 'https://Auth.example.com', exp: future() })
    })
  ],
  [
    'a token for a resource, which Authgear accepts like a session',
    ['jwt-audience'],
    async (t) => {
      const { env, simulator } = await authgear(t)
      const token = jwt({ sub: 'user', aud: ['https://orders.example.com'], exp: future() })
      simulator.controls.addUser({ id: 'user', name: 'user', sessions: [{ accessTokens: [token] }] })
      return { env, args: ['--token-stdin'], stdin: token }
    }
  ],
  [
    'a revoked JWT',
    ['jwt-refused'],
    async (t) => {
      const { env, endpoint } = await authgear(t)
      return { env, args: ['--token-stdin'], stdin: jwt({ aud: endpoint, exp: future() }) }
    }
  ],
  [
    'an idle time-out that is shorter than CACHE_TTL',
    ['idle-timeout'],
    async (t) => ({ env: { ...(await authgear(t)).env, CACHE_TTL: '10m' }, args: ['--idle-timeout', '5m'] })
  ],
  [
    'an Admin API of another kid',
    ['audit-log', 'configuration-doubtful'],
    async (t) => {
      const { env, endpoint } = await authgear(t, { adminApi: { ...adminApi, keyId: 'another' } })
      return { env: { ...env, ...auditEnvironment(endpoint, '1s') } }
    }
  ],
  [
    'an audit log that is not configured',
    ['audit-log', 'configuration-doubtful'],
    async (t) => {
      const { env, endpoint, simulator } = await authgear(t, { adminApi })
      simulator.controls.audit.fail('unavailable')
      return { env: { ...env, ...auditEnvironment(endpoint, '1s') } }
    }
  ],
  [
    'our own certificate, ended',
    ['certificate-ended'],
    async (t) => ({ env: { ...(await authgear(t)).env, ...(await listener(t, -91)) } })
  ],
  [
    'our own certificate, nobody renewed it',
    ['certificate-ends-soon'],
    async (t) => ({ env: { ...(await authgear(t)).env, ...(await listener(t, -80)) } })
  ]
]

/** A resolver with TLS, by an authority of its own; where it is known, the certificate has a tenth of its life left. */
async function secure (t: Test, isKnown = false): Promise<Visit> {
  const { tls, ca } = await certificate(t, isKnown ? -80 : 0)
  const { env } = await authgear(t, { tls })
  return { env: isKnown ? { ...env, AUTHGEAR_CA_FILE: ca } : env }
}

const DAY = 86_400_000

/** As `cert` made it so many days from now, for 90 days. */
async function certificate (t: Test, days: number) {
  const out = join(tempDir(t, 'cert'), 'tls')
  await issue(
    { out, caDir: `${out}-ca`, hosts: [{ kind: 'ip', value: '127.0.0.1' }], clientDir: undefined, watch: false },
    Date.now() + days * DAY
  )
  const [cert, key] = [join(out, 'tls.crt'), join(out, 'tls.key')]
  return {
    cert,
    key,
    ca: join(out, 'ca.crt'),
    tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  }
}

async function listener (t: Test, days: number): Promise<Record<string, string>> {
  const { cert, key } = await certificate(t, days)
  return { LISTEN_TLS_CERT_FILE: cert, LISTEN_TLS_KEY_FILE: key }
}

/** Long enough that a slow machine finds nothing by itself. */
const SHARED = { CACHE_SECRET: SECRET, REDIS_TIMEOUT: '5s' }
const plain = (port: number, more: Record<string, string> = {}): Record<string, string> => ({
  ...SHARED,
  REDIS_URL: `redis://127.0.0.1:${port}`,
  ...more
})

/** Beside an Authgear that is in order. */
const withAuthgear =
  (redis: (t: Test) => Promise<Record<string, string>>) =>
    async (t: Test): Promise<Visit> => ({ env: { ...(await authgear(t)).env, ...(await redis(t)) } })

const RESOURCE = 'https://api.example.com'
const MACHINE = { id: 'machine', secret: 's', scopes: ['read'] }

/** An Authgear with a resource, and tokens of it. */
async function withResource (t: Test) {
  const resources = [{ uri: RESOURCE, scopes: ['read', 'write'] }]
  const machines = [MACHINE, { ...MACHINE, id: 'poor', scopes: [] }]
  const { env, endpoint, simulator } = await authgear(t, { resources, machines })
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

const TOKENS: readonly Row[] = [
  [
    'an Authgear whose keys cannot be had',
    ['token-keys'],
    async (t) => ({ env: { ...(await authgear(t)).env, RESOURCES: RESOURCE } })
  ],
  [
    'an Authgear of another name',
    ['issuer'],
    async (t) => {
      const { env, endpoint } = await withResource(t)
      return { env: { ...env, AUTHGEAR_ENDPOINT: await startRenaming(t, endpoint) } }
    }
  ],
  [
    'the same, and no RESOURCES',
    ['issuer'],
    async (t) => {
      const { env: { RESOURCES: _, ...env }, endpoint } = await withResource(t)
      return { env: { ...env, AUTHGEAR_ENDPOINT: await startRenaming(t, endpoint) } }
    }
  ],
  [
    'a machine’s token where no resource is configured',
    ['token-for-resource'],
    async (t) => {
      const { env: { RESOURCES: _, ...env }, tokenOf } = await withResource(t)
      return { env, args: ['--token-stdin'], stdin: await tokenOf('machine') }
    }
  ],
  [
    'a machine’s token for a resource that RESOURCES does not hold',
    ['token-for-resource'],
    async (t) => {
      const { env, tokenOf } = await withResource(t)
      const stdin = await tokenOf('machine')
      return { env: { ...env, RESOURCES: `${RESOURCE}/other` }, args: ['--token-stdin'], stdin }
    }
  ],
  [
    'a token of another signature',
    ['resource-token'],
    async (t) => {
      const { env, tokenOf } = await withResource(t)
      const [head, claims] = (await tokenOf('machine')).split('.')
      const [, , other] = (await (await withResource(t)).tokenOf('machine')).split('.')
      return { env, args: ['--token-stdin'], stdin: [head, claims, other].join('.') }
    }
  ],
  [
    'a token without a scope',
    ['resource-scope'],
    async (t) => {
      const { env, tokenOf } = await withResource(t)
      return { env, args: ['--token-stdin'], stdin: await tokenOf('poor') }
    }
  ],
  [
    'a proxy that does not route the metadata',
    ['app-unreachable', 'resource-metadata'],
    async (t) => {
      const { env } = await withResource(t)
      return { env: { ...env, RESOURCES: 'https://api.invalid/mcp' }, args: ['--url', 'https://api.invalid'] }
    }
  ]
]

const REDIS: readonly Row[] = [
  [
    'a name of Redis that does not resolve',
    ['redis-dns'],
    withAuthgear(async () => ({ ...SHARED, REDIS_URL: 'redis://nowhere.invalid' }))
  ],
  [
    'Sentinels whose names do not resolve',
    ['redis-dns'],
    withAuthgear(async () => ({ ...SHARED, REDIS_SENTINELS: 'nowhere.invalid:26379', REDIS_SENTINEL_NAME: 'mymaster' }))
  ],
  [
    'nodes of a Cluster whose names do not resolve',
    ['redis-dns'],
    withAuthgear(async () => ({ ...SHARED, REDIS_CLUSTER: 'nowhere.invalid:6379' }))
  ],
  ['a port where no Redis listens', ['redis-unreachable'], withAuthgear(async () => plain(await freePort()))],
  [
    'a Redis that is frozen',
    ['redis-unreachable'],
    withAuthgear(async (t) => {
      const redis = await startRedis(t)
      redis.pause()
      t.teardown(() => redis.resume())
      return plain(redis.port)
    })
  ],
  [
    'no password where one is wanted',
    ['redis-password'],
    withAuthgear(async (t) => plain((await startRedis(t, { password: 'pw' })).port))
  ],
  [
    'a wrong password',
    ['redis-password'],
    withAuthgear(async (t) => plain((await startRedis(t, { password: 'pw' })).port, { REDIS_PASSWORD: 'wrong' }))
  ],
  [
    'a Cluster that wants a password',
    ['redis-password'],
    withAuthgear(async (t) => ({
      ...SHARED,
      REDIS_CLUSTER: `127.0.0.1:${(await startRedis(t, { password: 'pw', args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })).port}`
    }))
  ],
  [
    'a certificate of Redis that nobody knows',
    ['redis-tls'],
    withAuthgear(async (t) =>
      plain(0, { REDIS_URL: `rediss://127.0.0.1:${(await startRedis(t, { tls: makeTls(t) })).port}` })
    )
  ],
  [
    'rediss:// to a Redis without TLS',
    ['redis-unreachable'],
    withAuthgear(async (t) => plain(0, { REDIS_URL: `rediss://127.0.0.1:${(await startRedis(t)).port}` }))
  ],
  [
    'redis:// to a Redis with TLS',
    ['redis-unreachable'],
    withAuthgear(async (t) => plain((await startRedis(t, { tls: makeTls(t) })).port))
  ],
  [
    'a user without the rights for the log',
    ['redis-rights'],
    withAuthgear(async (t) => {
      const redis = await startRedis(t)
      await addPrintedUser(redis, { without: ['xadd', 'hset'] })
      return plain(redis.port, { REDIS_USERNAME: USERNAME, REDIS_PASSWORD: PASSWORD })
    })
  ],
  [
    'a user who may not ROLE',
    ['redis-rights'],
    withAuthgear(async (t) => {
      const redis = await startRedis(t)
      await addPrintedUser(redis, { without: ['role'] })
      return plain(redis.port, { REDIS_USERNAME: USERNAME, REDIS_PASSWORD: PASSWORD })
    })
  ],
  [
    'a user with the rights for other keys',
    ['redis-rights'],
    withAuthgear(async (t) => {
      const redis = await startRedis(t)
      await addPrintedUser(redis)
      return plain(redis.port, { REDIS_USERNAME: USERNAME, REDIS_PASSWORD: PASSWORD, REDIS_KEY_PREFIX: 'others:' })
    })
  ],
  [
    'a replica',
    ['redis-read-only'],
    withAuthgear(async (t) => {
      const master = await startRedis(t)
      return plain((await startRedis(t, { args: ['--replicaof', '127.0.0.1', String(master.port)] })).port)
    })
  ],
  [
    'a full memory',
    ['redis-full'],
    withAuthgear(async (t) => plain((await startRedis(t, { args: ['--maxmemory', '1kb'] })).port))
  ],
  [
    'a revocation log that nobody trims',
    ['redis-log-long'],
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      const key = `${logKey('forward-auth:', endpoint)}:stream`
      await redis.cli('EVAL', "for n = 1, 2001 do redis.call('XADD', KEYS[1], '1-' .. n, 'a', 'b') end", '1', key)
      return { env: { ...env, ...plain(redis.port) } }
    }
  ],
  [
    'a policy that evicts',
    ['redis-evicts'],
    withAuthgear(async (t) =>
      plain((await startRedis(t, { args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] })).port)
    )
  ],
  [
    'a Redis at the other end of the world',
    ['redis-too-slow'],
    withAuthgear(async (t) => {
      const { port } = await startBadNetwork(t, (await startRedis(t)).port, { kind: 'slow', latencyMs: 50 })
      return plain(port, { REDIS_TIMEOUT: '50ms' })
    })
  ],
  [
    'a Cluster under REDIS_URL',
    ['redis-form'],
    async (t) => {
      const [{ env, endpoint }, cluster] = await Promise.all([authgear(t), startCluster(t)])
      const owner = await cluster.ownerOf(logKey('forward-auth:', endpoint))
      return { env: { ...env, ...plain(cluster.masters.find((node) => node !== owner)?.port ?? 0) } }
    }
  ],
  [
    'the one node of a Cluster that holds the log under REDIS_URL',
    ['redis-form'],
    async (t) => {
      const [{ env, endpoint }, cluster] = await Promise.all([authgear(t), startCluster(t)])
      return { env: { ...env, ...plain((await cluster.ownerOf(logKey('forward-auth:', endpoint))).port) } }
    }
  ],
  [
    'one server under REDIS_CLUSTER',
    ['redis-form'],
    withAuthgear(async (t) => ({ ...SHARED, REDIS_CLUSTER: `127.0.0.1:${(await startRedis(t)).port}` }))
  ],
  [
    'a Cluster without its slots',
    ['redis-cluster'],
    withAuthgear(async (t) => ({
      ...SHARED,
      REDIS_CLUSTER: `127.0.0.1:${(await startRedis(t, { args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] })).port}`
    }))
  ],
  [
    'a Redis where a Sentinel should be',
    ['redis-sentinel'],
    withAuthgear(async (t) => ({
      ...SHARED,
      REDIS_SENTINELS: `127.0.0.1:${(await startRedis(t)).port}`,
      REDIS_SENTINEL_NAME: 'mymaster'
    }))
  ],
  [
    'a master that no Sentinel knows',
    ['redis-sentinel'],
    withAuthgear(async (t) => ({
      ...SHARED,
      REDIS_SENTINELS: sentinelsOf(await startSentinelGroup(t)),
      REDIS_SENTINEL_NAME: 'another'
    }))
  ],
  [
    'Sentinels that want a password',
    ['redis-password'],
    withAuthgear(async (t) => ({
      ...SHARED,
      REDIS_SENTINELS: sentinelsOf(await startSentinelGroup(t, { sentinelPassword: 'pw' })),
      REDIS_SENTINEL_NAME: 'mymaster'
    }))
  ],
  [
    'a replica that runs with another CACHE_SECRET',
    ['cache-secret'],
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      await startReplica(t, endpoint, redis, 'another secret, of 32 bytes or so')
      return { env: { ...env, ...plain(redis.port) } }
    }
  ],
  [
    'a rotation of CACHE_SECRET while a replica has the old one alone',
    ['rotation'],
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      const old = 'the old secret, of 32 bytes or so'
      await startReplica(t, endpoint, redis, old)
      return { env: { ...env, ...plain(redis.port), CACHE_SECRET_PREVIOUS: old } }
    }
  ],
  [
    'a webhook secret from before a rotation that is over',
    ['rotation-over'],
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      const { port } = await startReplica(t, endpoint, redis)
      await ask(port, webhookOf('{}'))
      await until('it is noted', async () => JSON.stringify(await redis.cli('KEYS', '*')).includes('webhook-seen'))
      const secrets = {
        AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: 'the old webhook secret'
      }
      return { env: { ...env, ...plain(redis.port), ...secrets } }
    }
  ],
  [
    'another webhook secret than the one that signed the newest',
    ['webhook-secret'],
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      const { port } = await startReplica(t, endpoint, redis)
      await ask(port, webhookOf('{}'))
      await until('it is noted', async () => JSON.stringify(await redis.cli('KEYS', '*')).includes('webhook-seen'))
      return { env: { ...env, ...plain(redis.port), AUTHGEAR_WEBHOOK_SECRET: `not ${WEBHOOK_SECRET}` } }
    }
  ],
  [
    'an Authgear that never calls a webhook, as it does not where addresses are private',
    ['webhook-silent'],
    async (t) => {
      const [{ env, endpoint, simulator }, redis] = await Promise.all([authgear(t, { adminApi }), startRedis(t)])
      changeUser(simulator, 3600)
      return { env: { ...env, ...auditEnvironment(endpoint, '1s'), ...WITH_WEBHOOK, ...plain(redis.port) } }
    }
  ],
  [
    'an Authgear that called webhooks until three days ago',
    ['webhook-silent'],
    async (t) => {
      const [{ env, endpoint, simulator }, redis] = await Promise.all([authgear(t, { adminApi }), startRedis(t)])
      await ageTrace(t, endpoint, redis, 3 * DAY_MS)
      changeUser(simulator, 3600)
      return { env: { ...env, ...auditEnvironment(endpoint, '1s'), ...WITH_WEBHOOK, ...plain(redis.port) } }
    }
  ],
  [
    'nothing but an Authgear whose users have not changed since the newest webhook',
    [],
    async (t) => {
      const [{ env, endpoint, simulator }, redis] = await Promise.all([authgear(t, { adminApi }), startRedis(t)])
      await ageTrace(t, endpoint, redis, 3 * DAY_MS)
      changeUser(simulator, 4 * 86_400)
      return { env: { ...env, ...auditEnvironment(endpoint, '1s'), ...WITH_WEBHOOK, ...plain(redis.port) } }
    }
  ],
  [
    'a webhook that never came',
    ['webhook-unseen'],
    withAuthgear(async (t) => plain((await startRedis(t)).port, { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }))
  ]
]

const DAY_MS = 86_400_000
const WITH_WEBHOOK = { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }

/** Authgear's audit log has it; no webhook told. */
function changeUser ({ controls }: Awaited<ReturnType<typeof startSimulator>>, secondsAgo: number): void {
  const createdAt = Math.floor(Date.now() / 1000) - secondsAgo
  controls.audit.append({ activityType: 'USER_DISABLED', userId: demo.alice.id, payload: {}, createdAt })
}

/** A replica took a webhook so long ago. */
async function ageTrace (
  t: Test,
  endpoint: string,
  redis: Awaited<ReturnType<typeof startRedis>>,
  ageMs: number
): Promise<void> {
  const { port } = await startReplica(t, endpoint, redis)
  await ask(port, webhookOf('{}'))
  const find = async (): Promise<readonly string[]> => await redis.cli('KEYS', '*:webhook-seen') as string[]
  await until('it is noted', async () => (await find()).length === 1)
  await redis.cli('PEXPIRE', (await find())[0] ?? '', String(30 * DAY_MS - ageMs))
}

const sentinelsOf = ({ servers }: Awaited<ReturnType<typeof startSentinelGroup>>): string =>
  servers.kind === 'sentinel' ? servers.sentinels.map(({ port }) => `127.0.0.1:${port}`).join() : ''

/** A replica that shares the Redis, when its canary is there. */
async function startReplica (
  t: Test,
  endpoint: string,
  redis: Awaited<ReturnType<typeof startRedis>>,
  secret = SECRET
) {
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: endpoint,
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: 'forward-auth:',
    CACHE_SECRET: secret,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET
  })
  await until('its canary is there', async () => JSON.stringify(await redis.cli('KEYS', '*:canary')).includes('canary'))
  return replica
}

for (const [what, rows] of [
  ['of the configuration and of Authgear', AUTHGEAR], ['of resource tokens', TOKENS], ['of Redis', REDIS]
] as const) {
  t.test(`each mistake ${what} is found, and only it`, { skip: skipOrFail('redis-server') }, async (t) => {
    for (const [mistake, ids, make] of rows) {
      await t.test(mistake, async (t) => {
        const { code, text, findings } = await visit(await make(t))
        t.strictSame([...findings].sort(), ids.map((id) => `${CATALOGUE[id].severity} ${id}`).sort(), text)
        t.equal(code, ids.some((id) => CATALOGUE[id].severity === 'error') ? 1 : 0)
        for (const id of ids) {
          t.ok(
            text.includes(`why: ${CATALOGUE[id].why}`) && text.includes(`set: ${CATALOGUE[id].set}`),
            'why, and what to set'
          )
        }
        t.match(text, /^\d+ errors?, \d+ warnings?$/m)
      })
    }
  })
}

t.test(
  'every mistake of the catalogue is made above, but for two that it names',
  async (t) => {
    const here = [...AUTHGEAR, ...TOKENS, ...REDIS].flatMap(([, ids]) => ids)
    const made = new Set([...here, ...THROUGH_PROXY, ...PAST_PROXY])
    t.strictSame(
      Object.keys(CATALOGUE).filter((id) => !made.has(id as FindingId)),
      ['redis-slow', 'unforeseen']
    )
  }
)

const HEALTHY: readonly (readonly [what: string, make: (t: Test) => Promise<Visit>])[] = [
  [
    'an Authgear, and memory',
    async (t) => ({ env: (await authgear(t)).env, args: ['--host', 'app.example.com', '--idle-timeout', '720h'] })
  ],
  [
    'a resolver inside that believes its scheme',
    async (t) => {
      const { resolver } = await authgear(t, { hosts: ['auth.example.com'] })
      return { env: { AUTHGEAR_ENDPOINT: 'https://AUTH.example.com:443', AUTHGEAR_RESOLVER_URL: resolver } }
    }
  ],
  [
    'an Authgear with TLS by a known authority, a listener with TLS, and an audit log',
    async (t) => {
      const { tls, ca } = await certificate(t, 0)
      const { env, endpoint } = await authgear(t, { tls, adminApi })
      const redis = await startRedis(t)
      return {
        env: {
          ...env,
          AUTHGEAR_CA_FILE: ca,
          ...(await listener(t, 0)),
          ...auditEnvironment(endpoint, '1s'),
          AUTHGEAR_APP_ID: APP_ID,
          ...plain(redis.port)
        }
      }
    }
  ],
  [
    'a cookie prefix, and a session of it',
    async (t) => ({
      env: { ...(await authgear(t, { cookiePrefix: 'x_' })).env, AUTHGEAR_COOKIE_PREFIX: 'x_' },
      args: ['--cookie-stdin'],
      stdin: `Cookie: a=b; x_session=${demo.alice.cookie}\n`
    })
  ],
  [
    'a JWT for this endpoint',
    async (t) => {
      const { env, endpoint, simulator } = await authgear(t)
      const token = jwt({ sub: 'user', aud: [endpoint], exp: future() })
      simulator.controls.addUser({ id: 'user', name: 'user', sessions: [{ accessTokens: [token] }] })
      return { env, args: ['--token-stdin'], stdin: `Bearer ${token}\n` }
    }
  ],
  [
    'a running replica with the same secret that took a webhook',
    async (t) => {
      const [{ env, endpoint }, redis] = await Promise.all([authgear(t), startRedis(t)])
      const { port, service } = await startReplica(t, endpoint, redis)
      await until('the log is followed', () => service.redisState() === 'up')
      t.equal((await ask(port, webhookOf(disabledEvent('user')))).status, 204)
      await until(
        'it is noted',
        async () =>
          Number(await redis.cli('EXISTS', String(((await redis.cli('KEYS', '*:webhook-seen')) as string[])[0]))) === 1
      )
      return { env: { ...env, ...plain(redis.port), AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET } }
    }
  ],
  [
    'Sentinel, with TLS, passwords and the user of docs/redis.md',
    async (t) => {
      const tls = makeTls(t)
      const group = await startSentinelGroup(t, { tls, sentinelPassword: 'pw' })
      for (const node of group.nodes) await addPrintedUser(node)
      return {
        env: {
          ...(await authgear(t)).env,
          ...SHARED,
          REDIS_SENTINELS: sentinelsOf(group),
          REDIS_SENTINEL_NAME: 'mymaster',
          REDIS_SENTINEL_PASSWORD: 'pw',
          REDIS_USERNAME: USERNAME,
          REDIS_PASSWORD: PASSWORD,
          REDIS_TLS: 'true',
          REDIS_CA_FILE: tls.caFile
        }
      }
    }
  ],
  [
    'a Cluster, with the user of docs/redis.md',
    async (t) => {
      const cluster = await startCluster(t)
      for (const node of cluster.masters) await addPrintedUser(node, { isCluster: true })
      return {
        env: {
          ...(await authgear(t)).env,
          ...SHARED,
          REDIS_CLUSTER: cluster.masters.map(({ port }) => `127.0.0.1:${port}`).join(),
          REDIS_USERNAME: USERNAME,
          REDIS_PASSWORD: PASSWORD
        }
      }
    }
  ]
]

t.test(
  'what is in order has no finding, and leaves nothing in Redis',
  { skip: skipOrFail('redis-server') },
  async (t) => {
    for (const [what, make] of HEALTHY) {
      await t.test(what, async (t) => {
        const { code, text, findings } = await visit(await make(t))
        t.strictSame(findings, [], text)
        t.equal(code, 0)
        t.match(text, /^ok {7}Authgear's resolver answers$/m)
      })
    }
    const redis = await startRedis(t)
    await visit({ env: { ...(await authgear(t)).env, ...plain(redis.port) } })
    t.strictSame(await redis.cli('KEYS', '*'), [])
  }
)

t.test('a check that fails itself is told without what it met, and the others go on', async (t) => {
  const { code, text, findings } = await visit({
    env: (await authgear(t)).env,
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

t.test('Valkey is as good', { skip: skipOrFail('valkey-server') }, async (t) => {
  const { port } = await startRedis(t, { server: 'valkey-server' })
  t.match(await visit({ env: { ...(await authgear(t)).env, ...plain(port) } }), { code: 0, findings: [] })
  const full = await startRedis(t, {
    server: 'valkey-server',
    args: ['--maxmemory', '1kb', '--maxmemory-policy', 'allkeys-lru']
  })
  t.strictSame([...(await visit({ env: { ...(await authgear(t)).env, ...plain(full.port) } })).findings].sort(), [
    'error redis-evicts',
    'error redis-full'
  ])
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
  const { text } = await visit({ env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` } })
  for (const line of [
    /^skipped {2}the clocks agree: see above$/m,
    /^skipped {2}Redis is connected: there is none/m,
    /idle time-out: Authgear does not say what it is/
  ]) {
    t.match(text, line)
  }
})

t.test('--json says the same', async (t) => {
  const { env } = await authgear(t)
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
    const { env } = await authgear(t)
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
      code: 0,
      text: /^ok {7}what was pasted$/m
    })
    t.match(await run(['--cookie-stdin', '--json'], 'session=other'), { code: 1, text: /"cookie-refused"/ })
  }
)
