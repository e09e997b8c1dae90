import t from 'tap'
import { metricOf } from '../helpers/in-process-on-clock.ts'
import { APP, startOwnWorld } from '../helpers/own-session-world.ts'

t.test('a resolver that knows nobody for a while ends no session whose grant lives', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const { controls } = world.authgear
  await world.signIn(person, `${APP}/`)
  world.clock.advance(31_000)
  controls.fail('silent')
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.match(world.replicas[0]?.lines.at(-1), { error: { code: 'AUTHGEAR_GARBAGE', message: /disagree/ } })
  const { refreshes } = controls.tokens
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.equal(controls.tokens.refreshes, refreshes, 'for a moment it is not refreshed again')
  world.clock.advance(2000)
  t.equal(await world.who(person), '503 authgear_unavailable')
  t.ok(controls.tokens.refreshes > refreshes, 'and then it is')
  t.equal(controls.tokens.refused, 0, 'Authgear never said invalid_grant')
  controls.recover()
  world.clock.advance(2000)
  t.equal(await world.who(person), 'alice', 'all is well with the right one')
  t.equal(await metricOf(world.replicas[0] as never, 'forward_auth_own_sessions'), 1)
})
