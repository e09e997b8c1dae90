// One signed-in user at /_auth/logout with junk beside the session, at full speed, while others are asked about on two
// replicas.
// Real processes, a real Redis of little memory. `npm run build` first; FLOOD_SECONDS=600 MAXMEMORY=32mb node
// test/bench/logout-flood.mjs
// DIST: another build, to compare with. Exit code 1 where a replica stopped following, a purge failed or the log stayed
// long.
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'

const SECONDS = Math.min(Number(process.env.FLOOD_SECONDS ?? 600), 900)
const MAXMEMORY = process.env.MAXMEMORY ?? '32mb'
const MAIN =
  process.env.DIST === undefined
    ? new URL('../../dist/main.js', import.meta.url).pathname
    : `${process.env.DIST}/main.js`
const REDIS_PORT = 20950
const PORTS = [20951, 20952]
const ATTACKERS = 16
const PEOPLE = 100
const TOKEN = 'management token of the bench'
/** Entries that the log may hold a minute after. */
const LONGEST = 10_000
const children = []
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

function start (command, args, env = {}) {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  children.push(child)
}

const startReplica = (resolver, port) => start(process.execPath, [MAIN], {
  AUTHGEAR_ENDPOINT: 'https://auth.example.com',
  AUTHGEAR_RESOLVER_URL: `${resolver}/resolve`,
  REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}`,
  CACHE_SECRET: 'a secret of the bench, 32 bytes!',
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: 'https://app.example.com',
  LOGIN_SECRET: 'another secret of the bench, 32 B',
  MANAGEMENT_TOKEN: TOKEN,
  LISTEN: `127.0.0.1:${port}`,
  MANAGEMENT_LISTEN: `127.0.0.1:${port + 10}`,
  LOG_LEVEL: 'silent'
})

function ask (port, path, headers = {}, body = undefined) {
  return new Promise((resolve) => {
    const sent = request(
      { agent, host: '127.0.0.1', port, path, headers, method: body === undefined ? 'GET' : 'POST' },
      (answer) => {
        let text = ''
        answer
          .setEncoding('utf8')
          .on('data', (part) => {
            text += part
          })
          .on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
      }
    )
    sent.once('error', () => resolve({ status: 0, headers: {}, text: '' }))
    sent.end(body)
  })
}

async function metric (port, name) {
  const { text } = await ask(port + 10, '/metrics')
  return Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? NaN)
}

const isFollowing = async (port) => await metric(port, 'forward_auth_revocation_log_connected') === 1

async function until (what, holds, ms = 20_000) {
  for (const deadline = Date.now() + ms; !await holds();) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`)
    await sleep(50)
  }
}

const counts = {
  attacks: 0,
  signedOut: 0,
  refused: 0,
  asked: 0,
  cached: 0,
  notOk: 0,
  purges: 0,
  purgesFailed: 0,
  samples: 0,
  notFollowing: 0,
  longest: 0,
  peakMemory: 0
}
const over = new AbortController()

async function attack (session) {
  for (let n = 0; !over.signal.aborted; n++) {
    const junk = `${n}-${Math.random()}`
    const cookie = `app_session=${junk}.a; app_access_token=t${junk}; session=${session}`
    const { status } = await ask(PORTS[0], '/_auth/logout', {
      cookie,
      authorization: `Bearer ${junk}`,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      accept: 'text/html'
    })
    counts.attacks++
    if (status === 302) counts.signedOut++
    else counts.refused++
  }
}

/** 100 people, each asked about twice a second in turn on both replicas. */
async function bystand (tokens) {
  for (let n = 0; !over.signal.aborted; n++) {
    const { status, headers } = await ask(PORTS[n % 2], '/verify', {
      authorization: `Bearer ${tokens[Math.floor(n / 2) % tokens.length]}`
    })
    counts.asked++
    if (status !== 200) counts.notOk++
    if (['memory', 'redis'].includes(headers['x-forward-auth-source'])) counts.cached++
    await sleep(5)
  }
}

async function watch (redis, stream) {
  for (let n = 0; !over.signal.aborted; n++) {
    const following = await Promise.all(PORTS.map(isFollowing))
    counts.samples += 2
    counts.notFollowing += following.filter((is) => !is).length
    counts.longest = Math.max(counts.longest, await redis.xlen(stream))
    counts.peakMemory = Math.max(counts.peakMemory, Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]))
    if (n % 10 === 0) {
      counts.purges++
      const { status } = await ask(
        PORTS[n % 2] + 10,
        '/revocations',
        { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        JSON.stringify({ user_id: `nobody-${n}` })
      )
      if (status !== 200) counts.purgesFailed++
    }
    await sleep(1000)
  }
}

const simulator = buildSimulator({
  cookieDomain: 'example.com',
  clients: [
    {
      id: 'web',
      redirectUris: ['https://app.example.com/_auth/callback'],
      postLogoutRedirectUris: ['https://app.example.com/_auth/logged-out']
    }
  ]
})
const resolver = await simulator.listen({ port: 0 })
start('redis-server', [
  '--port',
  String(REDIS_PORT),
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--maxmemory',
  MAXMEMORY,
  '--maxmemory-policy',
  'noeviction'
])
for (const port of PORTS) startReplica(resolver, port)
const redis = new Redis(REDIS_PORT, '127.0.0.1')
redis.on('error', () => {})
let isGood = false
try {
  await until('both replicas follow', async () => (await Promise.all(PORTS.map(isFollowing))).every(Boolean))
  const [stream] = await redis.keys('*:stream')
  const people = Array.from({ length: PEOPLE }, (_, n) => `person-${n}`)
  const tokens = people.map((id) => {
    simulator.controls.addUser({ id, name: id, sessions: [] })
    return simulator.controls.signIn(id).accessToken
  })
  const session = simulator.controls.signIn('alice').cookie
  for (const port of PORTS) for (const token of tokens) await ask(port, '/verify', { authorization: `Bearer ${token}` })
  const loops = [...Array.from({ length: ATTACKERS }, () => attack(session)), bystand(tokens), watch(redis, stream)]
  await sleep(SECONDS * 1000)
  over.abort()
  await Promise.all(loops)
  const atEnd = await redis.xlen(stream)
  const written = (
    await Promise.all(PORTS.map((port) => metric(port, 'forward_auth_revocations_total{origin="logout"}')))
  )[0]
  await sleep(60_000)
  const afterwards = await redis.xlen(stream)
  const following = await Promise.all(PORTS.map(isFollowing))
  console.log(
    JSON.stringify(
      {
        seconds: SECONDS,
        maxmemory: MAXMEMORY,
        ...counts,
        cacheHits: Number((counts.cached / counts.asked).toFixed(4)),
        writtenByLogout: written,
        atEnd,
        aMinuteAfter: afterwards,
        followingAfter: following
      },
      undefined,
      1
    )
  )
  isGood =
    counts.notFollowing === 0 &&
    counts.purgesFailed === 0 &&
    counts.notOk === 0 &&
    afterwards < LONGEST &&
    following.every(Boolean)
} finally {
  redis.disconnect()
  agent.destroy()
  for (const child of children) child.kill()
  await simulator.close()
}
process.exitCode = isGood ? 0 : 1
