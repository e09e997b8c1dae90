// What memory really takes beside what it accounts for, by the compiled cache with the worst request of every kind.
// Bytes are not noisy.
// Usage: node --expose-gc test/helpers/entry-size.mjs [KIND]: prints, as JSON, the kinds, or { entries, grown,
// accounted } of one; a process each, so that none pays for another.
import { setTimeout } from 'node:timers/promises'
import { decodeEntry, encodeEntry } from '../../src/base/cache/entry-codec.ts'
import { createMemoryCache } from '../../src/base/cache/memory.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import { createKeyer } from '../../src/base/core/cache-key.ts'
import { IDENTITY_HEADERS, readResolution } from '../../src/base/core/resolution.ts'

/** One more than a map of this size takes before it is made twice as large. */
const ENTRIES = 16_385
const MIB = 2 ** 20
const keyer = createKeyer(Buffer.alloc(32, 1), { endpoint: 'https://accounts.example.com', cookiePrefix: '' })
const pad = (index) => String(index).padStart(12, '0')

/** A part of a longer string: what a parser of headers hands over. */
const part = (text) => Buffer.from(`${text}${' '.repeat(200)}`).toString('latin1').slice(0, text.length)
const identityOf = (index, roles) =>
  [
    'x-authgear-session-valid',
    'true',
    'x-authgear-user-id',
    `a11ce000-0000-4000-8000-${pad(index)}`,
    'x-authgear-user-anonymous',
    'false',
    'x-authgear-user-verified',
    'true',
    'x-authgear-user-roles',
    roles,
    'x-authgear-session-amr',
    `pwd,${pad(index)}`,
    'x-authgear-session-authenticated-at',
    String(1_795_572_256 + index),
    'x-authgear-user-can-reauthenticate',
    'true'
  ].map(part)
if (IDENTITY_HEADERS.some((name) => !identityOf(0, '').includes(name))) throw new Error('give each header a value')
const valid = (index, roles = `editor_${pad(index)}`) => readResolution(identityOf(index, roles)).resolution
const refused = () => readResolution(['x-authgear-session-valid', 'false']).resolution
const largest = (index) => valid(index, `role_${pad(index)},`.repeat(650))

const bearer = (index) => ({ bearer: `token${pad(index)}` })
const four = (index, length = 0) => ({
  bearer: `bearer${pad(index)}`.padEnd(length, 'b'),
  appSession: `app${pad(index)}.secret${pad(index)}`,
  appAccessToken: `access${pad(index)}`.padEnd(length, 'a'),
  session: `session${pad(index)}.secret${pad(index)}`
})
const longest = (index) => four(index, 16 * 1024)

/** Each after another revocation: no two entries have their stamp in common. */
const stampOf = (index) => ({
  generation: `generation${pad(0)}`,
  position: { id: `${1_795_561_910_000 + index}-0`, nonce: `nonceOfTheLog${pad(index)}` }
})
const entryOf = (index, credentials, resolution) => ({
  resolution,
  stamp: stampOf(index),
  digests: keyer.digests(credentials),
  ttlMs: 27_345.5,
  sealedAt: Date.now() + 0.5
})
/** As another replica left it in Redis; a letter beyond Latin-1 makes all that is read two bytes wide. */
const throughRedis = (entry) =>
  decodeEntry(encodeEntry({ ...entry, digests: [...entry.digests.slice(0, 5), `Ł${entry.digests[5].slice(1)}`] }))

const EMPTY = 'no entry where a million may be'
const KINDS = {
  [EMPTY]: {},
  'a valid bearer token': { credentials: bearer, resolution: valid },
  'a valid session among four credentials': { credentials: four, resolution: valid, isBounded: true },
  'a valid session with 16 KiB tokens': { credentials: longest, resolution: valid, isBounded: true, entries: 4097 },
  'an identity of 12 KiB': { credentials: four, resolution: largest, isBounded: true, entries: 4097 },
  'a valid session from Redis': { credentials: four, resolution: valid, isBounded: true, through: throughRedis },
  'an identity of 12 KiB from Redis': {
    credentials: four,
    resolution: largest,
    isBounded: true,
    through: throughRedis,
    entries: 4097
  },
  'a refused bearer token': { credentials: bearer, resolution: refused, isBounded: true },
  'four refused credentials': { credentials: four, resolution: refused, isBounded: true },
  'four refused credentials of 16 KiB': { credentials: longest, resolution: refused, isBounded: true, entries: 4097 },
  'four refused credentials from Redis': {
    credentials: four,
    resolution: refused,
    isBounded: true,
    through: throughRedis
  }
}

/** So little more is given back by another collection when all is. */
const SETTLED_BYTES = 64 * 1024

/** Buffers outside of the heap are given back after the collection that finds them, by another thread of V8's. */
async function used () {
  for (let last = Infinity; ;) {
    for (let turn = 0; turn < 4; turn++) globalThis.gc()
    await setTimeout(10)
    const { heapUsed, external } = process.memoryUsage()
    if (last - (heapUsed + external) < SETTLED_BYTES) return heapUsed + external
    last = heapUsed + external
  }
}

async function measure ({ credentials, resolution, isBounded = false, through = (entry) => entry, entries = ENTRIES }) {
  const memory = createMemoryCache({ maxEntries: entries * 10, maxBytes: 4096 * MIB, clock })
  const [before, reserved] = [await used(), memory.bytes()]
  for (let index = 0; index < entries; index++) {
    const sent = credentials(index)
    memory.write(keyer.memoryKey(sent), through(entryOf(index, sent, resolution(index))), 600_000, {
      local: 0,
      at: performance.now(),
      isBounded
    })
  }
  const grown = await used() - before
  if (memory.size() !== entries) throw new Error(`${memory.size()} of ${entries} are remembered`)
  return { entries, grown, accounted: memory.bytes() - reserved }
}

/** The lists that are there before any entry is. */
async function measureEmpty () {
  const before = await used()
  const memory = createMemoryCache({ maxEntries: 1_000_000, maxBytes: 4096 * MIB, clock })
  return { entries: memory.size(), grown: await used() - before, accounted: memory.bytes() }
}

await measure({ ...KINDS['a valid bearer token'], entries: 3000 }) // what is compiled and cached once
const [kind] = process.argv.slice(2)
const how = kind === EMPTY ? measureEmpty : measure
console.log(JSON.stringify(kind === undefined ? Object.keys(KINDS) : await how(KINDS[kind])))
