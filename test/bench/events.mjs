// npm run bench:events: what 1,000 streams of events cost a replica at 100 revocations a second, and a hit beside them.
// A replica as in production (a process, default settings), memory alone; the readers are another process' sockets.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'

const STREAMS = Number(process.env.STREAMS ?? 1000)
const RATE = Number(process.env.RATE ?? 100)
const SECONDS = Number(process.env.SECONDS ?? 10)
const [PORT, MANAGEMENT, EVENTS] = [20951, 20961, 20971]
const TOKEN = 'e'.repeat(32)
const MANAGEMENT_TOKEN = 'a management token of the bench'

const simulator = buildSimulator({})
const endpoint = await simulator.listen()
const { accessToken } = simulator.controls.signIn('alice')
const replica = spawn(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname], {
  stdio: 'inherit',
  env: {
    ...process.env,
    AUTHGEAR_ENDPOINT: endpoint,
    LISTEN: `127.0.0.1:${PORT}`,
    MANAGEMENT_LISTEN: `127.0.0.1:${MANAGEMENT}`,
    MANAGEMENT_TOKEN,
    LISTEN_EVENTS: `127.0.0.1:${EVENTS}`,
    EVENTS_TOKENS: `default:${TOKEN}`,
    CACHE_TTL: '10m',
    LOG_LEVEL: 'warn'
  }
})
const hits = new Pool(`http://127.0.0.1:${PORT}`, { connections: 8 })
const purges = new Pool(`http://127.0.0.1:${MANAGEMENT}`, { connections: 8 })
const authorization = `Bearer ${accessToken}`

async function ready () {
  const answer = await fetch(`http://127.0.0.1:${MANAGEMENT}/readyz`).catch(() => undefined)
  return answer?.ok === true
}

async function metric (name) {
  const text = await (await fetch(`http://127.0.0.1:${MANAGEMENT}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

/** Microseconds of the replica's CPU a hit, by so many hits. */
async function hitCost (count = 20_000) {
  let left = count
  const before = await metric('process_cpu_seconds_total')
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (left-- > 0) {
      const { statusCode, body } = await hits.request({ path: '/verify', method: 'GET', headers: { authorization } })
      await body.dump()
      if (statusCode !== 200) throw new Error(`a hit is ${statusCode}`)
    }
  }))
  return (await metric('process_cpu_seconds_total') - before) / count * 1e6
}

let bytes = 0
async function openStreams () {
  const sockets = []
  for (let n = 0; n < STREAMS; n++) {
    const socket = connect(EVENTS, '127.0.0.1')
    socket.write(`GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`)
    socket.on('data', (chunk) => { bytes += chunk.length }).on('error', () => {})
    await new Promise((resolve) => socket.once('data', resolve))
    sockets.push(socket)
  }
  return sockets
}

const purge = (n) => purges.request({
  path: '/revocations',
  method: 'POST',
  headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}`, 'content-type': 'application/json' },
  body: JSON.stringify({ user_id: `user-${n}` })
}).then(({ body }) => body.dump())

try {
  while (!await ready()) await sleep(50)
  await hitCost()
  const alone = await hitCost()
  const rss = await metric('process_resident_memory_bytes')
  const sockets = await openStreams()
  const idle = await hitCost()
  const open = await metric('process_resident_memory_bytes')
  const [cpu, began] = [await metric('process_cpu_seconds_total'), performance.now()]
  bytes = 0
  let told = 0
  for (; performance.now() - began < SECONDS * 1000; told++) {
    await purge(told)
    const late = began + (told + 1) * 1000 / RATE - performance.now()
    if (late > 0) await sleep(late)
  }
  const seconds = (performance.now() - began) / 1000
  const used = await metric('process_cpu_seconds_total') - cpu
  const after = await metric('process_resident_memory_bytes')
  const mib = (value) => (value / 2 ** 20).toFixed(0)
  console.log(`a hit: ${alone.toFixed(1)} µs of CPU without streams, ${idle.toFixed(1)} beside ${STREAMS} that are open`)
  console.log(`${STREAMS} streams: ${mib(rss)} MiB before, ${mib(open)} with them, ${mib(after)} afterwards`)
  console.log(`${told} revocations in ${seconds.toFixed(1)} s to ${STREAMS} streams (${mib(bytes)} MiB read): ` +
    `${(used / seconds * 100).toFixed(0)} % of a core`)
  for (const socket of sockets) socket.destroy()
} finally {
  replica.kill('SIGKILL')
  await simulator.close()
  await Promise.all([hits.destroy(), purges.destroy()])
}
