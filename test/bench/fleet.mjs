// How many resolutions a fleet makes: N replicas, S sessions, TTL T. A simulation, the formula it agrees with, and a
// small case measured.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import {
  cpuOf, metricOf, rssOf, sharing, startRedis, startServer, startService, stop, table, thousands, totalsOf
} from './lib.mjs'

const [RESOLVER, REDIS, FIRST] = [21100, 21101, 21110]
/** A life is cut by up to a tenth, and renewed at four fifths of what is left. */
const [JITTER, REFRESH_AHEAD] = [0.1, 0.8]
const MEASURED = { sessions: 300, ttl: 4, every: 0.4, seconds: 24 }
const CASES = [
  { replicas: 1, sessions: 10_000, ttl: 30, every: 2 },
  { replicas: 3, sessions: 10_000, ttl: 30, every: 2 },
  { replicas: 20, sessions: 10_000, ttl: 30, every: 2 },
  { replicas: 20, sessions: 1_000_000, ttl: 30, every: 10 },
  { replicas: 20, sessions: 1_000_000, ttl: 600, every: 10 }
]

export async function fleet () {
  const measured = []
  for (const replicas of [1, 2, 4]) {
    measured.push({ replicas, ...MEASURED, ...await measure(replicas, MEASURED) })
  }
  const markdown = table([
    [
      'replicas',
      'sessions',
      'TTL',
      'a session asks every',
      'requests/s',
      'resolutions/s: measured',
      'simulated',
      'formula',
      'simulated without a shared cache',
      'Redis commands/s',
      'Redis kB/s',
      'CPU of all replicas',
      'RSS of one, MiB'
    ],
    ...[...measured, ...CASES].map((row) => [
      row.replicas,
      thousands(row.sessions),
      `${row.ttl} s`,
      `${row.every} s`,
      thousands(row.sessions / row.every),
      row.calls === undefined ? '' : row.calls.toFixed(1),
      ...['shared', 'formula', 'alone'].map((kind) => thousands(predictions(row)[kind])),
      ...(row.calls === undefined
        ? ['', '', '', '']
        : [thousands(row.commands), thousands(row.bytes / 1000), `${(row.cpu * 100).toFixed(0)} %`, row.rss.toFixed(0)])
    ])
  ])
  return { name: 'fleet', markdown, data: { measured, cases: CASES.map((row) => ({ ...row, ...predictions(row) })) } }
}

function predictions ({ replicas, sessions, ttl, every }) {
  return {
    shared: sessions * simulate(ttl, every),
    alone: sessions * replicas * simulate(ttl, every * replicas),
    formula: sessions / (REFRESH_AHEAD * ttl * (1 - JITTER / 2) + every)
  }
}

/**
 * Resolutions a second of one session that asks at random. With a shared cache it does not matter whom it asks: the
 * first request after four fifths of a life has the entry renewed for the whole fleet. Without one each replica sees
 * its share of the requests.
 */
function simulate (ttl, every, lives = 2000) {
  let [now, resolutions] = [0, 0]
  while (resolutions < lives) {
    const due = now + ttl * (1 - JITTER * Math.random()) * REFRESH_AHEAD
    while (now < due) now += -Math.log(1 - Math.random()) * every
    resolutions++
  }
  return resolutions / now
}

/** @returns what each second costs after one life has passed; `cpu`: seconds of a core, of all replicas together */
async function measure (replicas, { sessions, ttl, every, seconds }) {
  const children = [await startRedis(REDIS), await startServer('resolver', RESOLVER, 1)]
  const redis = new Redis(REDIS, '127.0.0.1')
  const ports = Array.from({ length: replicas }, (_, index) => FIRST + 2 * index)
  const pools = ports.map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: 8 }))
  try {
    for (const port of ports) {
      children.push(
        await startService(port, {
          AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}`,
          ...sharing(REDIS),
          CACHE_TTL: `${ttl}s`
        })
      )
    }
    const services = children.slice(2)
    const counts = async () => ({
      calls: (await Promise.all(ports.map(resolutionsOf))).reduce((sum, count) => sum + count, 0),
      cpu: services.reduce((sum, child) => sum + cpuOf(child), 0),
      ...await totalsOf(redis)
    })
    const until = performance.now() + (ttl + seconds) * 1000
    const people = Array.from({ length: sessions }, (_, index) => browse(pools, index, every, until))
    await sleep(ttl * 1000)
    const before = await counts()
    await Promise.all(people)
    const after = await counts()
    const perSecond = (what) => (after[what] - before[what]) / seconds
    const [calls, cpu, commands, bytes] = ['calls', 'cpu', 'commands', 'bytes'].map(perSecond)
    return { calls, cpu, commands, bytes, memory: after.memory, rss: Math.max(...services.map(rssOf)) }
  } finally {
    redis.disconnect()
    await Promise.all(pools.map((pool) => pool.destroy()))
    for (const child of children.reverse()) await stop(child)
  }
}

const resolutionsOf = (port) => metricOf(port, 'forward_auth_authgear_requests_total\\{outcome="(?!rejected)[^"]*"\\}')

/** One session, at random intervals, at any replica. */
async function browse (pools, index, every, until) {
  for (;;) {
    await sleep(-Math.log(1 - Math.random()) * every * 1000)
    if (performance.now() >= until) return
    const pool = pools[Math.floor(Math.random() * pools.length)]
    const { body, statusCode } = await pool.request({
      path: '/verify',
      method: 'GET',
      headers: { authorization: `Bearer sessionOfTheBenchFleet${String(index).padStart(10, '0')}` }
    })
    await body.dump()
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`)
  }
}
