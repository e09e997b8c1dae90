import t from 'tap'
import { createKeySetResponse, JWKS_PATH } from '../../../src/assertion/jwks.ts'
import { createKeyRing } from '../../../src/assertion/key-ring.ts'
import { ALGORITHMS } from '../../../src/assertion/key.ts'
import { rotatingSource } from '../../../src/assertion/sources.ts'
import { loginPath } from '../../../src/config/parsers/urls.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const HOUR = 3_600_000

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: three keys, nothing private in them`, async (t) => {
    const clock = manualClock()
    const ring = createKeyRing(clock)
    ring.want([rotatingSource(new Uint8Array(32).fill(1), { algorithm, rotationMs: HOUR })], 0)
    const { status, headers, body } = createKeySetResponse(ring, clock)()
    t.equal(status, 200)
    t.match(headers.join(), /cache-control,public, max-age=300(,|$)/)
    const { keys } = JSON.parse(body) as { keys: ReadonlyArray<Record<string, string>> }
    t.equal(keys.length, 3)
    const open = algorithm === 'ES256' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
    for (const key of keys) t.strictSame(Object.keys(key), [...open, 'kid', 'alg', 'use'])
  })
}

t.test('without a key it is an error that nobody keeps, never an empty set', async (t) => {
  const clock = manualClock()
  const { status, headers, body } = createKeySetResponse(createKeyRing(clock), clock)()
  t.equal(status, 503)
  t.match(headers.join(), /cache-control,no-store,retry-after,1$/)
  t.notMatch(body, /keys/)
})

t.test('the text is made once for each period', async (t) => {
  const clock = manualClock(491_520 * HOUR)
  const ring = createKeyRing(clock)
  ring.want([rotatingSource(new Uint8Array(32).fill(1), { algorithm: 'ES256', rotationMs: HOUR })], 0)
  const keySet = createKeySetResponse(ring, clock)
  const first = keySet()
  clock.advance(HOUR - 1)
  t.equal(keySet(), first)
  clock.advance(1)
  t.not(keySet().body, first.body)
})

t.test('no path of the login can take its place', async (t) => {
  for (const path of ['/.well-known', '/.well-known/forward-auth', JWKS_PATH]) {
    t.equal(loginPath.parse(path, () => '').kind, 'problem', path)
  }
})
