// What every part of the bench needs: processes pinned to a core, their CPU time and memory, and tables.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const children = new Set()
/** Of the tests, by `test/servers/fetch.sh`. */
export const BIN = new URL('../../.servers/bin', import.meta.url).pathname
export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname
const SERVERS = new URL('servers.mjs', import.meta.url).pathname
export const TOKEN = 'benchAccessTokenOfAlice000000000'
export const SESSION = 'a11ce000-0000-4000-8000-0000000000c1.benchSessionCookieOfAlice0000000'

/** Starts a command pinned to a core. @returns what `cpuOf`, `rssOf` and `stop` take */
export function start (command, args, { env = {}, core = 0, cwd } = {}) {
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    cwd,
    env: { ...process.env, PATH: `${BIN}:${process.env.PATH}`, ...env },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  children.add(child)
  return child
}

export async function stop (child) {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

export async function stopAll () { await Promise.all([...children].map(stop)) }

/** Runs it with a folder and a list of children of its own; the youngest child ends first. */
export async function atHome (name, run) {
  const [home, children] = [mkdtempSync(join(tmpdir(), `bench-${name}-`)), []]
  try {
    return await run(home, children)
  } finally {
    for (const child of children.reverse()) await stop(child)
    rmSync(home, { recursive: true, force: true })
  }
}

/** A certificate for that host: the CA's file, and the variables of a service that shows it. */
export function certificateIn (home, host) {
  const tls = join(home, 'tls')
  execFileSync(process.execPath, [MAIN, 'cert', '--out', tls, '--host', host])
  return {
    ca: join(tls, 'ca.crt'),
    files: { LISTEN_TLS_CERT_FILE: join(tls, 'tls.crt'), LISTEN_TLS_KEY_FILE: join(tls, 'tls.key') }
  }
}

/** Any answer will do, or one of that status; throws after ten seconds. */
export async function answers (url, status) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const isIt = (answer) => answer.arrayBuffer().then(() => status === undefined || answer.status === status)
    if (await fetch(url).then(isIt, () => false)) return
    await sleep(25)
  }
  throw new Error(`nothing answers at ${url}`)
}

/** bare | fastify | resolver | people | …: one of `servers.mjs`, on 127.0.0.1. @param answer of those that have none */
export async function startServer (kind, port, core = 0, answer = '') {
  const child = start(process.execPath, [SERVERS, kind, String(port), answer], { core })
  await accepts(port)
  return child
}

/** This service on 127.0.0.1, management on the port after it. @param main another build's dist/main.js */
export async function startService (port, env, core = 0, main = MAIN) {
  const child = start(process.execPath, [main], {
    core,
    env: {
      LISTEN: `127.0.0.1:${port}`,
      MANAGEMENT_LISTEN: `127.0.0.1:${port + 1}`,
      CACHE_TTL: '10m',
      CACHE_NEGATIVE_TTL: '10m',
      LOG_LEVEL: 'error',
      ...env
    }
  })
  await answers(`http://127.0.0.1:${port + 1}/readyz`, 200)
  return child
}

export async function startRedis (port, core = 1) {
  const child = start('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], { core })
  await accepts(port)
  return child
}

/** Whatever is spoken at that port of 127.0.0.1; throws after ten seconds. */
async function accepts (port) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(() => true, () => false)
    socket.destroy()
    if (isOpen) return
    await sleep(25)
  }
  throw new Error(`nothing listens at ${port}`)
}

/** Variables of a service that uses the Redis at that port. */
export const sharing = (port) => ({
  REDIS_URL: `redis://127.0.0.1:${port}`, CACHE_SECRET: 'a secret of the bench, 32 bytes!'
})

/** The sum of those series of the service at that port. */
export async function metricOf (port, series) {
  const text = await (await fetch(`http://127.0.0.1:${port + 1}/metrics`)).text()
  return [...text.matchAll(new RegExp(`^${series} (\\S+)`, 'gm'))]
    .reduce((sum, [, value]) => sum + Number(value), 0)
}

async function until (holds) { while (!await holds()) await sleep(20) }

/** Until all of them use Redis, and what came before is forgotten. */
export async function untilShared (ports) {
  for (const port of ports) await until(async () => await metricOf(port, 'forward_auth_revocation_log_connected') === 1)
}

/** CPU seconds of the process's main thread and all others: hardly moved by what else the machine does. */
export function cpuOf ({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** MiB. */
export function rssOf ({ pid }) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024
}

export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
/** Of one run of the load generator. */
export const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)

/** By row and round; every row in turn, so that what else the machine does meets them alike. The first round warms. */
export async function interleaved (rows, measure, rounds = ROUNDS) {
  const runs = rows.map(() => [])
  for (let round = -1; round < rounds; round++) {
    for (const [index, row] of rows.entries()) {
      const run = await measure(row, index, round)
      if (round >= 0) runs[index].push(run)
    }
  }
  return runs
}

/** Of the rounds of one row. @param of what of a run */
export const medianOf = (runs, of) => summary(runs.map(of)).median

/** The rounds of one row, each to the same round of another. */
export const ratioOf = (runs, base, of) => summary(runs.map((run, round) => of(run) / of(base[round])))

/** Between the rounds of the bare server; what varies by more is void. */
export const MAX_VARIATION = 0.15

/** 0.1 where the fastest of these rates is a tenth faster than the slowest. */
export const variationOf = (rates) => Math.max(...rates) / Math.min(...rates) - 1

export function summary (values) {
  const sorted = [...values].sort((a, b) => a - b)
  return { min: sorted[0], median: sorted[Math.floor(sorted.length / 2)], max: sorted.at(-1) }
}

/** `0.71 / **0.82** / 0.89` */
export function spread ({ min, median, max }, digits = 2) {
  return `${min.toFixed(digits)} / **${median.toFixed(digits)}** / ${max.toFixed(digits)}`
}

/** @param rows the first one names the columns; @returns a table of Markdown */
export function table ([names, ...rows]) {
  return [names, names.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export const thousands = (number) => Math.round(number).toLocaleString('en-US')
