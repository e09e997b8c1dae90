// What the access record costs: a memory hit with it and without, bytes a request, and memory while many people are
// within one window.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  interleaved, medianOf, ratioOf, ROUNDS, SECONDS, spread, startServer, startService, stop, table, thousands, TOKEN
} from './lib.mjs'
import { GENERATOR, loadOf } from './load.mjs'

const [SERVICE, RESOLVER] = [20950, 20958]
const SCRIPT = new URL('../helpers/record-cost.mjs', import.meta.url).pathname
const PEOPLE = 100_000
/** Of each of them within a window of a minute. */
const REQUESTS = 20
const MIB = 2 ** 20
/** What of CACHE_MAX_MEMORY the record may take: 246m is the default without a limit, 4g has room for all. */
const SIZES = [['4g', 4096], ['246m', 246]].map(([name, mib]) => ({ name, bytes: mib * MIB / 20 }))

export async function record () {
  const folder = mkdtempSync(join(tmpdir(), 'bench-record-'))
  try {
    const hits = await hitsIn(folder)
    const single = await cost(1000, 1, MIB)
    const sizes = []
    for (const { name, bytes } of SIZES) sizes.push({ name, bound: bytes, ...await cost(PEOPLE, REQUESTS, bytes) })
    return { name: 'record', markdown: markdownOf(hits, single, sizes), data: { hits, single, sizes } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns the rounds of a service without a record and of one with it */
async function hitsIn (folder) {
  const resolver = await startServer('resolver', RESOLVER, 1)
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${RESOLVER}` }
  const services = [
    await startService(SERVICE, env),
    await startService(SERVICE + 2, { ...env, ACCESS_RECORD: `file:${join(folder, 'access.jsonl')}` })
  ]
  const headers = [
    `Authorization: Bearer ${TOKEN}`, 'X-Forwarded-Host: app.example.com', 'X-Forwarded-Uri: /a/b',
    'X-Forwarded-Method: GET'
  ]
  try {
    const [off, on] = await interleaved(services, (service, index) =>
      loadOf(service, `http://127.0.0.1:${SERVICE + 2 * index}/verify`, { headers }))
    return {
      off: medianOf(off, ({ rate }) => rate),
      on: medianOf(on, ({ rate }) => rate),
      rate: ratioOf(on, off, ({ rate }) => rate),
      cpu: ratioOf(on, off, ({ cpu }) => cpu)
    }
  } finally {
    await Promise.all([...services, resolver].map(stop))
  }
}

async function cost (...options) {
  const { stdout } = await promisify(execFile)(
    process.execPath, ['--expose-gc', '--max-old-space-size=4096', SCRIPT, ...options.map(String)]
  )
  return JSON.parse(stdout)
}

function markdownOf (hits, single, sizes) {
  const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`
  const rows = sizes.flatMap(({ name, bound, heap, bytes, people, requests, lines }) => [
    [
      `memory, ${thousands(people)} people in one window, CACHE_MAX_MEMORY=${name}`,
      `${mib(heap)} of heap, of ${mib(bound)} that the record may take`
    ],
    [
      `bytes a request then, each person with ${requests} of them`,
      `${(bytes / people / requests).toFixed(0)} (${(lines / people).toFixed(1)} lines a person)`
    ]
  ])
  const note = `${ROUNDS} interleaved rounds of ${SECONDS} s, ${GENERATOR} with 32 connections; min / median / max. ` +
    'Memory and bytes: test/helpers/record-cost.mjs.'
  return `${table([
    ['what', 'figure'],
    ['a memory hit with the record to one without, requests/s', spread(hits.rate)],
    ['the same, CPU of this service', spread(hits.cpu)],
    ['bytes of a request that is not folded', (single.bytes / single.lines).toFixed(0)],
    ...rows
  ])}\n\n${note}`
}
