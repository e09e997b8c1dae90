import t from 'tap'
import type { TokenFailure } from '../../../../deploy/demo/authgear-simulator/types.d.mts'
import { APP, startOwnWorld } from '../../../helpers/own-session-world.ts'
import { until } from '../../../helpers/until.ts'

const STALE = { adapter: { CACHE_STALE_IF_ERROR: '1h' } } as const

t.test('a disabled user cannot stay by using up their own calls at Authgear', async (t) => {
  const world = await startOwnWorld(t, STALE)
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  world.clock.advance(40_000)
  t.equal(await world.who(person), 'alice')
  await until('it is known that tokens do not rotate', () => world.authgear.controls.tokens.refreshes === 1)
  world.authgear.controls.tokens.limit()
  // 120 a minute and address: Authgear then answers 429 to that address alone
  const flood = async (): Promise<void> => {
    for (let n = 0; n < 130; n++) {
      await fetch(`${world.authgear.url}/oauth2/token`, {
        method: 'POST',
        headers: { 'x-forwarded-for': '203.0.113.7' },
        body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'web', refresh_token: 'junk' })
      })
    }
  }
  world.clock.advance(140_000) // more than half of the token's life is left: nobody refreshes it yet
  t.equal(await world.who(person), 'alice')
  await flood()
  world.clock.advance(158_000)
  await flood()
  t.equal(await world.who(person), 'alice')
  world.authgear.controls.disable('alice')
  for (const afterMs of [2000, 60_000, 600_000]) {
    world.clock.advance(afterMs)
    await flood()
    t.equal(await world.who(person), '503 authgear_unavailable', `${afterMs} ms later`)
  }
})

const FAILURES: ReadonlyArray<readonly [mode: TokenFailure, seen: string]> = [
  ['error', 'alice'],
  ['reset', 'alice'],
  ['rate-limited', '503 authgear_unavailable'],
  ['redirect', '503 authgear_unavailable']
]

for (const [mode, seen] of FAILURES) {
  t.test(`CACHE_STALE_IF_ERROR where the token endpoint fails, ${mode}: ${seen}`, async (t) => {
    const world = await startOwnWorld(t, STALE)
    const person = world.person()
    await world.signIn(person, `${APP}/`)
    world.clock.advance(150_000)
    t.equal(await world.who(person), 'alice')
    world.authgear.controls.tokens.fail(mode)
    world.clock.advance(300_000)
    t.equal(await world.who(person), seen)
  })
}
