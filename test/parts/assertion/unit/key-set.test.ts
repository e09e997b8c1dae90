import fc from 'fast-check'
import t from 'tap'
import { LIFE_SECONDS } from '../../../../src/parts/assertion/assertions.ts'
import { ALGORITHMS } from '../../../../src/parts/assertion/key.ts'
import {
  extended, type KeySet, MAX_AGE_SECONDS, merged, PUBLISH_AFTER_MS, PUBLISH_AHEAD_MS, publishedAt, type Schedule,
  signingAt
} from '../../../../src/parts/assertion/key-set.ts'
import { holds } from '../../../helpers/property.ts'

const HOUR = 3_600_000
const BEGIN = 491_520 * HOUR
const EVERY_HOUR: Schedule = { algorithm: 'EdDSA', rotationMs: HOUR }
const setAt = (now: number, schedule = EVERY_HOUR): KeySet => extended(undefined, schedule, now)
const signing = (set: KeySet, now: number, { algorithm } = EVERY_HOUR): string | undefined =>
  signingAt(set, algorithm, now)?.pkcs8
const published = (set: KeySet, now: number, schedule = EVERY_HOUR): readonly string[] =>
  publishedAt(set, schedule, now).map(({ pkcs8 }) => pkcs8)
const startsOf = ({ keys }: KeySet): readonly number[] => keys.map(({ from }) => (from - BEGIN) / HOUR)

t.test('the times are longer than a verifier keeps a key set, and an assertion lives', async (t) => {
  t.ok(PUBLISH_AHEAD_MS > MAX_AGE_SECONDS * 1000)
  t.ok(PUBLISH_AFTER_MS >= PUBLISH_AHEAD_MS + LIFE_SECONDS * 1000)
})

t.test('a key is published for a whole period before it signs and for an hour after', async (t) => {
  for (const hours of [1, 24]) {
    const schedule = { ...EVERY_HOUR, rotationMs: hours * HOUR }
    const set = setAt(BEGIN - hours * HOUR, schedule)
    const key = signing(set, BEGIN) ?? ''
    const end = BEGIN + hours * HOUR
    t.strictSame([BEGIN - 1, BEGIN, end - 1, end].map((at) => signing(set, at) === key), [false, true, true, false])
    t.strictSame(
      [BEGIN - hours * HOUR - 1, BEGIN - hours * HOUR, end + HOUR - 1, end + HOUR].map((at) =>
        published(set, at, schedule).includes(key)),
      [false, true, true, false],
      `a key of ${hours} hours`
    )
  }
})

t.test('any key set verifies any assertion of another replica, if one wrote or not', async (t) => {
  const skewMs = fc.integer({ min: -10 * 60_000, max: 10 * 60_000 })
  const world = fc.record({
    passed: fc.integer({ min: 0, max: 23 * HOUR }),
    hasSynced: fc.boolean(),
    signerSkew: skewMs,
    publisherSkew: skewMs,
    setAge: fc.integer({ min: 0, max: MAX_AGE_SECONDS * 1000 }),
    assertionAge: fc.integer({ min: 0, max: LIFE_SECONDS * 1000 })
  })
  const first = setAt(BEGIN)
  await holds(t, fc.property(world, ({ passed, hasSynced, signerSkew, publisherSkew, setAge, assertionAge }) => {
    const now = BEGIN + 20 * 60_000 + passed
    const publishing = hasSynced ? extended(first, EVERY_HOUR, now) : first
    const key = signing(first, now + signerSkew - assertionAge)
    return key !== undefined && published(publishing, now + publisherSkew - setAge).includes(key)
  }))
})

t.test('keys are there for the last, the present and 24 more periods; old ones go', async (t) => {
  const set = setAt(BEGIN + 1)
  t.strictSame(startsOf(set), Array.from({ length: 26 }, (_, index) => index - 1))
  t.equal(extended(set, EVERY_HOUR, BEGIN + HOUR - 1), set, 'nothing is missing')
  const next = extended(set, EVERY_HOUR, BEGIN + HOUR)
  t.strictSame(next.keys.slice(0, -1), set.keys)
  t.strictSame(startsOf(extended(set, EVERY_HOUR, BEGIN + 10 * HOUR)), Array.from({ length: 27 }, (_, i) => i + 8))
})

