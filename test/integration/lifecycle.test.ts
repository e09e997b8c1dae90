import { spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import t from 'tap'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { grpcClient } from '../helpers/grpc.ts'
import { startOnPipe } from '../helpers/on-pipe.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { runs } from '../helpers/runs.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const authorization = `Bearer ${demo.alice.accessToken}`
const signedIn = { path: '/verify', headers: [['Authorization', authorization] as const] }

/** Runs a command to its end, with nothing of the environment but what is given. */
function run (args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const coverage = process.env['NODE_V8_COVERAGE']
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    env: { ...(coverage === undefined ? {} : { NODE_V8_COVERAGE: coverage }), ...env },
    encoding: 'utf8',
    timeout: 20_000
  })
  return { status, stdout, stderr }
}

const ENDPOINT = { AUTHGEAR_ENDPOINT: 'https://a.example' }

t.test('commands that end by themselves', async (t) => {
  t.match(run(['--version']), { status: 0, stdout: /^\d+\.\d+\.\d+ \((?:[0-9a-f]{8}(?:-dirty)?|build [0-9a-f]{8})\)\n$/ })
  t.match(run(['--help']), { status: 0, stdout: /serve[^]+check[^]+healthcheck[^]+cert/ })
  for (const command of ['serve', 'check', 'healthcheck', 'doctor', 'cert', 'demo', 'init', 'revoke', 'snippet']) {
    t.match(run([command, '--help']), { status: 0, stdout: new RegExp(`^usage: authgear-forward-auth ${command}`) })
  }
  t.match(run(['serve', '--port', '1']), { status: 1, stderr: /serve takes no arguments/ })
  const slip = run(['doctor', '--jsn'])
  t.equal(slip.status, 1)
  t.match(slip.stdout + slip.stderr, /there is no option --jsn: did you mean --json\?/)
  t.match(run(['init', '--clien', 'secret']), { status: 1, stderr: /there is no option --clien: did you mean --client\?/ })
  t.notMatch(run(['init', '--clien', 'secret']).stderr, 'secret')
  t.match(run(['serv']), { status: 1, stderr: /there is no command "serv": did you mean serve\?/ })
  t.match(run(['snippet', 'traefic']), { status: 1, stderr: /no configuration for "traefic": did you mean traefik\?/ })
  t.match(run(['check'], ENDPOINT), { status: 0, stdout: /AUTHGEAR_ENDPOINT +https:\/\/a\.example/ })
  const nobody = { ...ENDPOINT, MANAGEMENT_LISTEN: `127.0.0.1:${await freePort()}` }
  t.match(run(['healthcheck'], nobody), { status: 1, stderr: /livez/ })
})

t.test('a wrong configuration ends with 1 after every error', async (t) => {
  const { status, stderr } = run([], { CACHE_TTL: 'soon', REDIS_URL: 'http://x' })
  t.equal(status, 1)
  for (const name of ['AUTHGEAR_ENDPOINT', 'CACHE_TTL', 'REDIS_URL', 'CACHE_SECRET']) t.match(stderr, name)
})

t.test('a command whose reader ends first ends in silence', async (t) => {
  const child = spawn(process.execPath, [MAIN, 'check'], { env: ENDPOINT })
  child.stdout.destroy()
  const said = await text(child.stderr)
  t.equal(said, '')
})

t.test('LOG_LEVEL=silent does not silence why it cannot start', async (t) => {
  const { status, stdout, stderr } = run([], {
    ...ENDPOINT, LOG_LEVEL: 'silent', LISTEN: '192.0.2.1:4180', MANAGEMENT_LISTEN: '127.0.0.1:0'
  })
  t.match({ status, stdout }, { status: 1, stdout: '' })
  t.match(stderr, /^error: cannot start: LISTEN: cannot listen at 192\.0\.2\.1:4180: .+\n$/)
})

