// What 100,000 and 1,000,000 remembered sessions take with a real Redis, how long a start takes, and what a million
// hits cost.
import { Pool } from 'undici'
import { setTimeout as sleep } from 'node:timers/promises'
import { heapFlags } from '../../src/base/core/memory-budget.ts'
import {
  answers,
  cpuOf,
  metricOf,
  MAIN,
  rssOf,
  sharing,
  start,
  startRedis,
  startServer,
  startService,
  stop,
  summary,
  table,
  thousands,
  TOKEN,
  untilShared
} from './lib.mjs'
import { load } from './load.mjs'

const [PORT, RESOLVER, REDIS] = [20970, 20980, 20981]
const STARTS = 7
const MOST = Number(process.env.BENCH_SESSIONS ?? 1_000_000)
/** Sessions, and the container (MiB) for which V8 is limited as this service does it; without one it does so too. */
const SIZES = [[0], [0, 128], [10_000, 128], [100_000], [40_000, 256], [100_000, 512], [1_000_000, 4096]]
/** As people run it: browsers that ask in parallel; and seconds after the last of them. */
const CLIENTS = 24
const QUIET = 20

export async function memory () {
  const resolver = await startServer('resolver', RESOLVER, 1)
  const redis = await startRedis(REDIS)
  try {
    const ready = await startsToReady()
    const sizes = []
    for (const [sessions, container] of SIZES.filter(([count]) => count <= MOST)) {
      sizes.push(await remember(sessions, container))
    }
    const cpu = await millionHits()
    const markdown = table([
      ['what', 'figure', 'target'],
      [
        'start to ready, seconds of 7 starts: min / median / max',
        Object.values(ready)
          .map((ms) => (ms / 1000).toFixed(2))
          .join(' / '),
        '0.30'
      ],
      ...sizes.map(({ sessions, container, rss, peak, live, accounted }) => [
        `RSS with ${thousands(sessions)} sessions ` +
          `remembered${container === undefined ? '' : `, V8 limited for a container of ${container} MiB`}`,
        `${rss.toFixed(0)} MiB (at most ${peak.toFixed(0)} while they came; ${live.toFixed(0)} MiB of it on the ` +
          `heap, ${accounted.toFixed(0)} accounted)`,
        container === undefined ? '' : `${container} MiB`
      ]),
      ['CPU of 1,000,000 memory hits', `${cpu.toFixed(1)} s`, '17 s']
    ])
    return { name: 'memory', markdown, data: { ready, sizes, cpu } }
  } finally {
    await stop(redis)
    await stop(resolver)
  }
}

/** From the spawn to the first 200 of /readyz. */
async function startsToReady () {
  const times = []
  for (let index = 0; index < STARTS; index++) {
    const started = performance.now()
    const child = start(process.execPath, [MAIN], {
      env: {
        AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`,
        LISTEN: `127.0.0.1:${PORT}`,
        MANAGEMENT_LISTEN: `127.0.0.1:${PORT + 1}`,
        LOG_LEVEL: 'error'
      }
    })
    await answers(`http://127.0.0.1:${PORT + 1}/readyz`, 200)
    times.push(performance.now() - started)
    await stop(child)
  }
  return summary(times)
}

/** Each is signed in by a request of its own; what is left after twenty quiet seconds counts. */
async function remember (sessions, container) {
  const child = await startService(PORT, {
    AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`,
    ...sharing(REDIS),
    AUTHGEAR_TIMEOUT: '30s', // a busy machine is no reason to answer 503
    ...(sessions > 100_000 ? { CACHE_MAX_ENTRIES: String(sessions) } : {}),
    ...(container === undefined ? {} : { NODE_OPTIONS: heapFlags(container * 2 ** 20).join(' ') })
  })
  try {
    let peak = 0
    await untilShared([PORT])
    await ask(sessions, () => { peak = Math.max(peak, rssOf(child)) })
    await sleep(QUIET * 1000)
    const entries = await metricOf(PORT, 'forward_auth_cache_entries')
    if (entries < sessions) console.error(`${entries} of ${sessions} fit`)
    const [live, accounted] = [
      (await metricOf(PORT, 'nodejs_heap_size_used_bytes')) / 2 ** 20,
      (await metricOf(PORT, 'forward_auth_cache_bytes')) / 2 ** 20
    ]
    return { sessions, container, peak: Math.max(peak, rssOf(child)), rss: rssOf(child), live, accounted }
  } finally {
    await stop(child)
  }
}

async function ask (sessions, look) {
  const pool = new Pool(`http://127.0.0.1:${PORT}`, { connections: CLIENTS })
  let next = 0
  const worker = async () => {
    while (next < sessions) {
      const { statusCode, body } = await pool.request({
        path: '/verify',
        method: 'GET',
        headers: { authorization: `Bearer rememberedTokenOfBench${String(next++).padStart(10, '0')}` }
      })
      await body.dump()
      if (next % 5000 === 0) look()
      if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
  await pool.close()
}

async function millionHits () {
  const child = await startService(PORT, { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` })
  const hit = () => load(`http://127.0.0.1:${PORT}/verify`, { headers: [`Authorization: Bearer ${TOKEN}`], seconds: 5 })
  await hit()
  const before = cpuOf(child)
  const { requests } = await hit()
  const cpu = (cpuOf(child) - before) / requests * 1e6
  await stop(child)
  return cpu
}
