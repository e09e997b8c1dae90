// npm run bench:metrics: what the metrics cost a memory hit, as a share of all CPU that a hit costs, both measured in
// one run; needs wrk.
// The share is computed, not the difference of two servers: rates vary by more between rounds than metrics cost.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { createMetrics } from '../../dist/operate/metrics/metrics.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const CALLS = 2_000_000
const PORT = 20960
const AUTHORIZATION = 'Authorization: Bearer demoAccessTokenOfAlice0000000000'

const metrics = createMetrics('bench', {
  resolver: () => ({ inFlight: 0, queued: 0, circuitOpen: false }),
  cacheEntries: () => 1,
  cacheBytes: () => 1,
  cacheMaxBytes: () => 1,
  redis: { isUp: () => true, isFollowed: () => true, entries: () => ({ now: 1, most: 2 }), replicasSeen: () => 1 },
  audit: undefined,
  certificate: undefined
})

/**
 * All that is measured for a memory hit: two looks at the clock, one read counted, one answer counted in two ways.
 * @returns nanoseconds a hit
 */
function observers () {
  const began = process.hrtime.bigint()
  for (let n = 0; n < CALLS; n++) {
    const startedAt = performance.now()
    metrics.authenticate.memoryRead('hit')
    metrics.request('verify', 200, 'allowed', 'memory', (performance.now() - startedAt) / 1000)
  }
  return Number(process.hrtime.bigint() - began) / CALLS
}

/** CPU seconds of a process, user and system. */
function cpuOf (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** @returns nanoseconds of CPU that the service uses for a hit */
async function hit (pid) {
  const cpu = cpuOf(pid)
  const { stdout } = await promisify(execFile)('wrk', [
    '-t1',
    '-c32',
    '-d2s',
    '-H',
    AUTHORIZATION,
    `http://127.0.0.1:${PORT}/verify`
  ])
  if (stdout.includes('Non-2xx')) throw new Error(stdout)
  return (cpuOf(pid) - cpu) / Number(/(\d+) requests in/.exec(stdout)[1]) * 1e9
}

async function scrape () {
  const began = performance.now()
  await metrics.render()
  return performance.now() - began
}

const sorted = (list) => list.toSorted((a, b) => a - b)
const median = (list) => sorted(list)[Math.floor(list.length / 2)]
const spread = (list, digits) =>
  [Math.min(...list), median(list), Math.max(...list)].map((value) => value.toFixed(digits)).join(' / ')

const simulator = buildSimulator({})
const endpoint = await simulator.listen()
const service = spawn(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname], {
  env: {
    ...process.env,
    AUTHGEAR_ENDPOINT: endpoint,
    LISTEN: `127.0.0.1:${PORT}`,
    MANAGEMENT_LISTEN: 'off',
    CACHE_TTL: '10m',
    LOG_LEVEL: 'warn'
  },
  stdio: ['ignore', 'ignore', 'inherit']
})
try {
  while (!await fetch(`http://127.0.0.1:${PORT}/verify`).then(() => true, () => sleep(50, false)));
  await hit(service.pid) // warm
  observers()
  const costs = []
  const hits = []
  for (let round = 0; round < ROUNDS; round++) {
    costs.push(observers())
    hits.push(await hit(service.pid))
  }
  const scrapes = []
  for (let n = 0; n < 50; n++) scrapes.push(await scrape())
  console.log(
    `metrics of one memory hit: ${spread(costs, 0)} ns; CPU of one memory hit: ${spread(hits, 0)} ns (min / median / ` +
      `max of ${ROUNDS} rounds)`
  )
  console.log(
    `share: ${((median(costs) / median(hits)) * 100).toFixed(2)} % by the medians, ` +
      `${((Math.max(...costs) / Math.min(...hits)) * 100).toFixed(2)} % at worst`
  )
  console.log(`one scrape: ${spread(scrapes, 2)} ms; Node ${process.version}`)
} finally {
  service.kill('SIGKILL')
  await simulator.close()
}
