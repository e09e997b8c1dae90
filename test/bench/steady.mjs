// A steady load: each request is due at its time, and its latency counts from then, so that a slow answer cannot put
// off the next question.
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { TOKEN } from './lib.mjs'

const SELF = new URL(import.meta.url).pathname
const SECONDS = Number(process.env.BENCH_STEADY_SECONDS ?? 3)
const CONNECTIONS = 32
/** Due times are looked at so often, which is in the latency of all sides alike: a loop without rest takes the core. */
const TICK_MS = 1

/** @returns p50 and p99 in milliseconds of that many requests a second to a proxy on 127.0.0.1 */
export async function steady (port, rate, core) {
  const { stdout } = await promisify(execFile)('taskset', [
    '-c', String(core), process.execPath, SELF, String(port), String(rate)
  ])
  return JSON.parse(stdout)
}

/** By hand: an HTTP client would take more of the core than proxy and app together. */
async function run (port, rate) {
  const question = `GET / HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`
  const total = Math.floor(rate * SECONDS)
  const [idle, waiting, latencies] = [[], [], []]
  let ended = () => {}
  const all = new Promise((resolve) => { ended = resolve })
  for (let n = 0; n < CONNECTIONS; n++) idle.push(connection(port))
  const ask = (one, due) => one.ask(question, () => {
    latencies.push(performance.now() - due)
    if (latencies.length === total) ended()
    const next = waiting.shift()
    if (next === undefined) idle.push(one)
    else ask(one, next)
  })
  const began = performance.now()
  let sent = 0
  const tick = () => {
    for (let due; sent < total && (due = began + sent / rate * 1000) <= performance.now(); sent++) {
      const one = idle.pop()
      if (one === undefined) waiting.push(due)
      else ask(one, due)
    }
  }
  const timer = setInterval(tick, TICK_MS)
  await all
  clearInterval(timer)
  latencies.sort((a, b) => a - b)
  return { p50: latencies[Math.floor(total * 0.5)], p99: latencies[Math.floor(total * 0.99)] }
}

/** One question at a time; an answer ends with its two bytes of body. */
function connection (port) {
  let answered = () => {}
  let text = ''
  const socket = connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1')
  socket.on('data', (some) => {
    text += some
    if (!text.endsWith('\r\n\r\nok')) return
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(text)
    text = ''
    answered()
  })
  return { ask (question, then) { answered = then; socket.write(question) } }
}

if (process.argv[1] === SELF) {
  console.log(JSON.stringify(await run(Number(process.argv[2]), Number(process.argv[3]))))
  process.exit()
}
