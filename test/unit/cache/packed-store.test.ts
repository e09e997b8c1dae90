import fc from 'fast-check'
import t from 'tap'
import { createPackedStore } from '../../../src/cache/packed-store.ts'
import { SEED } from '../../helpers/credentials.ts'

const NAMES = Array.from({ length: 12 }, (_, i) => `name ${i}`)
const [MAX_ENTRIES, MAX_BYTES] = [8, 4096]

type Step = Readonly<{ does: 'set' | 'delete' | 'get', name: string, length: number, fill: number, beside: number }>

const steps = fc.array(fc.record<Step>({
  does: fc.constantFrom('set', 'set', 'delete', 'get'),
  name: fc.constantFrom(...NAMES),
  length: fc.oneof(fc.nat(400), fc.constantFrom(0, 113, 114, 115, 116, 117, 118, 1500, 3900, 5000)),
  fill: fc.nat(255),
  beside: fc.constantFrom(0, 0, 200)
}), { maxLength: 80 })

/** The blocks that a record takes, whose name and its length come first. */
const sizeOf = (name: string, { length, beside }: Kept): number =>
  Math.max(1, Math.ceil((2 + name.length + length) / 124)) * 128 + beside

type Kept = Readonly<{ length: number, fill: number, beside: number }>

t.test('holds what a map would, within its bytes; what was written first goes first', async () => {
  fc.assert(fc.property(steps, (all) => {
    const evicted: string[] = []
    const store = createPackedStore({
      maxEntries: MAX_ENTRIES,
      maxBytes: MAX_BYTES,
      evicted: (name) => { evicted.push(`${name}: ${store.get(name)?.length}`) }
    })
    const model = new Map<string, Kept>()
    const modelBytes = (): number => [...model].reduce((sum, [name, kept]) => sum + sizeOf(name, kept), 0)
    const expected: string[] = []
    for (const { does, name, ...kept } of all) {
      if (does === 'delete' && store.delete(name) !== model.delete(name)) return false
      if (does === 'set') {
        model.delete(name)
        const size = sizeOf(name, kept)
        const fits = size <= MAX_BYTES
        for (const [first, { length }] of fits ? [...model] : []) {
          if (model.size < MAX_ENTRIES && modelBytes() + size <= MAX_BYTES) break
          model.delete(first)
          expected.push(`${first}: ${length}`)
        }
        if (fits) model.set(name, kept)
        if (store.set(name, Buffer.alloc(kept.length, kept.fill), kept.beside) !== fits) return false
      }
      if (store.size() !== model.size || store.bytes() !== modelBytes()) return false
      if (store.oldest() !== [...model.keys()][0]) return false
      const isWrong = (one: string): boolean =>
        store.has(one) !== model.has(one) || !isSame(store.get(one), model.get(one))
      if (NAMES.some(isWrong)) return false
    }
    return evicted.join() === expected.join()
  }), { ...SEED, numRuns: 500 })
})

function isSame (found: Buffer | undefined, kept: Kept | undefined): boolean {
  if (found === undefined || kept === undefined) return found === kept
  return found.equals(Buffer.alloc(kept.length, kept.fill))
}

t.test('gives each of many its own bytes, while others come and go', async t => {
  const store = createPackedStore({ maxEntries: 5000, maxBytes: 2 ** 22, evicted: () => {} })
  const valueOf = (i: number): Buffer => Buffer.from(`${i}`.repeat(1 + i % 90))
  for (let i = 0; i < 20_000; i++) {
    store.set(`${i}`, valueOf(i))
    if (i % 3 === 0) store.delete(`${i - 7}`)
  }
  const wrong = Array.from({ length: 20_000 }, (_, i) => i)
    .filter((i) => store.has(`${i}`) && store.get(`${i}`)?.equals(valueOf(i)) !== true)
  t.strictSame(wrong, [])
  t.ok(store.size() > 3000, `${store.size()} are there`)
})
