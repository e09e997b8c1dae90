// Many requests of one fresh session at once, an entry that ends under load, a Redis that froze, and overload: calls
// made and the worst answer.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { sharing, startRedis, startService, stop, summary, table, untilShared } from './lib.mjs'

const REDIS = 21200
const PORTS = [21210, 21212, 21214]
const [SHORT, BUSY] = [21216, 21218]

/** @returns status (401: nobody's session) and milliseconds of one answer */
function ask (port, token, agent, { path, headers } = { path: '/verify' }) {
  const started = performance.now()
  const options = { host: '127.0.0.1', port, path, agent, headers: { authorization: `Bearer ${token}`, ...headers } }
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      const isNobodys = response.headers['x-authgear-session-valid'] === 'false'
      const status = isNobodys ? 401 : response.statusCode
      response.resume().once('end', () => resolve({ status, ms: performance.now() - started }))
    }).once('error', reject).end()
  })
}

const worst = (answers) => Math.max(...answers.map(({ ms }) => ms))
const allowed = (answers) => `${answers.filter(({ status }) => status === 200).length} of ${answers.length}`
const times = (count, make) => Promise.all(Array.from({ length: count }, (_, index) => make(index)))

export async function burst () {
  const simulator = buildSimulator({})
  const env = { AUTHGEAR_ENDPOINT: await simulator.listen() }
  const redis = await startRedis(REDIS)
  const children = [redis]
  const shared = { ...env, ...sharing(REDIS) }
  try {
    for (const port of PORTS) children.push(await startService(port, shared, port === PORTS[0] ? 0 : 1))
    await untilShared(PORTS)
    simulator.controls.sessionLock = true
    const rows = [
      await fresh(simulator, 20, 40, [PORTS[0]]),
      await fresh(simulator, 100, 100, [PORTS[0]]),
      await fresh(simulator, 60, 40, PORTS),
      await fresh(simulator, 60, 100, PORTS),
      await without(simulator, env.AUTHGEAR_ENDPOINT, 20, 40)
    ]
    children.push(await startService(SHORT, { ...env, CACHE_TTL: '2s' }))
    rows.push(await ending(simulator))
    rows.push(await frozen(simulator, redis))
    children.push(
      await startService(BUSY, {
        ...env,
        AUTHGEAR_TIMEOUT: '30s',
        AUTHGEAR_MAX_CONCURRENCY: '8',
        AUTHGEAR_MAX_QUEUE: '32'
      })
    )
    rows.push(...await overload(simulator))
    return {
      name: 'burst',
      markdown: table([['what', 'calls of Authgear', 'allowed', 'slowest answer'], ...rows]),
      data: rows
    }
  } finally {
    for (const child of children.reverse()) await stop(child)
    await simulator.close()
  }
}

/** One session that nobody has seen, from all its connections at once; five times, the middle one counts. */
async function fresh (simulator, count, latency, ports) {
  simulator.controls.latency = latency
  const runs = []
  for (let run = 0; run < 5; run++) {
    // connections and code are warm, as in a service that runs
    await times(count, (index) => ask(ports[index % ports.length], 'x'.repeat(32)))
    const { accessToken } = simulator.controls.signIn('alice')
    simulator.counters.reset()
    const answers = await times(count, (index) => ask(ports[index % ports.length], accessToken))
    runs.push({ calls: simulator.counters.resolutions, answers, ms: worst(answers) })
  }
  const { median, max } = summary(runs.map(({ ms }) => ms))
  const name = `${count} parallel requests of one fresh session, ` +
    `${ports.length === 1 ? 'one replica' : `${ports.length} replicas`}, resolver ${latency} ms`
  return [
    name,
    Math.max(...runs.map(({ calls }) => calls)),
    allowed(runs.flatMap(({ answers }) => answers)),
    `${median.toFixed(0)} ms (worst of 5: ${max.toFixed(0)})`
  ]
}

/** What the same page costs where each request is a resolution: Authgear holds a lock for each session. */
async function without (simulator, endpoint, count, latency) {
  simulator.controls.latency = latency
  const { accessToken } = simulator.controls.signIn('alice')
  simulator.counters.reset()
  const { host, port } = new URL(endpoint)
  const asked = { path: '/_resolver/resolve', headers: { 'x-forwarded-host': host, 'x-forwarded-proto': 'http' } }
  const answers = await times(count, () => ask(port, accessToken, undefined, asked))
  return [
    `the same ${count} with the resolver asked each time, ${latency} ms, its lock for each session`,
    simulator.counters.resolutions,
    allowed(answers),
    `${worst(answers).toFixed(0)} ms`
  ]
}

/** One session in steady use over ten of its lives: it is renewed while nobody waits. */
async function ending (simulator) {
  simulator.controls.latency = 100
  const { accessToken } = simulator.controls.signIn('alice')
  const agent = new Agent({ keepAlive: true })
  for (let index = 0; index < 20; index++) await ask(SHORT, accessToken, agent)
  simulator.counters.reset()
  const answers = []
  const until = performance.now() + 20_000
  while (performance.now() < until) { answers.push(await ask(SHORT, accessToken, agent)); await sleep(5) }
  agent.destroy()
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  return [
    'one session in steady use through ten lives of 2 s, resolver 100 ms',
    simulator.counters.resolutions,
    allowed(answers),
    `${sorted.at(-1).toFixed(0)} ms, 99.9 % within ${sorted[Math.floor(sorted.length * 0.999)].toFixed(1)} ms`
  ]
}

async function frozen (simulator, redis) {
  simulator.controls.latency = 60
  const tokens = Array.from({ length: 200 }, () => simulator.controls.signIn('alice').accessToken)
  simulator.counters.reset()
  redis.kill('SIGSTOP')
  const answers = []
  for (let index = 0; index < tokens.length; index += 10) {
    answers.push(
      ...(await Promise.all(tokens.slice(index, index + 10).map((token, place) => ask(PORTS[place % 3], token))))
    )
  }
  redis.kill('SIGCONT')
  return [
    '200 fresh sessions while Redis is frozen (SIGSTOP), three replicas, resolver 60 ms',
    simulator.counters.resolutions,
    allowed(answers),
    `${worst(answers).toFixed(0)} ms`
  ]
}

/** Every slot and place is taken: how long the next one waits for its refusal, and who is remembered for an answer. */
async function overload (simulator) {
  simulator.controls.latency = 0
  const { accessToken } = simulator.controls.signIn('alice')
  await ask(BUSY, accessToken)
  const gate = simulator.controls.hold('before')
  const waiting = Array.from({ length: 40 }, (_, index) => ask(BUSY, `waits${index}`.padEnd(32, 'x')))
  await gate.arrived(8)
  await sleep(200)
  const agent = new Agent({ keepAlive: true })
  const [refused, served] = [[], []]
  for (let index = 0; index < 500; index++) {
    refused.push(await ask(BUSY, `refused${index}`.padEnd(32, 'x'), agent))
    served.push(await ask(BUSY, accessToken, agent))
  }
  agent.destroy()
  gate.release()
  await Promise.all(waiting)
  const median = (answers) => `${summary(answers.map(({ ms }) => ms)).median.toFixed(2)} ms at the median`
  return [
    ['overload (8 slots and 32 places taken): fresh sessions, 503 `overloaded`', 0, allowed(refused), median(refused)],
    ['the same, sessions that are remembered', 0, allowed(served), median(served)]
  ]
}