t.test('it starts though Authgear and Redis are down, and says so', async (t) => {
  const nobody = await freePort()
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: `http://127.0.0.1:${nobody}`,
    REDIS_URL: `redis://127.0.0.1:${nobody}`,
    CACHE_SECRET: 'x'.repeat(32)
  })
  const port = Number(new URL(service.managementUrl).port)
  t.match(JSON.parse((await ask(port, { path: '/readyz' })).body), { status: 'serving', redis: 'down' })
  t.equal((await ask(port, { path: '/livez' })).status, 200)
  t.match(await ask(port, { path: '/metrics' }), { status: 200, body: /forward_auth_redis_up 0\n/ })
  t.equal((await ask(port, { path: '/verify' })).status, 404, 'nothing of the main listener here')
  t.match(run(['healthcheck'], { AUTHGEAR_ENDPOINT: 'https://a.example', MANAGEMENT_LISTEN: `127.0.0.1:${port}` }), {
    status: 0
  })
  t.equal((await ask(service.port, { path: '/verify' })).status, 401)
  t.equal((await ask(service.port, signedIn)).status, 503)
  await until('it says so', () => /"warn".*ECONNREFUSED.*Authgear cannot be reached at http:/.test(service.logs()))
  t.equal(await stopped(service), 0)
})

t.test('is ready only when it follows the revocation log', async (t) => {
  const redis = await startRedis(t)
  const simulator = await startSimulator(t)
  for (let start = 0; start < runs(2, 5); start++) {
    const [port, management] = [await freePort(), await freePort()]
    let said: unknown
    await startChild(t, {
      name: 'forward-auth',
      command: process.execPath,
      args: [MAIN],
      env: {
        LISTEN: `127.0.0.1:${port}`,
        MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
        AUTHGEAR_ENDPOINT: simulator.url,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
        REDIS_TIMEOUT: '5s', // on a busy machine Redis is late
        CACHE_SECRET: 'x'.repeat(32)
      },
      ready: async () => {
        const answer = await ask(management, { path: '/readyz' }).catch(() => undefined)
        if (answer?.status === 200) said = JSON.parse(answer.body)
        return said !== undefined
      }
    })
    t.match(said, { status: 'serving', redis: 'up' })
    t.equal((await ask(port, signedIn)).status, 200)
    t.equal((await ask(port, signedIn)).headers['x-forward-auth-source'], 'memory', 'what it resolves is not forgotten')
  }
})

t.test('SIGTERM: not ready at once, open requests are answered, then exit 0', async (t) => {
  const simulator = await startSimulator(t)
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, SHUTDOWN_DELAY: '5s' }, { grpc: true })
  const management = Number(new URL(service.managementUrl).port)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  t.equal(await statusThrough(agent, service.port), 200)
  const envoy = grpcClient(t, service.grpcPort)
  t.equal(await envoy.health(), 1)
  process.kill(service.pid, 'SIGTERM')
  for (;;) if ((await ask(management, { path: '/readyz' })).status === 503) break
  t.match(JSON.parse((await ask(management, { path: '/readyz' })).body), { status: 'draining' })
  t.equal((await ask(management, { path: '/livez' })).status, 200)
  t.equal(await envoy.health(), 2, 'not serving, for Envoy too')
  t.equal(await statusThrough(agent, service.port), 200, 'an open connection still gets its normal answer')
  t.equal(await service.ended, 0)
})

t.test('a request under way when the listener closes gets its answer', async (t) => {
  const simulator = await startSimulator(t)
  const hold = simulator.controls.hold('before')
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_TIMEOUT: '60s' })
  const pending = ask(service.port, signedIn)
  await hold.arrived(1)
  process.kill(service.pid, 'SIGTERM')
  await closed(service.port)
  hold.release()
  t.equal((await pending).status, 200)
  t.equal(await service.ended, 0)
})

