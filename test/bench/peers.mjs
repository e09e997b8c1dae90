// What else answers "may this request pass", beside this service and in the same minutes: each on the configuration in
// peers/, on one core, for one valid credential.
import { loadavg } from 'node:os'
import {
  answers, atHome, interleaved, MAX_VARIATION, medianOf, ratioOf, ROUNDS, rssOf, SECONDS, spread, start, startRedis,
  table, thousands, variationOf
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'
import { stillAllowing } from './peers/disable.mjs'
import { ask, examine, REDIS, startServices, UPSTREAM, versions } from './peers/services.mjs'

const RUNS = 2
const upstream = `http://127.0.0.1:${UPSTREAM}`

export const peers = () => atHome('peers', async (home, children) => {
  children.push(await startRedis(REDIS), await startUpstream())
  const { rows, missing } = await startServices(home, children)
  for (const row of rows) await examine(row)
  const run = await quietRun(rows)
  const allowing = await stillAllowing(rows, upstream, ({ url, line }) => ask(url, [line]))
  return report(rows.map((row, index) => ({ ...row, stillAllows: allowing[index] })), missing, run)
})

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
    const rounds = await interleaved(rows, measure)
    const variation = variationOf(rounds[0].map(({ rate }) => rate))
    if (variation < MAX_VARIATION || run === RUNS) return { rounds, variation, voids }
    voids.push(variation)
  }
}

async function measure ({ url, line, child }) {
  const asked = await questions()
  const { rate, requests, p50, p99, cpu } = await loadOf(child, url, { headers: [line] })
  return { rate, p50, p99, cpu, asked: (await questions() - asked) / requests, memory: rssOf(child) }
}

const questions = () => fetch(`${upstream}/questions`).then((answer) => answer.text()).then(Number)

function report (services, missing, { rounds, variation, voids }) {
  const rows = services.map(({ name, stillAllows }, index) => {
    const median = (key) => medianOf(rounds[index], (round) => round[key])
    return {
      name,
      stillAllows,
      ratio: ratioOf(rounds[index], rounds[0], ({ rate }) => rate),
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
