// How fast each kind of answer is beside a bare node:http server that writes the same headers to the same requests.
import {
  cpuOf,
  SESSION,
  spread,
  startRedis,
  startServer,
  startService,
  stop,
  summary,
  table,
  thousands,
  TOKEN
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
/** Between the rounds of the bare server; a run with more is void. */
const MAX_VARIATION = 0.15
const RUNS = 3
const COOKIES = Array.from({ length: 10 }, (_, index) => `cookie${index}=${'v'.repeat(20)}`).join('; ')

const bearer = [`Authorization: Bearer ${TOKEN}`]
const cookies = [`Cookie: ${COOKIES}; session=${SESSION}`]
const BARE = 20900
const SERVICE = 20910
const [ONE_ENTRY, RESOLVER, REDIS] = [20920, 20930, 20931]
/** `base`: the row of the bare server that got the very same requests. */
const ROWS = [
  { name: 'bare `node:http`', port: BARE, headers: bearer },
  { name: 'bare `node:http`, eleven cookies', port: BARE, headers: cookies, base: 1 },
  { name: 'bare `node:http`, tokens in turn', port: BARE, script: 'rotate', base: 2 },
  { name: 'bare Fastify', port: 20901, headers: bearer },
  { name: 'memory hit, bearer', port: SERVICE, headers: bearer, target: 0.8 },
  { name: 'memory hit, session cookie among ten others', port: SERVICE, headers: cookies, base: 1, target: 0.75 },
  {
    name: 'memory hit, policy `role=admin,editor&verified=true`',
    port: SERVICE,
    query: '?role=admin,editor&verified=true',
    headers: bearer
  },
  { name: '401, no credential', port: SERVICE, headers: [], refused: true, target: 0.65 },
  {
    name: '401, refusal remembered',
    port: SERVICE,
    headers: ['Authorization: Bearer refusedTokenOfTheBench0000000000'],
    refused: true
  },
  { name: 'Redis hit', port: ONE_ENTRY, script: 'rotate', base: 2, target: 0.25 },
  { name: 'cold, resolver at 0 ms', port: SERVICE, script: 'cold', base: 2 }
]

export async function rates () {
  const servers = await startAll()
  const voids = []
  try {
    for (const row of ROWS) await measure(row, servers) // warm
    for (let run = 1; ; run++) {
      const rounds = await rehearse(servers)
      const bare = rounds[0].map(({ rate }) => rate)
      const variation = Math.max(...bare) / Math.min(...bare) - 1
      if (variation < MAX_VARIATION || run === RUNS) return report(rounds, variation, voids)
      voids.push(variation)
    }
  } finally {
    for (const child of Object.values(servers)) await stop(child)
  }
}

async function startAll () {
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` }
  return {
    redis: await startRedis(REDIS),
    resolver: await startServer('resolver', RESOLVER, 1),
    [BARE]: await startServer('bare', BARE),
    20901: await startServer('fastify', 20901),
    [SERVICE]: await startService(SERVICE, { ...env, CACHE_MAX_ENTRIES: '1000' }),
    [ONE_ENTRY]: await startService(ONE_ENTRY, {
      ...env,
      CACHE_MAX_ENTRIES: '1',
      REDIS_URL: `redis://127.0.0.1:${REDIS}`,
      CACHE_SECRET: 'a secret of the bench, 32 bytes!'
    })
  }
}

/** Interleaved, so that what else the machine does meets every row alike. */
async function rehearse (servers) {
  const rounds = ROWS.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, row] of ROWS.entries()) rounds[index].push(await measure(row, servers))
  }
  return rounds
}

async function measure ({ port, query = '', headers, script, refused: mayRefuse = false }, servers) {
  const cpu = cpuOf(servers[port])
  const { rate, requests, p50, p99, refused } = await load(`http://127.0.0.1:${port}/verify${query}`, {
    headers,
    script,
    seconds: SECONDS
  })
  if (mayRefuse !== (refused > 0)) throw new Error(`${port}${query}: ${refused} of ${requests} were refused`)
  return { rate, p50, p99, cpu: (cpuOf(servers[port]) - cpu) / requests * 1e6 }
}

function report (rounds, variation, voids) {
  const rows = ROWS.map(({ name, base = 0, target }, index) => ({
    name,
    target,
    perSecond: summary(rounds[index].map(({ rate }) => rate)).median,
    ratio: summary(rounds[index].map(({ rate }, round) => rate / rounds[base][round].rate)),
    cpu: summary(rounds[index].map(({ cpu }) => cpu)).median,
    cpuRatio: summary(rounds[index].map(({ cpu }, round) => rounds[base][round].cpu / cpu)).median,
    p50: summary(rounds[index].map(({ p50 }) => p50)).median,
    p99: summary(rounds[index].map(({ p99 }) => p99)).median
  }))
  const markdown = table([
    [
      'row',
      'requests/s',
      'ratio to bare: min / median / max',
      'target',
      'CPU µs a request',
      "bare's CPU ÷ this",
      'p50 / p99 ms'
    ],
    ...rows.map(({ name, target, perSecond, ratio, cpu, cpuRatio, p50, p99 }) => [
      name,
      thousands(perSecond),
      spread(ratio),
      target === undefined ? '' : `≥ ${target}`,
      cpu.toFixed(1),
      cpuRatio.toFixed(2),
      `${p50.toFixed(2)} / ${p99.toFixed(2)}`
    ])
  ])
  const isVoid = variation >= MAX_VARIATION
  const percent = (share) => `${(share * 100).toFixed(0)} %`
  const note = `${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections; bare \`node:http\` ` +
    `varied by ${percent(variation)} between the ` +
    `rounds${isVoid ? ': **void**, the machine was not quiet; the CPU columns are less moved by that' : ''}. Void ` +
    `runs before it: ${voids.length === 0 ? 'none' : voids.map(percent).join(', ')}.`
  return { name: 'rates', markdown: `${markdown}\n\n${note}`, data: { rows, variation, isVoid, voids } }
}