t.test('a request that Authgear never answers holds no shutdown up', async (t) => {
  const simulator = await startSimulator(t)
  const hold = simulator.controls.hold('before')
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_TIMEOUT: '60s' })
  const cutOff = t.rejects(ask(service.port, signedIn), 'its time of grace is over')
  await hold.arrived(1)
  await service.stop()
  t.type(await service.ended, 'number', 'it ended by itself, before it would have been killed')
  await cutOff
})

t.test('a signal during the start ends it with 0', async (t) => {
  // a Redis that accepts connections and never answers: the start waits for the list of blocked clients
  const silent = createServer().listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const management = await freePort()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    const starting = await startChild(t, {
      name: 'forward-auth',
      command: process.execPath,
      args: [MAIN],
      env: {
        AUTHGEAR_ENDPOINT: 'https://a.example',
        REDIS_URL: `redis://127.0.0.1:${port}`,
        REDIS_TIMEOUT: '5s', // for so long a silent Redis is not taken for one that is away
        CACHE_SECRET: 'x'.repeat(32),
        RESOURCES: 'https://api.example',
        LISTEN: `127.0.0.1:${await freePort()}`,
        MANAGEMENT_LISTEN: `127.0.0.1:${management}`
      },
      ready: () => ask(management, { path: '/livez' }).then(({ status }) => status === 200, () => false)
    })
    t.equal((await ask(management, { path: '/readyz' })).status, 503, 'it is starting')
    starting.signal(name)
    t.equal(await starting.ended, 0)
    t.match(starting.output(), 'shut down before it was ready')
  }
})

t.test('a second signal ends it with 1 at once', async (t) => {
  const simulator = await startSimulator(t)
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, SHUTDOWN_DELAY: '1m' })
  const management = Number(new URL(service.managementUrl).port)
  process.kill(service.pid, 'SIGTERM')
  for (;;) if ((await ask(management, { path: '/readyz' })).status === 503) break
  process.kill(service.pid, 'SIGTERM')
  t.equal(await service.ended, 1)
})

t.test('it listens on unix sockets, and takes over one that a dead process left', async (t) => {
  const simulator = await startSimulator(t)
  const folder = tempDir(t, 'sock')
  const [path, management] = [join(folder, 'main.sock'), join(folder, 'management.sock')]
  const start = () => startChild(t, {
    name: 'forward-auth',
    command: process.execPath,
    args: [MAIN],
    env: { AUTHGEAR_ENDPOINT: simulator.url, LISTEN: `unix:${path}`, MANAGEMENT_LISTEN: `unix:${management}` },
    ready: (output) => output.includes('"msg":"ready"')
  })
  const first = await start()
  const [banner = ''] = first.output().split('\n').filter((line) => line.includes('"msg":"ready"'))
  t.match(
    JSON.parse(banner),
    {
      version: /^\d/,
      authgear: simulator.url,
      tiers: /^memory \(100000 entries, \d+[kmg]\)$/,
      ttl: /^valid 30 s/,
      listeners: `main unix:${path}, management unix:${management}`
    },
    'one line says what it is'
  )
  t.equal(await statusAt(path, '/verify', { authorization, 'x-forwarded-for': '203.0.113.9' }), 200)
  t.ok(simulator.counters.lastRawHeaders.includes('203.0.113.9'), 'a peer on a unix socket counts as loopback')
  t.equal(await statusAt(management, '/livez'), 200)
  t.equal(
    run(['healthcheck'], { AUTHGEAR_ENDPOINT: 'https://a.example', MANAGEMENT_LISTEN: `unix:${management}` }).status,
    0
  )
  await first.stop('SIGKILL')
  t.ok(existsSync(path), 'the dead process left its socket')
  await start()
  t.equal(await statusAt(path, '/verify', { authorization }), 200)
})

