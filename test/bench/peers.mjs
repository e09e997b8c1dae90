// What else answers "may this request pass", beside this service and in the same minutes: each on the configuration in
// peers/, on one core, for one valid credential.
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  answers, cpuOf, MAX_VARIATION, rssOf, spread, start, startRedis, stop, summary, table, thousands, variationOf
} from './lib.mjs'
import { GENERATOR, load } from './load.mjs'
import { stillAllowing } from './peers/disable.mjs'
import { ask, examine, REDIS, startServices, UPSTREAM, versions } from './peers/services.mjs'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
const RUNS = 2
const upstream = `http://127.0.0.1:${UPSTREAM}`

export async function peers () {
  const home = mkdtempSync(join(tmpdir(), 'bench-peers-'))
  const children = []
  try {
    children.push(await startRedis(REDIS), await startUpstream())
    const { rows, missing } = await startServices(home, children)
    for (const row of rows) await examine(row)
    for (const row of rows) await measure(row, 1) // warm
    const run = await quietRun(rows)
    const allowing = await stillAllowing(rows, upstream, ({ url, line }) => ask(url, [line]))
    return report(rows.map((row, index) => ({ ...row, stillAllows: allowing[index] })), missing, run)
  } finally {
    for (const child of children.reverse()) await stop(child)
    rmSync(home, { recursive: true, force: true })
  }
}

async function startUpstream () {
  const program = new URL('peers/upstream.mjs', import.meta.url).pathname
  const child = start(process.execPath, [program, String(UPSTREAM)], { core: 1 })
  await answers(`${upstream}/questions`)
  return child
}

/** @returns the rounds of the first run that is not void, else of the last one */
async function quietRun (rows) {
  const voids = []
  for (let run = 1; ; run++) {
    const rounds = await rehearse(rows)
    const variation = variationOf(rounds[0].map(({ rate }) => rate))
    if (variation < MAX_VARIATION || run === RUNS) return { rounds, variation, voids }
    voids.push(variation)
  }
}

/** Interleaved, so that what else the machine does meets every row alike. */
async function rehearse (rows) {
  const rounds = rows.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, row] of rows.entries()) rounds[index].push(await measure(row, SECONDS))
  }
  return rounds
}

async function measure ({ name, url, line, child }, seconds) {
  const [cpu, asked] = [cpuOf(child), await questions()]
  const { rate, requests, p50, p99, refused } = await load(url, { headers: [line], seconds })
  if (refused > 0) throw new Error(`${name}: ${refused} of ${requests} were refused`)
  return {
    rate,
    p50,
    p99,
    cpu: (cpuOf(child) - cpu) / requests * 1e6,
    asked: (await questions() - asked) / requests,
    memory: rssOf(child)
  }
}

const questions = () => fetch(`${upstream}/questions`).then((answer) => answer.text()).then(Number)

function report (services, missing, { rounds, variation, voids }) {
  const rows = services.map(({ name, stillAllows }, index) => {
    const median = (key) => summary(rounds[index].map((round) => round[key])).median
    return {
      name,
      stillAllows,
      ratio: summary(rounds[index].map(({ rate }, round) => rate / rounds[0][round].rate)),
      ...Object.fromEntries(['rate', 'cpu', 'p50', 'p99', 'asked', 'memory'].map((key) => [key, median(key)])),
      rounds: rounds[index]
    }
  })
  const isVoid = variation >= MAX_VARIATION
  return {
    markdown: `${tableOf(rows)}\n\n${note({ missing, variation, isVoid, voids })}`,
    data: { versions: versions(), rows, missing, variation, isVoid, voids }
  }
}

function tableOf (rows) {
  return table([
    [
      'service', 'requests/s', 'ratio to bare: min / median / max', 'CPU µs a request', 'p50 / p99 ms', 'memory',
      'questions upstream a request', 'still allows a disabled user'
    ],
    ...rows.map(({ name, rate, ratio, cpu, p50, p99, asked, memory, stillAllows }, index) => [
      name, thousands(rate), spread(ratio), cpu.toFixed(1), `${p50.toFixed(2)} / ${p99.toFixed(2)}`,
      `${memory.toFixed(0)} MiB`, index === 0 ? '' : asked.toFixed(asked < 0.005 ? 0 : 2),
      index === 0 ? '' : stillAllows ? 'yes' : 'no'
    ])
  ])
}

function note ({ missing, variation, isVoid, voids }) {
  const percent = (share) => `${(share * 100).toFixed(0)} %`
  return `\`npm run bench -- peers\`: ${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections; bare ` +
    `\`node:http\` varied by ${percent(variation)} between the rounds` +
    `${isVoid ? ': **void**, the machine was not quiet; the CPU column is less moved by that' : ''}. Void runs before ` +
    `it: ${voids.length === 0 ? 'none' : voids.map(percent).join(', ')}. Load of the machine at the end: ` +
    `${loadavg()[0].toFixed(1)}, this bench included.${missing.length === 0 ? '' : ` Not here: ${missing.join(', ')}.`} ` +
    `${versions()}.`
}
