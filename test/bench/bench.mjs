// npm run bench [-- PART…] [--docs]: the figures of docs/inside/performance.md, each as a ratio in its own run.
// Needs taskset, wrk (else autocannon asks), and a quiet machine.
// Prints tables, writes artifacts/bench.json; with --docs also the tables of docs/inside/performance.md, and in
// results/ what each of them was made of.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { stopAll } from './lib.mjs'
import { limit } from './limit.mjs'
import { memory } from './memory.mjs'
import { pairs } from './pairs.mjs'
import { parts } from './parts.mjs'
import { peers } from './peers.mjs'
import { proxies } from './proxies.mjs'
import { rates } from './rates.mjs'
import { changes } from './changes.mjs'
import { rules } from './rules.mjs'
import { startProgress } from '../run/progress.mjs'

const PARTS = { rates, parts, rules, changes, pairs, proxies, limit, peers, memory }
/** Of a line in results/. */
const WIDTH = 120
const DOCS = new URL('../../docs/inside/performance.md', import.meta.url)

const asked = process.argv.slice(2)
const names = asked.filter((name) => name !== '--docs')
const unknown = names.filter((name) => !(name in PARTS))
if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}: ${Object.keys(PARTS).join(', ')}`)

const machine = `Node ${process.version}, ${cpus().length} cores of a shared ${cpus()[0]?.model}, ` +
  `${new Date().toISOString().slice(0, 10)}`
const results = {}
/** `pairs` needs another build. */
const wanted = names.length > 0 ? names : Object.keys(PARTS).filter((part) => part !== 'pairs')
const progress = startProgress(() => {
  const done = Object.keys(results).length
  return `${done}/${wanted.length} parts measured, now ${wanted[done]}`
})
progress.line(`bench: ${wanted.join(', ')}; some minutes each`)
try {
  for (const name of wanted) {
    const { markdown, data } = await PARTS[name]()
    const text = `${markdown}\n\n${machine}.`
    progress.line(`\n## ${name}\n\n${text}`)
    results[name] = { machine, data }
    if (!asked.includes('--docs')) continue
    write(name, text)
    writeFileSync(new URL(`results/${name}.json`, import.meta.url), `${raw(results[name])}\n`)
  }
} finally {
  progress.stop()
  await stopAll()
  mkdirSync('artifacts', { recursive: true })
  writeFileSync('artifacts/bench.json', JSON.stringify(results, null, 2))
}

/** As few lines as fit, no more digits than there are. */
function raw (value, indent = '') {
  const line = JSON.stringify(value, (_key, one) => typeof one === 'number' ? Number(one.toFixed(3)) : one) ?? 'null'
  if (indent.length + line.length < WIDTH || typeof value !== 'object') return line
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const lines = []
  for (const [key, one] of Object.entries(value)) {
    const text = `${Array.isArray(value) ? '' : `${JSON.stringify(key)}: `}${raw(one, `${indent}  `)}`
    const together = `${lines.at(-1)}, ${text}`
    const fits = lines.length > 0 && !together.includes('\n') && indent.length + 3 + together.length < WIDTH
    lines.splice(fits ? -1 : lines.length, 1, fits ? together : text)
  }
  const isFlat = lines.every((one) => !one.includes('\n'))
  return isFlat
    ? `${open} ${lines.join(`,\n${indent}  `)} ${close}`
    : `${open}\n${lines.map((one) => `${indent}  ${one}`).join(',\n')}\n${indent}${close}`
}

/** Between the marks of that part. */
function write (name, text) {
  const page = readFileSync(DOCS, 'utf8')
  const marks = new RegExp(`(<!-- bench:${name} -->\n)[^]*?(<!-- /bench:${name} -->)`)
  if (!marks.test(page)) throw new Error(`docs/inside/performance.md has no place for ${name}`)
  writeFileSync(DOCS, page.replace(marks, (_all, begin, end) => `${begin}\n${text}\n\n${end}`))
}
