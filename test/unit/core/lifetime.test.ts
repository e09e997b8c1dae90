import fc from 'fast-check'
import t from 'tap'
import { capAt, identityDeadline, lifetimeOf } from '../../../src/base/core/token-expiry.ts'
import { credentials } from '../../helpers/credentials.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'
import { jwt, jwtEnding, NOW } from '../../helpers/jwt.ts'
import { holds } from '../../helpers/property.ts'

const LIFETIMES = { ttlMs: 30_000, negativeTtlMs: 5000 }
const VALID = validResolution()
const ALMOST_ONE = 1 - Number.EPSILON / 2

const life = (
  resolution = VALID as typeof VALID | typeof INVALID,
  sent: Parameters<typeof credentials>[0] = { bearer: 'x' },
  random = 0,
  lifetimes = LIFETIMES
): number => lifetimeOf(resolution, deadlineOf(sent), lifetimes, NOW, random)
const deadlineOf = (sent: Parameters<typeof credentials>[0]): number => identityDeadline(credentials(sent), NOW)

t.test('shortens a life by up to a tenth, so that entries do not end together', async t => {
  t.equal(life(VALID), 30_000, 'at most the whole')
  t.equal(life(VALID, {}, 0.5), 28_500)
  t.equal(life(VALID, {}, ALMOST_ONE), 27_000, 'at least nine tenths')
  t.equal(life(INVALID), 5000)
  t.equal(life(INVALID, {}, ALMOST_ONE), 4500)
  t.equal(life(SILENT), 5000, 'a silent refusal lives as long as any')
})

t.test('within these bounds whatever the chance, and in whole milliseconds', async (t) => {
  await holds(
    t,
    fc.property(
      fc.integer({ min: 1, max: 600_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (ttlMs, random) => {
        const result = life(VALID, {}, random, { ttlMs, negativeTtlMs: 0 })
        return Number.isInteger(result) && result <= ttlMs && result >= Math.floor(ttlMs * 0.9)
      }
    )
  )
})

t.test('a TTL of zero keeps nothing, each for its own kind', async t => {
  t.equal(life(VALID, {}, 0, { ttlMs: 0, negativeTtlMs: 5000 }), 0)
  t.equal(life(INVALID, {}, 0, { ttlMs: 0, negativeTtlMs: 5000 }), 5000)
  t.equal(life(VALID, {}, 0, { ttlMs: 30_000, negativeTtlMs: 0 }), 30_000)
  t.equal(life(SILENT, {}, 0.7, { ttlMs: 30_000, negativeTtlMs: 0 }), 0)
})

const caps: readonly (readonly [what: string, sent: Parameters<typeof credentials>[0], expected: number])[] = [
  ['a token that ends later', { bearer: jwtEnding(60_000) }, 30_000],
  ['a token that ends sooner', { bearer: jwtEnding(1000) }, 1000],
  ['a token in the cookie', { appAccessToken: jwtEnding(1000) }, 1000],
  ['a token that ends now', { bearer: jwtEnding(0) }, 0],
  ['a token within the leeway', { bearer: jwtEnding(-30_000) }, 0],
  ['a token that is dead, beside a session', { bearer: jwtEnding(-61_000), session: 's' }, 30_000],
  ['the earlier of two tokens', { bearer: jwtEnding(20_000), appAccessToken: jwtEnding(1000) }, 1000],
  ['a token that ends within a millisecond', { bearer: jwtEnding(0.5) }, 0],
  ['a token that never ends', { bearer: jwt({ exp: 1e308 }) }, 30_000],
  ['an opaque token', { bearer: 'x' }, 30_000]
]

t.test('remembers no user past the exp of a token that was sent', async t => {
  for (const [what, sent, expected] of caps) {
    t.equal(life(VALID, sent), expected, what)
    t.equal(capAt(30_000, VALID, deadlineOf(sent), NOW), expected, `${what}: what is promoted`)
  }
})

t.test('a refusal is not capped: it has nothing to outlive', async t => {
  for (const [what, sent] of caps) {
    t.equal(life(INVALID, sent), 5000, what)
    t.equal(capAt(1234.5, SILENT, deadlineOf(sent), NOW), 1234.5, `${what}: what is promoted`)
  }
})

t.test('the rest of an expired lifetime is 0, never negative', async t => {
  t.equal(capAt(-5, VALID, Infinity, NOW), 0)
  t.equal(capAt(1999.9, VALID, Infinity, NOW), 1999)
})