t.test('another algorithm or period signs ten minutes after all replicas have its keys', async (t) => {
  const daily: Schedule = { algorithm: 'ES256', rotationMs: 24 * HOUR }
  const [now, old] = [BEGIN + 1.5 * HOUR, setAt(BEGIN, daily)]
  const before = signing(old, now)
  for (const schedule of [EVERY_HOUR, { algorithm: 'ES256', rotationMs: HOUR }] as const) {
    const set = extended(old, schedule, now)
    t.equal(set.keys.find((key) => !old.keys.includes(key))?.from, now + PUBLISH_AHEAD_MS)
    t.equal(extended(set, schedule, now + 1), set, 'made once')
    t.equal(signing(set, now + PUBLISH_AHEAD_MS - 1, schedule), before)
    t.not(signing(set, now + PUBLISH_AHEAD_MS, schedule), before)
    for (const at of [now, now + 23 * HOUR]) {
      const keys = [signing(set, at, schedule), signing(set, at, daily)]
      for (const one of [schedule, daily]) {
        t.ok(keys.every((key) => published(set, at, one).includes(key ?? '')), 'replicas of both settings publish it')
      }
    }
  }
})

t.test('keys of an algorithm that no replica has any more go in their turn', async (t) => {
  let set = setAt(BEGIN, { algorithm: 'ES256', rotationMs: HOUR })
  for (let now = BEGIN; now < BEGIN + 40 * HOUR; now += HOUR / 4) {
    set = extended(set, EVERY_HOUR, now)
    const keys = ALGORITHMS.map((algorithm) => signing(set, now, { algorithm, rotationMs: HOUR }))
    t.ok(keys.every((key) => published(set, now).includes(key ?? '')), 'a replica that comes back has a published key')
  }
  t.strictSame(new Set(set.keys.map(({ algorithm }) => algorithm)), new Set(['EdDSA']))
})

t.test('shortly before a period ends, no key for its rest is made again and again', async (t) => {
  const now = BEGIN + HOUR - 1
  const set = extended(setAt(BEGIN, { algorithm: 'ES256', rotationMs: HOUR }), EVERY_HOUR, now)
  t.equal(extended(set, EVERY_HOUR, now), set)
  t.equal(set.keys.find(({ algorithm }) => algorithm === 'EdDSA')?.from, now + PUBLISH_AHEAD_MS)
})

t.test('after longer than there are keys the last one signs until new ones were read', async (t) => {
  const set = setAt(BEGIN)
  const now = BEGIN + 100 * HOUR
  const next = extended(set, EVERY_HOUR, now)
  t.equal(signing(next, now), set.keys.at(-1)?.pkcs8)
  t.ok(published(next, now).includes(set.keys.at(-1)?.pkcs8 ?? ''))
  t.not(signing(next, now + PUBLISH_AHEAD_MS), signing(next, now))
})

t.test('of two sets the older one signs, and both are published for a while', async (t) => {
  const [older, younger] = [setAt(BEGIN), setAt(BEGIN + 1)]
  for (const [one, other] of [[older, younger], [younger, older]] as const) {
    const both = merged(one, other, EVERY_HOUR, BEGIN + 2)
    t.equal(both.sid, older.sid)
    t.equal(signing(both, BEGIN + 2), signing(older, BEGIN + 2))
    const all = [older, younger].flatMap((set) => published(set, BEGIN + 2))
    t.strictSame(new Set(published(both, BEGIN + 2)), new Set(all))
    t.equal(merged(both, younger, EVERY_HOUR, BEGIN + 3), both, 'it is written once')
    t.strictSame(published(both, BEGIN + 2 + HOUR), published(older, BEGIN + 2 + HOUR))
    t.ok(extended(both, EVERY_HOUR, BEGIN + 3 * HOUR).keys.every(({ until }) => until === undefined), 'and they go')
  }
})

t.test('a set that lost keys gets back what its replicas sign with', async (t) => {
  const now = BEGIN + 30 * HOUR
  const [old, held] = [setAt(BEGIN), extended(extended(setAt(BEGIN), EVERY_HOUR, BEGIN + 20 * HOUR), EVERY_HOUR, now)]
  const back = merged(old, { ...held, sid: old.sid }, EVERY_HOUR, now)
  t.equal(signing(back, now), signing(held, now))
  t.strictSame(published(back, now).filter((key) => !published(held, now).includes(key)), [])
})
