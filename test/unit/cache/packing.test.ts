import fc from 'fast-check'
import t from 'tap'
import { createMemoryCache, type MemoryCache } from '../../../src/cache/memory.ts'
import { createKeyer, type CredentialDigest } from '../../../src/core/cache-key.ts'
import { createRotatingKeyer } from '../../../src/core/rotation.ts'
import { SEED } from '../../helpers/credentials.ts'
import { entryOf } from '../../helpers/entry.ts'
import { INVALID, validResolution } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const KEYS = Array.from({ length: 8 }, (_, i) => `key ${i}`)
const PROJECT = { endpoint: 'https://auth.example.com', cookiePrefix: '' }
const LIMITS = { maxEntries: 100, maxBytes: 2 ** 22 }
/** One session is an object, all others are packed. */
const PACKS = { hot: { entries: 1, bytes: 20_000 } }
const none = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }

type Step = Readonly<{
  does: 'write' | 'refuse' | 'read' | 'readEnded' | 'forget' | 'renew' | 'sweep' | 'wait'
  key: string
  ms: number
  isBounded: boolean
}>

const steps = fc.array(fc.record<Step>({
  does: fc.constantFrom(
    'write', 'write', 'write', 'refuse', 'read', 'read', 'readEnded', 'forget', 'renew', 'sweep', 'wait'
  ),
  key: fc.constantFrom(...KEYS),
  ms: fc.integer({ min: 1, max: 2000 }),
  isBounded: fc.boolean()
}), { maxLength: 120 })

/** What memory answers; the number of the step is the user's id, so that no two entries are the same. */
function take (
  memory: MemoryCache, { does, key, ms, isBounded }: Step, step: number, now: number, life: number
): unknown {
  const mark = { local: step, at: now - ms / 3, isBounded }
  const digests = ['shared', `own ${step}`] as CredentialDigest[]
  switch (does) {
    case 'write': return memory.write(
      key, entryOf({ resolution: validResolution({ 'user-id': `user ${step}` }), digests }), life * ms, mark
    )
    case 'refuse': return memory.write(key, entryOf({ resolution: INVALID }), life * ms, mark)
    case 'read': return memory.read(key)
    case 'readEnded': return memory.readEnded(key)
    case 'forget': return memory.forget(key, now - ms / 3)
    case 'renew': return memory.read(key).kind === 'hit' && memory.claimRenewal(key)
    case 'sweep': return memory.sweep()
    case 'wait': return undefined
  }
}

/** Which of those that have ended are swept first may differ: so either some end, or some are pushed out. */
const WAYS = {
  'where others push them out': { maxEntries: 5, life: 1000 }, 'where they end': { maxEntries: 100, life: 1 }
}

for (const [name, { maxEntries, life }] of Object.entries(WAYS)) {
  t.test(`sessions are read as if none was packed, ${name}`, async () => {
    fc.assert(fc.property(steps, (all) => {
      const clock = manualClock()
      const memories = [{}, PACKS].map((packs) =>
        createMemoryCache({ ...LIMITS, maxEntries, ...packs, clock, staleMs: 300 }))
      return all.every((step, index) => {
        if (step.does === 'wait') clock.advance(step.ms / 2)
        const [plain, packed] = memories.map((memory) =>
          JSON.stringify(take(memory, step, index, clock.monotonic(), life)))
        return plain === packed
      })
    }), { ...SEED, numRuns: 1000 })
  })
}

t.test('a session of two cookies can be packed while CACHE_SECRET is rotated', async t => {
  const keyer = createRotatingKeyer(
    createKeyer(Buffer.from('new'), PROJECT), createKeyer(Buffer.from('old'), PROJECT), () => false
  )
  const memory = createMemoryCache({ ...LIMITS, ...PACKS, clock: manualClock() })
  const digests = keyer.digests({ ...none, appSession: 'one.secret', session: 'other.secret' })
  t.equal(digests.length, 8, 'more names than an entry in Redis has')
  memory.write('a', entryOf({ digests }), 20_000, { local: 0, at: 1, isBounded: true })
  memory.write('b', entryOf(), 20_000)
  t.match(memory.read('a'), { kind: 'hit', entry: { digests } })
})

t.test('sixteen entries share a credential, packed ones of a rotation too', async t => {
  const memory = createMemoryCache({ maxEntries: 60, maxBytes: 2 ** 22, ...PACKS, clock: manualClock() })
  const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`)
  for (const [i, key] of keys.entries()) {
    const digests = ['shared', ...Array.from({ length: 7 }, (_, n) => `own ${i} ${n}`)] as CredentialDigest[]
    memory.write(key, entryOf({ digests }), 20_000, { local: 0, at: i, isBounded: true })
  }
  t.strictSame(keys.filter((key) => memory.knowsAsValid(key)), keys.slice(-16))
})

t.test('CACHE_MAX_ENTRIES is reached, however large the identities are', async t => {
  for (const [maxEntries, roles] of [[8192, 1000], [8200, 1000], [8200, 4000], [10_000, 4000]] as const) {
    const memory = createMemoryCache({ maxEntries, maxBytes: 200 * 2 ** 20, clock: manualClock() })
    const entry = entryOf({ resolution: validResolution({ 'user-roles': 'r'.repeat(roles) }) })
    for (let i = 0; i < maxEntries + 10; i++) memory.write(`${i}`.padStart(43, 'k'), entry, 20_000)
    t.equal(memory.size(), maxEntries, `${maxEntries} of ${roles} bytes of roles`)
  }
})
