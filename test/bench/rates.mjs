// How fast each kind of answer is beside a bare node:http server that writes the same headers to the same requests.
import {
  MAX_VARIATION,
  ROUNDS,
  SECONDS,
  SESSION,
  sharing,
  spread,
  startRedis,
  startServer,
  startService,
  stop,
  summary,
  table,
  thousands,
  TOKEN,
  variationOf
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'

/** Rounds in all, while no ROUNDS of them in a row were quiet. */
const MAX_ROUNDS = Number(process.env.BENCH_MAX_ROUNDS ?? 8 * ROUNDS)
const COOKIES = Array.from({ length: 10 }, (_, index) => `cookie${index}=${'v'.repeat(20)}`).join('; ')

const bearer = [`Authorization: Bearer ${TOKEN}`]
const cookies = [`Cookie: ${COOKIES}; session=${SESSION}`]
const BARE = 20900
export const [SERVICE, ONE_ENTRY] = [20910, 20920]
const [RESOLVER, REDIS] = [20930, 20931]
/** `base`: the row of the bare server that got the very same requests. */
export const ROWS = [
  { name: 'bare `node:http`', port: BARE, headers: bearer },
  { name: 'bare `node:http`, eleven cookies', port: BARE, headers: cookies, base: 1 },
  { name: 'bare `node:http`, tokens in turn', port: BARE, script: 'rotate', base: 2 },
  { name: 'bare Fastify', port: 20901, headers: bearer },
  { name: 'memory hit, bearer', port: SERVICE, headers: bearer, target: 0.9 },
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
  { name: 'memory hit, 20,000 sessions in turn', port: SERVICE, script: 'many', base: 2 },
  { name: 'Redis hit', port: ONE_ENTRY, script: 'rotate', base: 2, target: 0.35 },
  { name: 'cold, resolver at 0 ms', port: SERVICE, script: 'cold', base: 2, target: 0.22 },
  { name: 'cold, with Redis', port: ONE_ENTRY, script: 'cold', base: 2 }
]

export async function rates () {
  const servers = await startAll()
  const rounds = []
  try {
    for (const row of ROWS) await measure(row, servers) // warm
    while (rounds.length < MAX_ROUNDS && !isQuiet(rounds)) rounds.push(await measureAll(servers))
    return report(rounds)
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
    [SERVICE]: await startService(SERVICE, { ...env, CACHE_MAX_ENTRIES: '40000' }),
    [ONE_ENTRY]: await startService(ONE_ENTRY, {
      ...env,
      CACHE_MAX_ENTRIES: '1',
      ...sharing(REDIS)
    })
  }
}

/** A round: every row in turn, so that what else the machine does meets them alike. */
async function measureAll (servers) {
  const round = []
  for (const row of ROWS) round.push(await measure(row, servers))
  return round
}

/** Judged by the bare server alone, so that no row chooses the rounds that it is measured by. */
const isQuiet = (rounds) => rounds.length >= ROUNDS && bareVariation(rounds.slice(-ROUNDS)) < MAX_VARIATION

/** That of the bare server's three rows which varies most. */
function bareVariation (rounds) {
  const bare = [...ROWS.keys()].filter((index) => ROWS[index].port === BARE)
  return Math.max(...bare.map((index) => variationOf(rounds.map((round) => round[index].rate))))
}

/** That of the quietest rounds in a row. */
function leastVariation (rounds) {
  return Math.min(...rounds.slice(ROUNDS - 1).map((_, start) => bareVariation(rounds.slice(start, start + ROUNDS))))
}

async function measure ({ port, query = '', headers, script, refused: mayRefuse }, servers) {
  const url = `http://127.0.0.1:${port}/verify${query}`
  const { rate, p50, p99, cpu } = await loadOf(servers[port], url, { headers, script, mayRefuse })
  return { rate, p50, p99, cpu }
}

/** Of the quiet rounds, else of all: the median of many is what a machine that is not quiet can say. */
function report (all) {
  const variation = leastVariation(all)
  const isVoid = variation >= MAX_VARIATION
  const rounds = isVoid ? all : all.slice(-ROUNDS)
  const of = (index, value) => summary(rounds.map((round) => value(round[index], round[ROWS[index].base ?? 0])))
  const rows = ROWS.map(({ name, target }, index) => ({
    name,
    target,
    perSecond: of(index, ({ rate }) => rate).median,
    ratio: of(index, ({ rate }, bare) => rate / bare.rate),
    cpu: of(index, ({ cpu }) => cpu).median,
    cpuRatio: of(index, ({ cpu }, bare) => bare.cpu / cpu).median,
    p50: of(index, ({ p50 }) => p50).median,
    p99: of(index, ({ p99 }) => p99).median
  }))
  const markdown = `${tableOf(rows)}\n\n${note(all.length, variation, isVoid)}`
  return { name: 'rates', markdown, data: { rows, variation, isVoid, all } }
}

function tableOf (rows) {
  return table([
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
}

function note (measured, variation, isVoid) {
  const [limit, percent] = [MAX_VARIATION * 100, (variation * 100).toFixed(0)]
  const quiet = `in a row between which each row of bare \`node:http\` varied by less than ${limit} %`
  return `Interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections: ` + (isVoid
    ? `all ${measured} that were measured, since there were no ${ROUNDS} ${quiet} (at best ${percent} %). This is ` +
      '**void**: its medians are what such a machine can say.'
    : `the first ${ROUNDS}, of ${measured} measured, ${quiet} (${percent} %).`)
}
