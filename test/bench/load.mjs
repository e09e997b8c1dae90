// The load generator, on the core beside the server's: wrk, else autocannon (slower than the servers it asks: then read
// the CPU columns).
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { cpuOf, SECONDS } from './lib.mjs'

const [AUTOCANNON, GRPC] = ['autocannon', 'grpc'].map((name) => new URL(`${name}.mjs`, import.meta.url).pathname)
const lua = (name) => new URL(`wrk/${name}.lua`, import.meta.url).pathname
const hasWrk = succeeds(() => execFileSync('wrk', ['--version'], { stdio: 'ignore' }))

export const GENERATOR = hasWrk ? 'wrk' : 'autocannon'

/** @returns the run, with the microseconds of CPU that a request took this service */
export async function loadOf (service, url, { mayRefuse = false, ...options }) {
  const cpu = cpuOf(service)
  const run = await load(url, { seconds: SECONDS, ...options })
  if (mayRefuse !== (run.refused > 0)) throw new Error(`${url}: ${run.refused} of ${run.requests} were refused`)
  return { ...run, cpu: (cpuOf(service) - cpu) / run.requests * 1e6 }
}

/**
 * One run. @param script `rotate`, `many` or `cold`: a token in turn, or a new one, with each request
 * @param body sent by POST with each request @param message a call of gRPC, and the answer that is none of the refused
 * @returns requests, rate, p50 and p99 in milliseconds, and how many were not 2xx or 3xx
 */
export async function load (
  url, { headers = [], clients = 32, seconds = 2, script, body, message, answer, core = 1 } = {}
) {
  if (message !== undefined) return await ours(GRPC, core, { url, message, answer, clients, seconds })
  if (!hasWrk) return await ours(AUTOCANNON, core, { url, headers, clients, seconds, script, body })
  return await wrk(url, { headers, clients, seconds, script: body === undefined ? script : 'body', body, core })
}

async function wrk (url, { headers, clients, seconds, script, body, core }) {
  const lines = headers.flatMap((line) => ['-H', line])
  const { stdout } = await promisify(execFile)('taskset', [
    '-c',
    String(core),
    'wrk',
    '-t1',
    `-c${clients}`,
    `-d${seconds}s`,
    '--latency',
    ...(script === undefined ? [] : ['-s', lua(script)]),
    ...lines,
    url
  ], { env: { ...process.env, ...body === undefined ? {} : { BENCH_BODY: body } } })
  const latency = (share) => milliseconds(new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout))
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p50: latency(50),
    p99: latency(99),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0)
  }
}

function milliseconds ([, number, unit]) {
  return Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]
}

/** One of the programs beside this file. */
async function ours (program, core, options) {
  const { stdout } = await promisify(execFile)('taskset', [
    '-c', String(core), process.execPath, program, JSON.stringify(options)
  ])
  return JSON.parse(stdout)
}

/** wrk knows no option that ends with 0: that it starts is enough. */
function succeeds (start) {
  try {
    start()
    return true
  } catch (error) {
    return error.code !== 'ENOENT'
  }
}
