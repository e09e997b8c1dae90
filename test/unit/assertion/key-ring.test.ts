import t from 'tap'
import { createKeyRing, PUBLISH_AFTER_MS, PUBLISH_AHEAD_MS } from '../../../src/assertion/key-ring.ts'
import { MAX_AGE_SECONDS, rotatingSource, type KeySource } from '../../../src/assertion/sources.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const sourceOf = (byte: number): KeySource =>
  rotatingSource(new Uint8Array(32).fill(byte), { algorithm: 'EdDSA', rotationMs: 3_600_000 })
const [a, b, c] = [sourceOf(1), sourceOf(2), sourceOf(3)]

function ring () {
  const clock = manualClock()
  const made = createKeyRing(clock)
  return {
    clock,
    ...made,
    /** Which signs, then what is published. */
    now: () => [made.signer()?.id, made.published().map(({ id }) => id)] as const
  }
}

t.test('the times are longer than a verifier keeps a key set, and an assertion lives', async (t) => {
  t.ok(PUBLISH_AHEAD_MS > MAX_AGE_SECONDS * 1000)
  t.ok(PUBLISH_AFTER_MS >= PUBLISH_AHEAD_MS + 60_000)
})

t.test('nothing signs before a source is there', async (t) => { t.strictSame(ring().now(), [undefined, []]) })

t.test('the first source is published at once and signs when it has stood', async (t) => {
  const { want, clock, now } = ring()
  want([a], 3000)
  t.strictSame(now(), [undefined, [a.id]])
  clock.advance(2999)
  want([a], 3000)
  t.strictSame(now(), [undefined, [a.id]])
  clock.advance(1)
  t.strictSame(now(), [a.id, [a.id]])
})

t.test('before anything has signed, another first source takes over', async (t) => {
  const { want, clock, now } = ring()
  want([a], 3000)
  clock.advance(1000)
  want([b, a], 0)
  t.strictSame(now(), [b.id, [b.id, a.id]])
})

t.test('another source signs only when every key set has it', async (t) => {
  const { want, clock, now } = ring()
  want([a], 0)
  t.equal(now()[0], a.id)
  want([b], 0)
  t.strictSame(now(), [a.id, [a.id, b.id]])
  clock.advance(PUBLISH_AHEAD_MS - 1)
  t.strictSame(now(), [a.id, [a.id, b.id]])
  clock.advance(1)
  t.strictSame(now(), [b.id, [b.id, a.id]])
  clock.advance(PUBLISH_AFTER_MS)
  t.strictSame(now(), [b.id, [b.id, a.id]])
  clock.advance(1)
  t.strictSame(now(), [b.id, [b.id]])
})

t.test('a source that was published long ago signs at once', async (t) => {
  const { want, clock, now } = ring()
  want([a, b], 0)
  t.equal(now()[0], a.id)
  clock.advance(PUBLISH_AHEAD_MS)
  want([b, a], 0)
  t.strictSame(now(), [b.id, [b.id, a.id]])
})

t.test('a third source before the second signed: the first goes on', async (t) => {
  const { want, clock, now } = ring()
  want([a], 0)
  now()
  want([b], 0)
  clock.advance(PUBLISH_AHEAD_MS - 1)
  want([c], 0)
  clock.advance(PUBLISH_AHEAD_MS - 1)
  t.strictSame(now(), [a.id, [a.id, b.id, c.id]])
  clock.advance(1)
  t.equal(now()[0], c.id)
})

t.test('a change that is taken back changes nothing', async (t) => {
  const { want, clock, now } = ring()
  want([a], 0)
  now()
  want([b], 0)
  clock.advance(PUBLISH_AHEAD_MS / 2)
  want([a], 0)
  clock.advance(PUBLISH_AHEAD_MS * 3)
  t.strictSame(now(), [a.id, [a.id]])
})

t.test('a source that nobody asks for signs on, and stays published', async (t) => {
  const { want, clock, now } = ring()
  want([a], 0)
  now()
  clock.advance(30 * 86_400_000)
  t.strictSame(now(), [a.id, [a.id]])
  want([a], 0)
  t.strictSame(now(), [a.id, [a.id]])
})
