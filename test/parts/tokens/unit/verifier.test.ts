import t from 'tap'
import type { JWTVerifyGetKey } from 'jose'
import type { MemoryKey } from '../../../../src/base/core/cache-key.ts'
import { createVerifier, type Verification } from '../../../../src/parts/tokens/verifier.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { KEYS, KID, machineClaims, signed } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const KEY = 'key' as MemoryKey
/** Of a token that ends in half an hour. */
const LIFE_MS = 1_800_000
const WAITING_BYTES = 10_000

/** A replica that has verified a token, and what it says of it later. */
async function start (maxBytes = 2 ** 20) {
  const clock = manualClock()
  let getKey: JWTVerifyGetKey = async () => KEYS.publicKey
  const verifier = createVerifier({
    rules: { issuer: ISSUER, maxAgeMs: 3_600_000 },
    keySet: { keyOf: async (kid) => kid === KID ? getKey : undefined, current: () => getKey },
    clock,
    maxBytes,
    waitingBytes: WAITING_BYTES
  })
  const bearer = signed(machineClaims(ISSUER, clock.wall()))
  const verify = (headBytes = 0, key = KEY): Verification | Promise<Verification> =>
    verifier.verify(bearer, { key, headBytes: () => headBytes })
  const isRemembered = (): boolean => !(verify() instanceof Promise)
  const replaceKeys = (): void => { getKey = async () => KEYS.publicKey }
  if ((await verify()).kind !== 'token') throw new Error('it is not verified')
  return { clock, verify, isRemembered, replaceKeys }
}

t.test('a token is verified once, and remembered until its end', async (t) => {
  const { clock, verify, isRemembered } = await start()
  t.match(verify(), { kind: 'token', source: 'memory' })
  clock.advance(LIFE_MS - 1)
  t.ok(isRemembered())
  clock.advance(1)
  t.notOk(isRemembered())
})

t.test('it ends by either clock: the other may be set back, or stand still', async (t) => {
  const byWall = await start()
  byWall.clock.setWall(byWall.clock.wall() + LIFE_MS)
  t.notOk(byWall.isRemembered(), 'the wall clock was set ahead')
  const byMonotonic = await start()
  const wall = byMonotonic.clock.wall()
  byMonotonic.clock.advance(LIFE_MS)
  byMonotonic.clock.setWall(wall)
  t.notOk(byMonotonic.isRemembered(), 'the wall clock was set back')
})

t.test('a token is verified again when Authgear publishes other keys', async (t) => {
  const { verify, isRemembered, replaceKeys } = await start()
  replaceKeys()
  t.match(await verify(), { kind: 'token', source: 'none' })
  t.ok(isRemembered())
})

t.test('who waits for a key has to fit, and memory has a bound', async (t) => {
  const { verify } = await start(5000)
  t.match(verify(WAITING_BYTES + 1, 'other' as MemoryKey), { kind: 'unavailable', error: { reason: 'overloaded' } })
  for (const name of ['a', 'b', 'c']) t.match(await verify(0, name as MemoryKey), { kind: 'token', source: 'none' })
  t.match(verify(0, 'c' as MemoryKey), { source: 'memory' })
  t.ok(verify() instanceof Promise, 'the oldest made room')
})
