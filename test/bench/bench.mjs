// npm run bench: how fast a memory hit is beside a bare node:http server, in one run; ratios, not absolutes (docs/performance.md).
// Needs wrk and taskset; the server on core 0, the load on core 1. Prints a table and writes artifacts/bench.json.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
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

/** Starts a server on core 0 and waits until it answers. */
async function start (args, port, env = {}) {
  const child = spawn('taskset', ['-c', '0', process.execPath, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  for (;;) if (await fetch(`http://127.0.0.1:${port}/verify`).then(() => true, () => sleep(50, false))) return
}

/** @returns requests a second */
async function load (port, headers) {
  const lines = headers.flatMap((line) => ['-H', line])
  const { stdout: text } = await promisify(execFile)('taskset', ['-c', '1', 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...lines, `http://127.0.0.1:${port}/verify`])
  if (/Non-2xx/.test(text) && headers.length > 0) throw new Error(text)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])
}

const bearer = [`Authorization: Bearer ${TOKEN}`]
const ROWS = [
  { name: 'bare node:http, the same headers', port: 20900, headers: bearer },
  { name: 'bare Fastify', port: 20901, headers: bearer },
  { name: 'memory hit, bearer', port: 20902, headers: bearer },
  { name: 'memory hit, session cookie among ten others', port: 20902, headers: [`Cookie: ${COOKIES}; session=${SESSION}`] },
  { name: '401 without a credential', port: 20902, headers: [] }
]

try {
  const here = (path) => new URL(path, import.meta.url).pathname
  await start([here('servers.mjs'), 'bare', '20900'], 20900)
  await start([here('servers.mjs'), 'fastify', '20901'], 20901)
  await start([here('../../dist/main.js')], 20902, { AUTHGEAR_ENDPOINT: authgear, LISTEN: '127.0.0.1:20902', MANAGEMENT_LISTEN: 'off', CACHE_TTL: '10m', LOG_LEVEL: 'warn' })
  const rates = ROWS.map(() => [])
  for (const { port, headers } of ROWS) await load(port, headers) // warm
  for (let round = 0; round < ROUNDS; round++) for (const [index, { port, headers }] of ROWS.entries()) rates[index].push(await load(port, headers))
  report(rates)
} finally {
  for (const child of children) child.kill('SIGKILL')
  await simulator.close()
}

function report (rates) {
  const of = (list) => [...list].sort((a, b) => a - b)
  const rows = ROWS.map(({ name }, index) => {
    const ratios = of(rates[index].map((rate, round) => rate / rates[0][round]))
    const middle = Math.floor(ratios.length / 2)
    return { name, perSecond: Math.round(of(rates[index])[middle]), ratio: { min: ratios[0], median: ratios[middle], max: ratios.at(-1) } }
  })
  const bare = of(rates[0])
  const spread = bare.at(-1) / bare[0] - 1
  console.log(`\n${'row'.padEnd(46)} ${'req/s'.padStart(8)}   ratio to bare (min / median / max)`)
  for (const { name, perSecond, ratio } of rows) console.log(`${name.padEnd(46)} ${String(perSecond).padStart(8)}   ${[ratio.min, ratio.median, ratio.max].map((value) => value.toFixed(2)).join(' / ')}`)
  console.log(`\n${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, Node ${process.version}, ${cpus()[0]?.model}; bare node:http varied by ${(spread * 100).toFixed(0)} %${spread > 0.15 ? ': TOO MUCH, run it again on a quiet machine' : ''}`)
  mkdirSync('artifacts', { recursive: true })
  writeFileSync('artifacts/bench.json', JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS, bareSpread: spread, rows }, null, 2))
}
