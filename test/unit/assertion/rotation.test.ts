import fc from 'fast-check'
import t from 'tap'
import { LIFE_SECONDS } from '../../../src/assertion/claims.ts'
import { MAX_AGE_SECONDS, rotatingSource, type KeySource } from '../../../src/assertion/sources.ts'
import type { EpochMs } from '../../../src/core/token-expiry.ts'
import { SEED } from '../../helpers/credentials.ts'

const ROOT = new Uint8Array(32).fill(7)
const HOUR = 3_600_000
const source = (rotationMs: number): KeySource => rotatingSource(ROOT, { algorithm: 'EdDSA', rotationMs })

const kidAt = (one: KeySource, now: number): string => one.keysAt(now as EpochMs).signing.kid
const setAt = (one: KeySource, now: number): readonly string[] =>
  one.keysAt(now as EpochMs).published.map(({ kid }) => kid)

t.test('a key is published for a whole period before it signs and after', async (t) => {
  const one = source(HOUR)
  const begin = 491_520 * HOUR
  const kid = kidAt(one, begin)
  const published = (at: number): boolean => setAt(one, at).includes(kid)
  t.strictSame([begin - 1, begin + HOUR - 1, begin + HOUR].map((at) => kidAt(one, at) === kid), [false, true, false])
  t.strictSame(
    [begin - HOUR - 1, begin - HOUR, begin + 2 * HOUR - 1, begin + 2 * HOUR].map(published),
    [false, true, true, false]
  )
  t.equal(one.keysAt(begin as EpochMs).until, begin + HOUR)
})

t.test('any key set of a replica verifies any assertion of another', async () => {
  const [signer, publisher] = [source(HOUR), source(HOUR)]
  const skewMs = fc.integer({ min: -10 * 60_000, max: 10 * 60_000 })
  const world = fc.record({
    now: fc.integer({ min: 1.6e12, max: 4e12 }),
    signerSkew: skewMs,
    publisherSkew: skewMs,
    setAge: fc.integer({ min: 0, max: MAX_AGE_SECONDS * 1000 }),
    assertionAge: fc.integer({ min: 0, max: LIFE_SECONDS * 1000 })
  })
  fc.assert(
    fc.property(world, ({ now, signerSkew, publisherSkew, setAge, assertionAge }) =>
      setAt(publisher, now + publisherSkew - setAge).includes(kidAt(signer, now + signerSkew - assertionAge))),
    { ...SEED, numRuns: 2000 }
  )
})
