// One signed-in user at /_auth/logout with junk beside the session, at full speed, while others are asked about on two
// replicas.
// Real processes, a real Redis of little memory. `npm run build` first; FLOOD_SECONDS=600 MAXMEMORY=32mb node
// test/bench/logout-flood.mjs
// Exit code 1 where a replica stopped following, a purge failed or the log stayed long.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { metricOf, sharing, start, startService, stopAll, until, untilShared } from './lib.mjs'

const SECONDS = Math.min(Number(process.env.FLOOD_SECONDS ?? 600), 900)
const MAXMEMORY = process.env.MAXMEMORY ?? '32mb'
const REDIS = 20950
const PORTS = [20951, 20953]
const ATTACKERS = 16
const PEOPLE = 100
const TOKEN = 'management token of the bench'
/** Entries that the log may hold a minute after. */
const LONGEST = 10_000
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

const startReplica = (resolver, port) => startService(port, {
  AUTHGEAR_ENDPOINT: 'https://auth.example.com',
  AUTHGEAR_RESOLVER_URL: `${resolver}/resolve`,
  ...sharing(REDIS),
  CACHE_TTL: '30s',
  CACHE_NEGATIVE_TTL: '5s',
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: 'https://app.example.com',
  LOGIN_SECRET: 'another secret of the bench, 32 B',
  MANAGEMENT_TOKEN: TOKEN,
  LOG_LEVEL: 'silent'
}, '0,1')

function ask (port, path, headers = {}, body = undefined) {
  return new Promise((resolve) => {
    const options = { agent, host: '127.0.0.1', port, path, headers, method: body === undefined ? 'GET' : 'POST' }
    const sent = request(options, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }))
    })
    sent.once('error', () => resolve({ status: 0, headers: {} }))
    sent.end(body)
  })
}

const isFollowing = async (port) => await metricOf(port, 'forward_auth_revocation_log_connected') === 1

const counts = { attacks: 0, signedOut: 0, refused: 0, asked: 0, cached: 0, notOk: 0, purges: 0, purgesFailed: 0 }
const seen = { samples: 0, notFollowing: 0, longest: 0, peakMemory: 0 }
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
    seen.samples += 2
    seen.notFollowing += following.filter((is) => !is).length
    seen.longest = Math.max(seen.longest, await redis.xlen(stream))
    seen.peakMemory = Math.max(seen.peakMemory, Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]))
    if (n % 10 === 0) {
      counts.purges++
      const { status } = await ask(
        PORTS[n % 2] + 1,
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
const memory = ['--maxmemory', MAXMEMORY, '--maxmemory-policy', 'noeviction']
start('redis-server', ['--port', String(REDIS), '--bind', '127.0.0.1', '--save', '', ...memory])
const redis = new Redis(REDIS, '127.0.0.1')
redis.on('error', () => {})
let isGood = false
try {
  await until(() => redis.ping().then(() => true, () => false))
  await Promise.all(PORTS.map((port) => startReplica(resolver, port)))
  await untilShared(PORTS)
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
  const written = await metricOf(PORTS[0], 'forward_auth_revocations_total\\{origin="logout"\\}')
  await sleep(60_000)
  const afterwards = await redis.xlen(stream)
  const following = await Promise.all(PORTS.map(isFollowing))
  console.log(JSON.stringify({
    seconds: SECONDS,
    maxmemory: MAXMEMORY,
    ...counts,
    ...seen,
    cacheHits: Number((counts.cached / counts.asked).toFixed(4)),
    writtenByLogout: written,
    atEnd,
    aMinuteAfter: afterwards,
    followingAfter: following
  }, undefined, 1))
  isGood = seen.notFollowing + counts.purgesFailed + counts.notOk === 0 && afterwards < LONGEST &&
    following.every(Boolean)
} finally {
  redis.disconnect()
  agent.destroy()
  await stopAll()
  await simulator.close()
}
process.exitCode = isGood ? 0 : 1
