import t from 'tap'
import { createKeyRing } from '../../../../src/parts/assertion/key-ring.ts'
import { extended, type KeySet, merged, PUBLISH_AHEAD_MS } from '../../../../src/parts/assertion/key-set.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const HOUR = 3_600_000
const BEGIN = 491_520 * HOUR
const SCHEDULE = { algorithm: 'EdDSA', rotationMs: HOUR } as const
const [a, b] = [extended(undefined, SCHEDULE, BEGIN), extended(undefined, SCHEDULE, BEGIN + 1)]

function ring () {
  const clock = manualClock(BEGIN + 1)
  const made = createKeyRing(clock, SCHEDULE)
  return { clock, ...made, kid: () => made.signer()?.kid, kids: () => made.published().map(({ kid }) => kid) }
}
/** Which key signs where the set is read. */
function kidOf (set: KeySet): string | undefined {
  const { use, kid } = ring()
  use(set, 0)
  return kid()
}

t.test('nothing signs before a set is there', async (t) => {
  const { kid, kids, nextAt } = ring()
  t.strictSame([kid(), kids(), nextAt()], [undefined, [], undefined])
})

t.test('the first set is published at once and signs when it has stood', async (t) => {
  const { use, clock, kid, kids, nextAt } = ring()
  use(a, 3000)
  t.strictSame([kid(), kids().length], [undefined, 3])
  clock.advance(2999)
  use({ ...a }, 3000)
  t.equal(kid(), undefined)
  clock.advance(1)
  t.equal(kid(), kidOf(a))
  t.equal(kids()[0], kid())
  t.equal(nextAt(), BEGIN + HOUR)
})

t.test('keys of another set sign only when every verifier has them, over a rotation too', async (t) => {
  const { use, clock, kid, kids } = ring()
  clock.advance(HOUR - 60_000)
  use(b, 0)
  const own = kid()
  use(merged(b, a, SCHEDULE, clock.wall()), 0)
  t.equal(kid(), own)
  t.equal(kids()[0], own)
  clock.advance(PUBLISH_AHEAD_MS - 1)
  t.equal(kid(), own)
  clock.advance(1)
  t.not(kid(), own)
  t.equal(a.keys.some(({ pkcs8 }) => kidOf({ ...a, keys: [{ pkcs8, algorithm: 'EdDSA', from: 0 }] }) === kid()), true)
  t.ok(kids().includes(own ?? ''), 'what it signed is verified on')
})

t.test('a change that is taken back changes nothing', async (t) => {
  const { use, clock, kid } = ring()
  use(a, 0)
  const first = kid()
  use(b, 0)
  t.equal(kid(), first)
  clock.advance(PUBLISH_AHEAD_MS / 2)
  use(a, 0)
  clock.advance(PUBLISH_AHEAD_MS)
  t.equal(kid(), first)
})

t.test('the next key signs in its turn, and sessions keep their digest', async (t) => {
  const { use, clock, kid, sidHmac } = ring()
  use(a, 0)
  const [first, digest] = [kid(), sidHmac()('session')]
  clock.advance(HOUR)
  t.not(kid(), first)
  use(extended(a, SCHEDULE, clock.wall()), 0)
  t.equal(sidHmac()('session'), digest)
  use(b, 0)
  t.not(sidHmac()('session'), digest)
})
