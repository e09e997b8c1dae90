// npm run bench: how fast a memory hit is beside a bare node:http server, in one run; ratios, not absolutes (docs/performance.md).
// Needs wrk and taskset; the server on core 0, the load on core 1. Prints a table and writes artifacts/bench.json.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3)
const CONNECTIONS = 32
const TOKEN = 'demoAccessTokenOfAlice0000000000'
const SESSION = 'a11ce000-0000-4000-8000-0000000000c1.demoSessionCookieOfAlice00000000'
const COOKIES = Array.from({ length: 10 }, (_, index) => `cookie${index}=${'v'.repeat(20)}`).join('; ')

const simulator = buildSimulator({})
const authgear = await simulator.listen()
const children = []
const pids = new Map()

/** CPU seconds a process has used, user and system: hardly moved by what else the machine does. */
function cpuOf (port) {
  const fields = readFileSync(`/proc/${pids.get(port)}/stat`, 'latin1').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Starts a server on core 0 and waits until it answers. */
async function start (args, port, env = {}) {
  const child = spawn('taskset', ['-c', '0', process.execPath, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  pids.set(port, child.pid)
  for (;;) if (await fetch(`http://127.0.0.1:${port}/verify`).then(() => true, () => sleep(50, false))) return
}

/** @returns requests a second, and CPU microseconds of the server a request */
async function load (port, headers) {
  const cpu = cpuOf(port)
  const lines = headers.flatMap((line) => ['-H', line])
  const { stdout: text } = await promisify(execFile)('taskset', ['-c', '1', 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...lines, `http://127.0.0.1:${port}/verify`])
  if (/Non-2xx/.test(text) && headers.length > 0) throw new Error(text)
  const requests = Number(/(\d+) requests in/.exec(text)?.[1])
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), cpu: (cpuOf(port) - cpu) / requests * 1e6 }
}

const bearer = [`Authorization: Bearer ${TOKEN}`]
const cookies = [`Cookie: ${COOKIES}; session=${SESSION}`]
/** `base`: the row of the bare server that got the very same request. */
const ROWS = [
  { name: 'bare node:http, the same headers', port: 20900, headers: bearer },
  { name: 'bare node:http, eleven cookies', port: 20900, headers: cookies, base: 1 },
  { name: 'bare Fastify', port: 20901, headers: bearer },
  { name: 'memory hit, bearer', port: 20902, headers: bearer },
  { name: 'memory hit, session cookie among ten others', port: 20902, headers: cookies, base: 1 },
  { name: '401 without a credential', port: 20902, headers: [] }
]

try {
  const here = (path) => new URL(path, import.meta.url).pathname
  await start([here('servers.mjs'), 'bare', '20900'], 20900)
  await start([here('servers.mjs'), 'fastify', '20901'], 20901)
  await start([here('../../dist/main.js')], 20902, { AUTHGEAR_ENDPOINT: authgear, LISTEN: '127.0.0.1:20902', MANAGEMENT_LISTEN: 'off', CACHE_TTL: '10m', LOG_LEVEL: 'warn' })
  const runs = ROWS.map(() => [])
  for (const { port, headers } of ROWS) await load(port, headers) // warm
  for (let round = 0; round < ROUNDS; round++) for (const [index, { port, headers }] of ROWS.entries()) runs[index].push(await load(port, headers))
  report(runs)
} finally {
  for (const child of children) child.kill('SIGKILL')
  await simulator.close()
}

function report (runs) {
  const sorted = (list) => [...list].sort((a, b) => a - b)
  const spread = ({ min, median, max }, digits) => [min, median, max].map((value) => value.toFixed(digits)).join(' / ')
  const summary = (list) => ({ min: Math.min(...list), median: sorted(list)[Math.floor(list.length / 2)], max: Math.max(...list) })
  const rows = ROWS.map(({ name, base = 0 }, index) => ({
    name,
    perSecond: Math.round(summary(runs[index].map(({ rate }) => rate)).median),
    ratio: summary(runs[index].map(({ rate }, round) => rate / runs[base][round].rate)),
    cpuMicroseconds: summary(runs[index].map(({ cpu }) => cpu))
  }))
  const bare = runs[0].map(({ rate }) => rate)
  const variation = Math.max(...bare) / Math.min(...bare) - 1
  console.log(`\n${'row'.padEnd(46)} ${'req/s'.padStart(8)}   ${'ratio to bare'.padEnd(20)} CPU µs a request   (min / median / max)`)
  for (const { name, perSecond, ratio, cpuMicroseconds } of rows) console.log(`${name.padEnd(46)} ${String(perSecond).padStart(8)}   ${spread(ratio, 2).padEnd(20)} ${spread(cpuMicroseconds, 1)}`)
  console.log(`\n${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, Node ${process.version}, ${cpus()[0]?.model}; bare node:http varied by ${(variation * 100).toFixed(0)} %${variation > 0.15 ? ': too much for the rates, run it again on a quiet machine' : ''}`)
  mkdirSync('artifacts', { recursive: true })
  writeFileSync('artifacts/bench.json', JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS, bareVariation: variation, rows }, null, 2))
}