t.test('does not start on a path that is not a socket, and leaves the file', async (t) => {
  const path = join(tempDir(t, 'sock'), 'precious.txt')
  writeFileSync(path, 'precious')
  const { status, stdout } = run([], {
    AUTHGEAR_ENDPOINT: 'https://a.example', LISTEN: `unix:${path}`, MANAGEMENT_LISTEN: 'off'
  })
  t.equal(status, 1)
  t.match(stdout, /is not a socket/)
  t.equal(readFileSync(path, 'utf8'), 'precious')
})

t.test('a log that nobody reads stops nothing: neither answers nor the end', async (t) => {
  const simulator = await startSimulator(t)
  const { port, signal, ended } = await startOnPipe(t, { AUTHGEAR_ENDPOINT: simulator.url })
  for (let i = 0; i < 600; i++) t.equal((await ask(port, { path: '/verify' })).status, 401)
  t.equal((await ask(port, signedIn)).status, 200)
  signal('SIGTERM')
  t.equal(await ended, 0)
})

t.test('with TLS files: HTTPS, and the certificate’s end in the metrics', async (t) => {
  const folder = tempDir(t, 'cert')
  t.equal(run(['cert', '--out', join(folder, 'out'), '--host', 'localhost'], {}).status, 0)
  const simulator = await startSimulator(t)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    LISTEN_TLS_CERT_FILE: join(folder, 'out/tls.crt'),
    LISTEN_TLS_KEY_FILE: join(folder, 'out/tls.key')
  })
  const { body } = await ask(Number(new URL(service.managementUrl).port), { path: '/metrics' })
  const expiry = Number(/^forward_auth_tls_certificate_expiry_timestamp_seconds (\S+)$/m.exec(body)?.[1])
  t.ok(expiry > Date.now() / 1000 + 80 * 86400, 'three months ahead')
  t.equal(await stopped(service), 0)
})

t.test('files of a certificate that are replaced serve the main listener and gRPC', async (t) => {
  const [simulator, tls, renewed] = [await startSimulator(t), makeTls(t), makeTls(t)]
  const { logs, port, grpcPort } = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile
  }, { grpc: true })
  copyFileSync(renewed.keyFile, tls.keyFile)
  copyFileSync(renewed.certFile, tls.certFile)
  await until('they are read again', () => logs().includes('certificate read again'))
  const { fingerprint256 } = new X509Certificate(readFileSync(renewed.certFile))
  for (const one of [port, grpcPort]) {
    const socket = connect({ port: one, host: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    t.equal(socket.getPeerX509Certificate()?.fingerprint256, fingerprint256)
    socket.destroy()
  }
})

async function stopped (service: {
  stop: () => Promise<void>
  ended: Promise<number | string>
}): Promise<number | string> {
  await service.stop()
  return await service.ended
}

t.test('a start with a login warns that everyone who registers may enter', async (t) => {
  const authgear = await startSimulator(t)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    LOGIN_CLIENT_ID: 'web',
    LOGIN_PUBLIC_URL: 'http://localhost:8080',
    LOGIN_SECRET: 'x'.repeat(32),
    LOGIN_SESSION: 'own'
  })
  const lines = (): ReadonlyArray<Readonly<{ level: string, msg: string }>> =>
    service.logs().trim().split('\n').map((line) => JSON.parse(line))
  const said = () => lines().filter(({ msg }) => msg.startsWith('everyone who registers'))
  await until('it has said so', () => said().length > 0)
  t.strictSame(said().map(({ level }) => level), ['warn'])
})

function statusThrough (agent: Agent, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, path: '/verify', headers: { authorization } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    }).once('error', reject).end()
  })
}

async function statusAt (socketPath: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ socketPath, path, headers, agent: false }, resolve).once('error', reject).end()
  })
  await text(response)
  return response.statusCode ?? 0
}

/** Nobody listens there any more. */
async function closed (port: number): Promise<void> {
  for (;;) if (await ask(port, { path: '/verify' }).then(() => false, () => true)) return
}
