// What a machine with two cores gets of WORKERS=2. Load and service share what they run on, so that one core is
// compared with two: half of a machine with all of it.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import {
  cpuOf, interleaved, medianOf, ratioOf, ROUNDS, SECONDS, sharing, spread, startRedis, startServer, startService, stop,
  table, thousands, TOKEN
} from './lib.mjs'

const CLIENTS = 64
const [RESOLVER, REDIS, FIRST] = [22960, 22961, 22970]
const ROWS = [
  { name: '`WORKERS=1` on one core', workers: 1, cores: '0' },
  { name: '`WORKERS=2` on two cores', workers: 2, cores: '0,1', target: 1.8 },
  { name: '`WORKERS=1` on two cores', workers: 1, cores: '0,1' },
  { name: '`WORKERS=2` on one core', workers: 2, cores: '0' }
]
/** Workers of the curve that is computed. */
const CURVE = [1, 2, 4, 8, 16]

export async function workers () {
  const children = []
  try {
    children.push(await startRedis(REDIS, '0,1'), await startServer('resolver', RESOLVER, '0,1'))
    for (const [index, { workers, cores }] of ROWS.entries()) {
      children.push(await startService(FIRST + index * 2, {
        AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`,
        ...sharing(REDIS),
        WORKERS: String(workers)
      }, cores))
    }
    return report(await interleaved(children.slice(2), (service, index) => measure(index, service)))
  } finally {
    for (const child of children.reverse()) await stop(child)
  }
}

async function measure (index, service) {
  const all = [service, ...childrenOf(service)]
  const before = all.map(cpuOf)
  const { stdout } = await promisify(execFile)('taskset', [
    '-c', ROWS[index].cores, 'wrk', '-t2', `-c${CLIENTS}`, `-d${SECONDS}s`, '-H', `Authorization: Bearer ${TOKEN}`,
    `http://127.0.0.1:${FIRST + index * 2}/verify`
  ])
  if (stdout.includes('Non-2xx')) throw new Error(stdout)
  const requests = Number(/(\d+) requests in/.exec(stdout)[1])
  const cpus = all.map((one, at) => cpuOf(one) - before[at])
  const used = cpus.reduce((sum, one) => sum + one, 0)
  const [primary, ...workers] = cpus
  return {
    rate: requests / SECONDS,
    cpu: used / requests * 1e6,
    primary: ROWS[index].workers === 1 ? 0 : primary / used,
    share: workers.length === 0 ? 1 : Math.max(...workers) / (used - primary)
  }
}

function childrenOf ({ pid }) {
  const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return ids.filter(Boolean).map((id) => ({ pid: Number(id) }))
}

function report (runs) {
  const rows = ROWS.map(({ name, target }, index) => ({
    name,
    target,
    rate: medianOf(runs[index], ({ rate }) => rate),
    ratio: ratioOf(runs[index], runs[0], ({ rate }) => rate),
    cpu: medianOf(runs[index], ({ cpu }) => cpu),
    primary: medianOf(runs[index], ({ primary }) => primary),
    share: medianOf(runs[index], ({ share }) => share)
  }))
  const markdown = table([
    [
      'memory hits', 'requests/s', 'of one core', 'goal', 'CPU µs a request', "the primary's part",
      "the busier worker's part"
    ],
    ...rows.map(({ name, target, rate, ratio, cpu, primary, share }) => [
      name, thousands(rate), spread(ratio), target === undefined ? '' : `≥ ${target}`, cpu.toFixed(1),
      `${(primary * 100).toFixed(1)} %`, `${(share * 100).toFixed(0)} %`
    ])
  ])
  return {
    name: 'workers',
    markdown: `${markdown}\n\n${ROUNDS} interleaved rounds of ${SECONDS} s, wrk with ${CLIENTS} connections on the ` +
      `same cores; min / median / max.\n\n${curve()}`,
    data: { rows }
  }
}

/**
 * Each connection goes to a worker by chance and keeps it busy to the same degree: the most loaded one is full first.
 * @returns how many times one worker's rate the whole takes before that, at the median of a thousand draws
 */
function curve () {
  const connections = [32, 128, 1024]
  const drawn = (count, clients) => medianOf(Array.from({ length: 1000 }), () => reach(count, clients))
  const rows = CURVE.map((count) => [
    String(count), ...connections.map((clients) => drawn(count, clients).toFixed(1))
  ])
  return `${table([['workers', ...connections.map((clients) => `${clients} connections`)], ...rows])}\n\n` +
    'Computed, not measured: connections fall on workers by chance (as the kernel did here), each as busy as the ' +
    'others, and the rate counts at which the fullest worker has no time left; a core for each worker.'
}

function reach (count, clients) {
  const loads = Array.from({ length: count }, () => 0)
  for (let n = 0; n < clients; n++) loads[Math.floor(Math.random() * count)]++
  return clients / Math.max(...loads)
}
