// How many calls of Authgear a cold credential costs a fleet, at any speed of Authgear, when all replicas are asked for
// it at once; and how long the others take when the replica that asks is killed.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { metricOf, sharing, startRedis, startService, stop, summary, table, untilShared } from './lib.mjs'

const [REDIS, FIRST] = [21200, 21210]
const REPLICAS = [1, 3, 6]
/** Milliseconds; AUTHGEAR_TIMEOUT is 2 s. */
const LATENCIES = [20, 200, 350, 1000, 1900]
/** How many cold credentials come one after another, and requests for each at every replica. */
const [CREDENTIALS, REQUESTS] = [8, 2]
const KILLS = 5
const KILL_LATENCY_MS = 350

export async function lease () {
  const authgear = await startAuthgear()
  const redis = await startRedis(REDIS)
  try {
    const rows = []
    for (const replicas of REPLICAS) rows.push(...await measure(authgear, replicas))
    const killed = await measureKills(authgear)
    return { name: 'lease', markdown: `${tableOf(rows)}\n\n${sentenceOf(killed)}`, data: { rows, killed } }
  } finally {
    await stop(redis)
    authgear.close()
  }
}

const tableOf = (rows) => table([
  [
    'resolver',
    'replicas',
    'calls of Authgear a credential',
    'allowed',
    'slowest answer, beyond the resolver',
    'commands of Redis a loser',
    'late commands'
  ],
  ...rows.map(({ latencyMs, replicas, calls, allowed, asked, beyondMs, commands, errors }) => [
    `${latencyMs} ms`, replicas, calls.toFixed(1), `${allowed} of ${asked}`, `${Math.round(beyondMs)} ms`, commands, errors
  ])
])

const sentenceOf = ({ allowed, asked, beyondMs }) =>
  `The replica that asks is killed in mid-call (resolver ${KILL_LATENCY_MS} ms, three replicas, ${KILLS} times): ` +
  `${allowed} of ${asked} requests at the others are allowed, the slowest ${Math.round(beyondMs)} ms later than the ` +
  'resolver\'s time after the kill.'

/** Authgear's resolver with a latency that is set; counts its calls. */
async function startAuthgear () {
  const state = { latencyMs: 0, calls: 0, arrived: () => {} }
  const server = createServer(async (_request, response) => {
    state.calls++
    state.arrived()
    await sleep(state.latencyMs)
    response.writeHead(200, [
      'content-length', '0', 'x-authgear-session-valid', 'true', 'x-authgear-user-id', 'someone'
    ])
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return Object.assign(state, {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => { server.close(); server.closeAllConnections() }
  })
}

async function startFleet ({ url }, count) {
  const ports = Array.from({ length: count }, (_, index) => FIRST + 2 * index)
  const children = []
  for (const port of ports) {
    children.push(await startService(port, {
      AUTHGEAR_ENDPOINT: url,
      ...sharing(REDIS),
      REDIS_TIMEOUT: '1s' // a busy machine is no slow Redis
    }))
  }
  const pools = ports.map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 8 }))
  await untilShared(ports)
  return {
    children,
    pools,
    ports,
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()))
      await Promise.all(children.map(stop))
    }
  }
}

let credentials = 0
const newToken = () => `coldCredentialOfTheBench${String(Date.now() % 1e6 * 100 + credentials++ % 100).padStart(8, '0')}`

async function ask (pool, token) {
  const started = performance.now()
  const { statusCode, body } = await pool.request({
    path: '/verify', method: 'GET', headers: { authorization: `Bearer ${token}` }
  })
  await body.dump()
  return { isAllowed: statusCode === 200, ended: performance.now(), ms: performance.now() - started }
}

async function measure (authgear, replicas) {
  const fleet = await startFleet(authgear, replicas)
  try {
    authgear.latencyMs = 0
    for (const pool of fleet.pools) await ask(pool, newToken())
    const rows = []
    for (const latencyMs of LATENCIES) rows.push(await measureAt(authgear, fleet, latencyMs))
    return rows.map((row) => ({ replicas, ...row }))
  } finally {
    await fleet.close()
  }
}

async function measureAt (authgear, { pools, ports }, latencyMs) {
  Object.assign(authgear, { latencyMs, calls: 0 })
  const answers = []
  const commandsBefore = await commandsOfRedis()
  const errorsBefore = await errorsOf(ports)
  for (let index = 0; index < CREDENTIALS; index++) {
    const token = newToken()
    const requests = pools.flatMap((pool) => Array.from({ length: REQUESTS }, () => ask(pool, token)))
    answers.push(...await Promise.all(requests))
    await sleep(50)
  }
  const losers = CREDENTIALS * (pools.length - 1)
  return {
    latencyMs,
    calls: authgear.calls / CREDENTIALS,
    allowed: answers.filter(({ isAllowed }) => isAllowed).length,
    asked: answers.length,
    beyondMs: summary(answers.map(({ ms }) => ms - latencyMs)).max,
    commands: losers === 0 ? '–' : Math.round((await commandsOfRedis() - commandsBefore) / losers),
    errors: await errorsOf(ports) - errorsBefore
  }
}

/** Commands that failed or came too late, and so had a replica ask alone, or wait on. */
async function errorsOf (ports) {
  const counts = await Promise.all(ports.map((port) => metricOf(port, 'forward_auth_redis_errors_total\\{[^}]*\\}')))
  return counts.reduce((sum, count) => sum + count, 0)
}

const LEASE_COMMANDS = /^cmdstat_(set|get|pttl|eval|del):calls=(\d+)/gm

/** Commands that cache and leases have sent so far. */
async function commandsOfRedis () {
  const redis = new Redis(REDIS, '127.0.0.1')
  const text = await redis.info('commandstats')
  redis.disconnect()
  return [...text.matchAll(LEASE_COMMANDS)].reduce((sum, [, , count]) => sum + Number(count), 0)
}

/** The first replica asks, the others wait for it; it is killed while Authgear is being asked. */
async function measureKills (authgear) {
  const answers = []
  for (let kill = 0; kill < KILLS; kill++) {
    const { children, pools: [first, ...others], close } = await startFleet(authgear, 3)
    authgear.latencyMs = KILL_LATENCY_MS
    const token = newToken()
    const arrived = new Promise((resolve) => { authgear.arrived = resolve })
    const lost = ask(first, token).catch(() => {})
    await arrived
    const waiting = others.map((pool) => ask(pool, token))
    await sleep(KILL_LATENCY_MS / 2)
    const killed = performance.now()
    await stop(children[0])
    await lost
    answers.push(...(await Promise.all(waiting)).map((one) => ({ ...one, ms: one.ended - killed })))
    await close()
  }
  return {
    allowed: answers.filter(({ isAllowed }) => isAllowed).length,
    asked: answers.length,
    beyondMs: summary(answers.map(({ ms }) => ms - KILL_LATENCY_MS)).max
  }
}
