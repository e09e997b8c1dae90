// npm run bench:revocations: how long until a revocation of a session, and of resource tokens, holds on three replicas,
// and how a replica starts on a long log.
// Replicas as in production (processes, default settings), a real redis-server. ENTRIES=900000 is 1,000 revocations a
// second for 15 minutes.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { deriveKeys } from '../../dist/core/cache-key.js'
import { createEntryCodec } from '../../dist/shared/revocation/codec.js'

const ENTRIES = Number(process.env.ENTRIES ?? 900_000)
const REDIS_PORT = 20930
const PORTS = [20931, 20932, 20933]
const SECRET = 'a secret of the bench, 32 bytes!'
const WEBHOOK_SECRET = 'a webhook secret of the bench'
const MANAGEMENT_TOKEN = 'a management token of the bench'
const RESOURCE = 'https://api.example.com'
const ROUNDS = 50
/** One for each round: a purge ends every token of a client that was issued until then. */
const MACHINES = Array.from({ length: ROUNDS }, (_, n) => ({
  id: `machine-${n}`, secret: 'secret', scopes: []
}))
const children = []

function start (command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  children.push(child)
  return child
}

const startReplica = (endpoint, port) =>
  start(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname], {
    AUTHGEAR_ENDPOINT: endpoint,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}`,
    CACHE_SECRET: SECRET,
    LISTEN: `127.0.0.1:${port}`,
    MANAGEMENT_LISTEN: `127.0.0.1:${port + 10}`,
    MANAGEMENT_TOKEN,
    RESOURCES: RESOURCE,
    LOG_LEVEL: 'warn'
  })

const readiness = (port) => fetch(`http://127.0.0.1:${port + 10}/readyz`).then((answer) => answer.json(), () => ({}))
const verify = (port, token, path = '/verify') =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

async function until (holds) { while (!await holds()) await sleep(5) }

/** From the webhook's sending to the first refusal on each of three replicas. */
async function revocations (simulator) {
  const times = []
  for (let n = 0; n < ROUNDS; n++) {
    const { accessToken } = simulator.controls.signIn('alice')
    const id = `user-${n}`
    simulator.controls.addUser({ id, name: id, sessions: [{ accessTokens: [accessToken] }] })
    for (const port of PORTS) await verify(port, accessToken)
    simulator.controls.disable(id)
    const body = JSON.stringify({ id: `event-${n}`, type: 'user.disabled', payload: { user: { id } }, context: {} })
    const started = performance.now()
    const refused = PORTS.map((port) => until(async () => (await verify(port, accessToken)).status === 401))
    await fetch(`http://127.0.0.1:${PORTS[n % 3]}/webhook`, {
      method: 'POST',
      body,
      headers: { 'x-authgear-body-signature': createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex') }
    })
    await Promise.all(refused)
    times.push(performance.now() - started)
  }
  report('a user disabled', times)
}

/** From the purge's sending to the first refusal of a verified token on each of three replicas. */
async function tokenRevocations (endpoint) {
  const times = []
  for (const [n, { id, secret }] of MACHINES.entries()) {
    const token = await tokenOf(endpoint, id, secret)
    const statusAt = async (port) => (await verify(port, token, `/resource?resource=${RESOURCE}`)).status
    for (const port of PORTS) await until(async () => await statusAt(port) === 200)
    const started = performance.now()
    const refused = PORTS.map((port) => until(async () => await statusAt(port) === 401))
    const { status } = await fetch(`http://127.0.0.1:${PORTS[n % 3] + 10}/revocations`, {
      method: 'POST',
      body: JSON.stringify({ client_id: id }),
      headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' }
    })
    if (status !== 200) throw new Error(`the purge of ${id}: ${status}`)
    await Promise.all(refused)
    times.push(performance.now() - started)
  }
  report("a client's resource tokens purged", times)
}

async function tokenOf (endpoint, id, secret) {
  const answer = await fetch(`${endpoint}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials', client_id: id, client_secret: secret, resource: RESOURCE
    })
  })
  const { access_token: token, ...refusal } = await answer.json()
  if (token === undefined) throw new Error(JSON.stringify(refusal))
  return token
}

function report (what, times) {
  console.log(
    `${what} → refused on three replicas, ${times.length} times, asked about every 5 ms: ` +
      `median ${Math.round(median(times))} ms, longest ${Math.round(Math.max(...times))} ms`
  )
}

/** Writes a log as log.lua does, but in bulk. */
async function writeLog (redis, endpoint, count) {
  const prefix = `forward-auth:{log:${createHash('sha256').update(endpoint).digest('base64url').slice(0, 16)}}`
  const codec = createEntryCodec(deriveKeys(Buffer.from(SECRET)).log)
  for (let written = 0; written < count;) {
    const began = written
    const pipeline = redis.pipeline()
    for (let n = 0; n < 5000 && written < count; n++, written++) {
      const fields = codec.encode(randomBytes(16).toString('hex'), {
        target: { kind: 'user', userId: `user-${written}` },
        origin: 'webhook',
        quietMs: 2000
      })
      pipeline.xadd(`${prefix}:stream`, '*', ...Object.entries(fields).flat())
    }
    pipeline.hincrby(`${prefix}:head`, 'count', Math.min(5000, count - began))
    await pipeline.exec()
  }
}

async function startOn (endpoint, count) {
  const port = 20939
  const started = performance.now()
  startReplica(endpoint, port)
  await until(async () => (await readiness(port)).status === 'serving')
  const readyMs = performance.now() - started
  let worst = 0
  const asking = { isOver: false }
  const asker = (async () => {
    while (!asking.isOver) {
      const at = performance.now()
      await verify(port).then((answer) => answer.text())
      worst = Math.max(worst, performance.now() - at)
    }
  })()
  await until(async () => (await readiness(port)).redis === 'up')
  asking.isOver = true
  await asker
  const { rss } = Object.fromEntries(
    (await fetch(`http://127.0.0.1:${port + 10}/metrics`).then((answer) => answer.text()))
      .split('\n')
      .filter((line) => line.startsWith('process_resident_memory_bytes '))
      .map((line) => ['rss', Number(line.split(' ')[1])])
  )
  console.log(
    `a replica that starts on a log of ${count} entries: ready after ${Math.round(readyMs)} ms, has read it after ` +
      `${Math.round(performance.now() - started)} ms; worst answer meanwhile ${Math.round(worst)} ms; ` +
      `${Math.round(rss / 2 ** 20)} MiB`
  )
}

const simulator = buildSimulator({ resources: [{ uri: RESOURCE, scopes: [] }], machines: MACHINES })
const endpoint = await simulator.listen()
start('redis-server', ['--port', String(REDIS_PORT), '--save', ''])
const redis = new Redis(REDIS_PORT)
redis.on('error', () => {})
try {
  await until(() => redis.ping().then(() => true, () => false))
  for (const port of PORTS) startReplica(endpoint, port)
  for (const port of PORTS) await until(async () => (await readiness(port)).redis === 'up')
  await revocations(simulator)
  await tokenRevocations(endpoint)
  for (const child of children.slice(1)) child.kill('SIGKILL')
  await startOn(endpoint, 2 * ROUNDS + 1)
  children.at(-1).kill('SIGKILL')
  await writeLog(redis, endpoint, ENTRIES)
  await startOn(endpoint, ENTRIES)
} finally {
  redis.disconnect()
  for (const child of children) child.kill('SIGKILL')
  await simulator.close()
}
