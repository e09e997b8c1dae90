import t from 'tap'
import { createMemoryCache } from '../../../src/cache/memory.ts'
import { entryOf } from '../../helpers/entry.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

let seed = 12345
const rnd = (n: number): number => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return Math.floor(seed / 4294967296 * n) }
const KEYS = Array.from({ length: 60 }, (_, i) => `${i}`.padStart(43, 'k'))
const DIGESTS = Array.from({ length: 3 }, (_, i) => `${i}`.padStart(22, 'd'))

for (const [hotEntries, hotBytes, maxBytes, staleMs] of [[1, 20_000, 115_000, 0], [3, 20_000, 120_000, 5000], [2, 4000, 101_000, 0], [5, 40_000, 150_000, 100], [8, 9000, 400_000, 0]] as const) {
  t.test(`${hotEntries} ${maxBytes}`, async t => {
    const clock = manualClock()
    const memory = createMemoryCache({ maxEntries: 50, maxBytes, clock, hot: { entries: hotEntries, bytes: hotBytes }, staleMs })
    const empty = memory.bytes()
    const model = new Map<string, { id: string, at: number, valid: boolean, digests: string[], bounded: boolean, ends: number, local: number }>()
    const claims = new Map<string, number>()
    let errors = 0, hits = 0, hitsPacked = 0, maxB = 0, maxS = 0
    const fail = (m: string) => { if (errors++ < 5) t.fail(m) }
    for (let step = 0; step < 60_000; step++) {
      const key = KEYS[rnd(KEYS.length)] ?? ''
      const op = rnd(20)
      if (op < 8) {
        const at = clock.monotonic() - rnd(3) * rnd(400) + rnd(1000) / 1000
        const valid = rnd(6) > 0
        const bounded = rnd(2) === 0
        const digests = [DIGESTS[rnd(3)] ?? '', `own${step}`]
        if (rnd(4) === 0) digests.pop()
        const id = `u${step}-${key}`
        const life = rnd(5) === 0 ? 1 + rnd(5000) / 7 : 3_600_000
        const roles = rnd(50) === 0 ? 'r'.repeat(rnd(12000)) : 'r'.repeat(rnd(300))
        const resolution = valid ? validResolution({ 'user-id': id, 'user-roles': roles }) : rnd(2) ? INVALID : SILENT
        const known = model.get(key)
        const present = memory.readEnded(key).kind === 'hit' // promotes
        memory.write(key, entryOf({ resolution, digests: digests as never, ttlMs: Math.ceil(life) , sealedAt: clock.wall() + rnd(10) / 10 as never}), life, { at, local: step, isBounded: bounded })
        claims.delete(key)
        const mayOvertake = known !== undefined && at < known.at
        if (!mayOvertake || !present) {
          // stale may be accepted if gone; otherwise rejected
          const r = memory.readEnded(key)
          const got = r.kind === 'hit' && r.local === step
          if (got || !mayOvertake) model.set(key, { id, at, valid, digests, bounded, ends: clock.monotonic() + life, local: step })
        } else {
          const r = memory.readEnded(key)
          if (r.kind === 'hit' && r.local === step) fail(`older replaced newer at ${step}`)
        }
      } else if (op < 15) {
        const r = memory.read(key)
        const m = model.get(key)
        if (r.kind === 'hit') {
          hits++
          if (m === undefined) fail(`hit of nothing ${step}`)
          else {
            if (r.local !== m.local) fail(`local differs ${step} ${r.local} ${m.local}`)
            if (r.entry.resolution.kind === 'valid' ? r.entry.resolution.userId !== m.id : m.valid) fail(`another user ${step}`)
            if (r.entry.digests.join() !== m.digests.join()) fail(`digests ${step}`)
            if (m.ends < clock.monotonic()) fail(`ended ${step}`)
            if (r.remainingMs > m.ends - clock.monotonic()) fail('longer life')
          }
        }
      } else if (op === 15) {
        const at = clock.monotonic() - rnd(300)
        const m = model.get(key)
        memory.forget(key, at)
        if (m !== undefined && m.at < at) { model.delete(key); if (memory.readEnded(key).kind === 'hit') fail('forget') }
      } else if (op === 16) {
        const c = memory.claimRenewal(key)
        const last = claims.get(key)
        if (c && last !== undefined && clock.monotonic() - last < 1000) fail(`claimed twice ${step}`)
        if (c) claims.set(key, Math.floor(clock.monotonic()))
      } else if (op === 17) { memory.sweep() } else clock.advance(rnd(200) / 3)
      maxB = Math.max(maxB, memory.bytes()); maxS = Math.max(maxS, memory.size())
      if (memory.bytes() > maxBytes) fail(`bytes ${memory.bytes()} > ${maxBytes}`)
      if (step % 200 === 0) {
        const live = KEYS.filter((k) => memory.knowsAsValid(k))
        for (const d of DIGESTS) {
          const sharing = live.filter((k) => { const m = model.get(k); return m?.valid && m.bounded && m.digests.includes(d) })
          if (sharing.length > 16) fail(`${sharing.length} share ${d}`)
        }
      }
    }
    t.comment({ hits, maxB, maxS, empty, size: memory.size() })
    for (const k of KEYS) { memory.forget(k, Infinity) }
    t.equal(memory.size(), 0)
    t.equal(memory.bytes(), empty)
    for (const d of DIGESTS) {
      const n = 14
      for (let i = 0; i < n; i++) memory.write(`${d}${i}`.padStart(43, 'z'), entryOf({ digests: [d as never] }), 1e6, { at: 1e9 + i, local: 0, isBounded: true })
      const kept = Array.from({ length: n }, (_, i) => memory.knowsAsValid(`${d}${i}`.padStart(43, 'z'))).filter(Boolean).length
      t.comment(`${kept} of ${n}, size ${memory.size()}`)
      for (let i = 0; i < n; i++) memory.forget(`${d}${i}`.padStart(43, 'z'), Infinity)
    }
    t.equal(memory.bytes(), empty)
    t.end()
  })
}
