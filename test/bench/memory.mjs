// What 100,000 and 1,000,000 remembered sessions take, how long a start takes, and what a million hits cost.
import { Pool } from 'undici'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers, cpuOf, MAIN, rssOf, start, startServer, startService, stop, summary, table, thousands, TOKEN } from './lib.mjs'
import { load } from './load.mjs'

const [PORT, RESOLVER] = [20940, 20950]
const STARTS = 7
const MOST = Number(process.env.BENCH_SESSIONS ?? 1_000_000)
/** Sessions, and what bounds V8's room for garbage: left to itself it takes up to 48 MiB for what is young, and half as much as is live for the rest. */
const SIZES = [[0], [100_000], [100_000, '--max-semi-space-size=2 --max-old-space-size=100'], [1_000_000], [1_000_000, '--max-semi-space-size=2 --max-old-space-size=800']]
const TARGETS = { 100_000: '150 MiB', 1_000_000: '900 MiB' }

export async function memory () {
  const resolver = await startServer('resolver', RESOLVER, 1)
  try {
    const ready = await startsToReady()
    const sizes = []
    for (const [sessions, flags] of SIZES.filter(([count]) => count <= MOST)) sizes.push(await remember(sessions, flags))
    const cpu = await millionHits()
    const markdown = table([
      ['what', 'figure', 'target'],
      ['start to ready, seconds of 7 starts: min / median / max', Object.values(ready).map((ms) => (ms / 1000).toFixed(2)).join(' / '), '0.70'],
      ...sizes.map(({ sessions, flags, rss, peak, live }) => [
        `RSS with ${thousands(sessions)} sessions remembered${flags === undefined ? '' : `, \`NODE_OPTIONS="${flags}"\``}`,
        `${rss.toFixed(0)} MiB (at most ${peak.toFixed(0)} while they came; ${live.toFixed(0)} MiB of it on the heap)`,
        TARGETS[sessions] ?? ''
      ]),
      ['CPU of 1,000,000 memory hits', `${cpu.toFixed(1)} s`, '17 s']
    ])
    return { name: 'memory', markdown, data: { ready, sizes, cpu } }
  } finally {
    await stop(resolver)
  }
}

/** From the spawn to the first 200 of /readyz. */
async function startsToReady () {
  const times = []
  for (let index = 0; index < STARTS; index++) {
    const started = performance.now()
    const child = start(process.execPath, [MAIN], { env: { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`, LISTEN: `127.0.0.1:${PORT}`, MANAGEMENT_LISTEN: `127.0.0.1:${PORT + 1}`, LOG_LEVEL: 'error' } })
    await answers(`http://127.0.0.1:${PORT + 1}/readyz`)
    times.push(performance.now() - started)
    await stop(child)
  }
  return summary(times)
}

/** Each is signed in by a request of its own; what is left after ten quiet seconds counts. */
async function remember (sessions, flags) {
  const child = await startService(PORT, {
    AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`,
    CACHE_MAX_ENTRIES: String(Math.max(sessions, 100_000)),
    ...(flags === undefined ? {} : { NODE_OPTIONS: flags })
  })
  try {
    let peak = 0
    await ask(sessions, () => { peak = Math.max(peak, rssOf(child)) })
    await sleep(10_000)
    const metrics = await (await fetch(`http://127.0.0.1:${PORT + 1}/metrics`)).text()
    const metric = (name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1])
    if (metric('forward_auth_cache_entries') !== sessions) throw new Error(`${metric('forward_auth_cache_entries')} entries in place of ${sessions}`)
    return { sessions, flags, peak: Math.max(peak, rssOf(child)), rss: rssOf(child), live: metric('nodejs_heap_size_used_bytes') / 2 ** 20 }
  } finally {
    await stop(child)
  }
}

async function ask (sessions, look) {
  const pool = new Pool(`http://127.0.0.1:${PORT}`, { connections: 32 })
  let next = 0
  const worker = async () => {
    while (next < sessions) {
      const { statusCode, body } = await pool.request({ path: '/verify', method: 'GET', headers: { authorization: `Bearer rememberedTokenOfBench${String(next++).padStart(10, '0')}` } })
      await body.dump()
      if (next % 5000 === 0) look()
      if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
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
