// npm run bench:figures: what docs/performance.md says beside the rates: calls in a burst, and the worst answer with a frozen Redis.
// Replicas as in production (processes, default settings), a real redis-server, a simulated Authgear with a lock per session.
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'

const REDIS_PORT = 20910
const PORTS = [20911, 20912, 20913]
const children = []
const start = (command, args, env = {}) => {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  children.push(child)
  return child
}

/** @returns status and milliseconds of one answer */
function ask (port, token, agent) {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/verify', agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().once('end', () => resolve({ status: response.statusCode, ms: performance.now() - started }))
    }).once('error', reject).end()
  })
}

const worst = (answers) => Math.round(Math.max(...answers.map(({ ms }) => ms)))

async function ready () {
  for (const port of PORTS) while (!await fetch(`http://127.0.0.1:${port + 10}/readyz`).then((answer) => answer.json(), () => ({})).then(({ redis }) => redis === 'up')) await sleep(50)
}

/** Every slot and place is taken: how long the next one waits for its refusal, and who is remembered for an answer. */
async function overload () {
  const port = 20914
  start(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname], { AUTHGEAR_ENDPOINT: endpoint, AUTHGEAR_TIMEOUT: '30s', AUTHGEAR_MAX_CONCURRENCY: '8', AUTHGEAR_MAX_QUEUE: '32', LISTEN: `127.0.0.1:${port}`, MANAGEMENT_LISTEN: `127.0.0.1:${port + 10}`, LOG_LEVEL: 'error' })
  while (!await fetch(`http://127.0.0.1:${port + 10}/readyz`).then(({ ok }) => ok, () => false)) await sleep(50)
  simulator.knobs.latency = 0
  const { accessToken } = simulator.knobs.signIn('alice')
  await ask(port, accessToken)
  const gate = simulator.knobs.hold('before')
  const waiting = Array.from({ length: 40 }, (_, index) => ask(port, `waits${index}`.padEnd(32, 'x')))
  await gate.arrived(8)
  await sleep(200)
  const agent = new Agent({ keepAlive: true })
  const [refused, served] = [[], []]
  for (let index = 0; index < 500; index++) {
    refused.push(await ask(port, `refused${index}`.padEnd(32, 'x'), agent))
    served.push(await ask(port, accessToken, agent))
  }
  agent.destroy()
  gate.release()
  await Promise.all(waiting)
  const median = (answers) => answers.map(({ ms }) => ms).toSorted((a, b) => a - b)[250].toFixed(2)
  console.log(`overload: ${refused.filter(({ status }) => status === 503).length} of 500 refused, median ${median(refused)} ms; ${served.filter(({ status }) => status === 200).length} of 500 who are remembered served, median ${median(served)} ms`)
}

const simulator = buildSimulator({})
const endpoint = await simulator.listen()
const redis = start('redis-server', ['--port', String(REDIS_PORT), '--save', ''])
for (const port of PORTS) {
  start(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname], {
    AUTHGEAR_ENDPOINT: endpoint, REDIS_URL: `redis://127.0.0.1:${REDIS_PORT}`, CACHE_SECRET: 'a secret of the bench, 32 bytes!', LISTEN: `127.0.0.1:${port}`, MANAGEMENT_LISTEN: `127.0.0.1:${port + 10}`, LOG_LEVEL: 'warn'
  })
}

try {
  await ready()
  for (const latency of [40, 100]) {
    simulator.knobs.latency = latency
    simulator.knobs.sessionLock = true
    const { accessToken } = simulator.knobs.signIn('alice')
    simulator.counters.reset()
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => ask(PORTS[index % 3], accessToken)))
    console.log(`60 parallel requests of one fresh session on three replicas, resolver ${latency} ms: ${simulator.counters.resolutions} call(s), ${answers.filter(({ status }) => status === 200).length} of 60 are 200, slowest ${worst(answers)} ms`)
  }
  await overload()
  simulator.knobs.latency = 60
  const tokens = Array.from({ length: 200 }, () => simulator.knobs.signIn('alice').accessToken)
  redis.kill('SIGSTOP')
  const answers = []
  for (let index = 0; index < tokens.length; index += 10) answers.push(...await Promise.all(tokens.slice(index, index + 10).map((token, place) => ask(PORTS[place % 3], token))))
  redis.kill('SIGCONT')
  console.log(`200 cold requests with a frozen Redis, resolver 60 ms: ${answers.filter(({ status }) => status === 200).length} of 200 are 200, worst ${worst(answers)} ms`)
} finally {
  for (const child of children) child.kill('SIGKILL')
  await simulator.close()
}
