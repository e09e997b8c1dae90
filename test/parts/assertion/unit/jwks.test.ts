import t from 'tap'
import { createKeySetResponse } from '../../../../src/parts/assertion/jwks.ts'
import { createKeyRing, type KeyRing } from '../../../../src/parts/assertion/key-ring.ts'
import { extended } from '../../../../src/parts/assertion/key-set.ts'
import { type Algorithm, ALGORITHMS } from '../../../../src/parts/assertion/key.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const HOUR = 3_600_000

function ringOf (clock: ReturnType<typeof manualClock>, algorithm: Algorithm): KeyRing {
  const schedule = { algorithm, rotationMs: HOUR }
  const ring = createKeyRing(clock, schedule)
  ring.use(extended(undefined, schedule, clock.wall()), 0)
  return ring
}

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: three keys, nothing private in them`, async (t) => {
    const { status, headers, body } = createKeySetResponse(ringOf(manualClock(), algorithm))()
    t.equal(status, 200)
    t.match(headers.join(), /cache-control,public, max-age=300(,|$)/)
    const { keys } = JSON.parse(body) as { keys: ReadonlyArray<Record<string, string>> }
    t.equal(keys.length, 3)
    const open = algorithm === 'ES256' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
    for (const key of keys) t.strictSame(Object.keys(key), [...open, 'kid', 'alg', 'use'])
  })
}

t.test('without a key it is an error that nobody keeps, never an empty set', async (t) => {
  const ring = createKeyRing(manualClock(), { algorithm: 'ES256', rotationMs: HOUR })
  const { status, headers, body } = createKeySetResponse(ring)()
  t.equal(status, 503)
  t.match(headers.join(), /cache-control,no-store,retry-after,1$/)
  t.notMatch(body, /keys/)
})

t.test('the text is made once for each period', async (t) => {
  const clock = manualClock(491_520 * HOUR)
  const keySet = createKeySetResponse(ringOf(clock, 'ES256'))
  const first = keySet()
  clock.advance(HOUR - 1)
  t.equal(keySet(), first)
  clock.advance(1)
  t.not(keySet().body, first.body)
})
