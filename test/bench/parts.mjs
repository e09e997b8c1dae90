// What a request costs where one part works in each, beside a plain hit, and beside a bare server with the same
// requests. All of them start anew for each set of rounds.
import { loadavg } from 'node:os'
import {
  atHome, interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, startServer, stop, table, thousands
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'
import { CHECK, CHECKS, GRPC, openWorld, OWN_COOKIE, PART_ROWS, PLAIN } from './part-services.mjs'

const STARTS = Number(process.env.BENCH_STARTS ?? 3)
const FIRST = 21600
/** `kind`: of servers.mjs; `as`: the row whose requests it gets. */
const BARES = [
  { name: 'bare `node:http`, bearer', kind: 'bare', as: PLAIN },
  { name: 'bare `node:http`, own cookie', kind: 'bare', as: OWN_COOKIE },
  { name: 'bare `node:http`, `POST`', kind: 'checking', as: CHECK },
  { name: 'bare `node:http`, `POST` of 100', kind: 'checking', as: CHECKS },
  { name: 'bare `node:http2`, gRPC', kind: 'grpc', as: GRPC }
]
const ROWS = [...BARES, ...PART_ROWS]
const PLAIN_HIT = ROWS.findIndex(({ name }) => name === PLAIN)
/** A bare server is its own base. */
const baseOf = ({ bare }, index) => bare === undefined ? index : BARES.findIndex(({ as }) => as === bare)

export const parts = () => atHome('parts', async (home, children) => {
  const world = await openWorld(home, children)
  const runs = ROWS.map(() => [])
  try {
    for (let index = 0; index < STARTS; index++) {
      for (const [row, rounds] of (await measure(world)).entries()) runs[row].push(...rounds)
    }
    return report(runs)
  } finally {
    await world.close()
  }
})

/** All of them from their start to their end. */
async function measure (world) {
  const started = []
  try {
    for (const row of PART_ROWS) started.push(await row.start(world.place(row)))
    for (const [index, bare] of BARES.entries()) {
      const { asked } = started[index + PART_ROWS.findIndex(({ name }) => name === bare.as)]
      started.splice(index, 0, await startBare(bare, asked, FIRST + index))
    }
    return await interleaved(started, ({ child, asked }) => loadOf(child, asked.url, asked))
  } finally {
    for (const { child } of started) await stop(child)
  }
}

/** @returns what a row's start does; what it is asked has another port */
async function startBare ({ kind }, asked, port) {
  const url = asked.url.replace(/:\d+/, `:${port}`)
  return { child: await startServer(kind, port, 0, asked.answer), asked: { ...asked, url } }
}

function report (runs) {
  const data = ROWS.map((row, index) => {
    const own = runs[index]
    const bare = runs[baseOf(row, index)]
    return {
      name: row.name,
      target: row.target,
      perSecond: medianOf(own, ({ rate }) => rate),
      cpu: medianOf(own, ({ cpu }) => cpu),
      toBare: ratioOf(bare, own, ({ cpu }) => cpu),
      toPlain: ratioOf(runs[PLAIN_HIT], own, ({ cpu }) => cpu),
      rate: ratioOf(own, bare, ({ rate }) => rate)
    }
  })
  return { name: 'parts', markdown: `${tableOf(data)}\n\n${note()}`, data: { rows: data } }
}

function tableOf (data) {
  return table([
    [
      'row', 'CPU µs a request', "bare's CPU ÷ this: min / median / max", 'goal', "the plain hit's CPU ÷ this",
      'requests/s', 'requests/s ÷ bare'
    ],
    ...data.map(({ name, target, perSecond, cpu, toBare, toPlain, rate }) => [
      name, cpu.toFixed(1), spread(toBare), target === undefined ? '' : `≥ ${target}`, spread(toPlain),
      thousands(perSecond), spread(rate)
    ])
  ])
}

const note = () =>
  `${STARTS} starts, ${ROUNDS} rounds of ${SECONDS} s a start and row, in turn; ${GENERATOR} with 32 connections, for ` +
  'gRPC 32 calls at once on four; each bare server gets the requests of the rows it is compared with. Load of the ' +
  `machine at the end: ${loadavg()[0].toFixed(1)}, this bench included.`
