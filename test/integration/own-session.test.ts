import t from 'tap'
import { manualClock } from '../helpers/manual-clock.ts'
import { last } from '../helpers/person.ts'
import { APP, startOwnWorld, WIKI } from '../helpers/own-world.ts'
import { demo } from '../helpers/simulator.ts'

t.test('in on any domain, the second one silently, and out everywhere', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const hops = await person.open(`${APP}/deep?a=1&b=2`)
  t.equal(hops[0]?.headers['location'], `${APP}/_auth/login?rd=${APP}/deep?a=1&b=2`)
  const page = last(hops)
  t.match(page.body, /Sign in/)
  const back = await world.signIn(person, page, 'alice')
  t.match(last(back), { status: 200, url: `${APP}/deep?a=1&b=2` }, JSON.stringify(back.map(({ url, status }) => [url, status])))
  t.match(last(back).body, demo.alice.id)
  t.match(last(await person.open(`${WIKI}/x`)), { status: 200, url: `${WIKI}/x` }, 'no page on the way')
  const out = await person.open(`${APP}/_auth/logout`, { headers: { 'sec-fetch-site': 'same-origin' } })
  t.equal(last(out).status, 410, JSON.stringify(out.map(({ url, status }) => [url, status])))
  t.match(last(await person.open(`${APP}/deep`)).body, /Sign in/)
})

t.test('an access token that ends is refreshed, and nobody notices', async (t) => {
  const clock = manualClock(Date.now())
  const world = await startOwnWorld(t, { simulator: { now: clock.wall }, adapter: { clock } })
  const person = await world.signedIn()
  for (let n = 1; n <= 3; n++) {
    clock.advance(2000_000)
    t.match(last(await person.open(`${APP}/`)), { status: 200, url: `${APP}/` })
    t.equal(world.authgear.controls.tokens.refreshes, n)
  }
})
