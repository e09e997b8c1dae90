// `npm run fuzz`: every property for FUZZ_SECONDS (30) or FUZZ_RUNS cases, from FUZZ_SEED or one of its own; the last
// line adds up.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'

const seed = process.env.FUZZ_SEED ?? String(Math.floor(Math.random() * 2 ** 31))
const limit = process.env.FUZZ_RUNS === undefined ? { FUZZ_SECONDS: process.env.FUZZ_SECONDS ?? '30' } : {}
const files = readdirSync('test', { recursive: true }).map((name) => `test/${name}`)
  .filter((name) => /\/fuzz\/[^/]+\.test\.ts$/.test(name))
const tap = spawn(
  'tap',
  ['--disable-coverage', '--reporter=tap', '--timeout=0', ...files],
  {
    env: { ...process.env, ...limit, FUZZ_SEED: seed },
    stdio: ['ignore', 'pipe', 'inherit']
  }
)

const total = { properties: 0, cases: 0, violations: 0 }
let title = ''
for await (const line of createInterface({ input: tap.stdout })) {
  title = /^ {4}# Subtest: (.*)/.exec(line)?.[1] ?? title
  const found = /# fuzz: seed \d+, (\d+) cases, (\d+) violations/.exec(line)
  if (found !== null) {
    total.properties++
    total.cases += Number(found[1])
    total.violations += Number(found[2])
    console.log(`${found[1].padStart(8)} cases, ${found[2]} violations: ${title}`)
  } else if (/^ *not ok/.test(line)) console.log(line.trim())
}
if (tap.exitCode === null) await new Promise(resolve => tap.once('exit', resolve))
console.log(`seed ${seed}: ${total.properties} properties, ${total.cases} cases, ${total.violations} violations`)
process.exitCode = tap.exitCode === 0 && total.violations === 0 && total.properties > 0 ? 0 : 1
