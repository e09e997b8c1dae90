// Started with --expose-gc: 100,000 clients with the longest ids, each for people with the longest ids on all
// resources, and as many blocks as a list holds. Prints what is kept of them, and what `GET /clients` says.
import { Buffer } from 'node:buffer'
import fastify from 'fastify'
import { addClients } from '../../../src/parts/clients/routes.ts'
import { createClientsSeen } from '../../../src/parts/clients/clients-seen.ts'
import { MAX_BLOCKS } from '../../../src/parts/clients/block-list.ts'

const CLIENTS = 100_000
const [PEOPLE, RESOURCES] = [25, 6]
const TOKEN = 'a token of the tests'
const long = (text) => text.padEnd(256, 'x')
/** As a parsed token has it: a text of its own, no part of another. */
const own = (text) => Buffer.from(text).toString('latin1')
const resources = Array.from({ length: RESOURCES }, (_, n) => long(`https://${n}.example/`))

let now = Date.now()
const seen = createClientsSeen({ wall: () => now })
globalThis.gc()
const before = process.memoryUsage().heapUsed
for (let n = 0; n < CLIENTS; n++) {
  now++
  for (let i = 0; i < PEOPLE; i++) {
    const token = { clientId: own(long(`dcrc_${n}_`)), userId: own(long(`user_${n}_${i}_`)) }
    seen.saw(token, resources[i % RESOURCES], true)
  }
}
globalThis.gc()
const heapBytes = process.memoryUsage().heapUsed - before

const blocks = Object.entries(MAX_BLOCKS).flatMap(([origin, count]) =>
  Array.from({ length: count }, (_, n) => [long(`blocked_${origin}_${n}_`), { isBlocked: true, at: now, origin }]))
const app = fastify()
addClients(app, { token: TOKEN, fixed: new Set(), blocks: { list: () => new Map(blocks) }, seen: seen.list })
const asked = performance.now()
const answer = await app.inject({ url: '/clients', headers: { authorization: `Bearer ${TOKEN}` } })
const answeredMs = performance.now() - asked
const { blocked, seen: rows } = answer.json()
process.stdout.write(JSON.stringify({
  heapBytes,
  bytes: answer.body.length,
  answeredMs,
  blocked: blocked.length,
  rows: rows.length,
  newest: rows[0].client_id,
  oldest: rows.at(-1).client_id
}))
