import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { APP, sessionCookie, startOwnWorld } from '../../../helpers/own-session-world.ts'
import { type Hop, last } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'

/** Milliseconds in which a request arrives, and joins what is under way; sooner or later it is refused all the same. */
const ARRIVES_MS = 200

for (const [shared, afterMs] of [[false, 0], [true, 0], [false, 6000], [true, 6000]] as const) {
  const where = shared ? 'with Redis' : 'alone'
  t.test(`a resolution from before a sign-out is refused, ${where}, ${afterMs} ms later`, async (t) => {
    const redis = shared ? await startRedis(t) : undefined
    const world = await startOwnWorld(t, { ...redis && { redis }, replicas: shared ? 2 : 1 })
    const person = world.person()
    await world.signIn(person, `${APP}/`)
    const value = sessionCookie(person) ?? ''
    if (redis) for (const key of await redis.cli('KEYS', 'test:{*}:entry') as string[]) await redis.cli('DEL', key)
    world.clock.advance(31_000)
    const gate = world.authgear.controls.hold('after')
    const before = world.byCookie(value)
    await gate.arrived(1)
    // Authgear itself is not told yet: the browser is on its way there
    await person.open(`${APP}/_auth/logout`, { until: () => true })
    t.notOk(sessionCookie(person))
    world.clock.advance(afterMs)
    const after = world.byCookie(value)
    await sleep(ARRIVES_MS)
    gate.release()
    t.match(await before, /^(?:401|503)/, 'asked before it')
    t.match(await after, /^(?:401|503)/, 'asked after the sign-out')
    for (const replica of world.replicas) t.match(await world.byCookie(value, APP, replica), /^(?:401|503)/, 'and later')
  })
}

t.test('after a step-up the old cookie is refused everywhere', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, replicas: 2 })
  const [, second] = world.replicas
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  const old = sessionCookie(person) ?? ''
  world.clock.advance(120_000)
  const page = last(await person.open(`${APP}/secret`))
  const isBack = ({ headers }: Hop): boolean => String(headers['location']).includes('/_auth/callback')
  const reauth = page.url.replace('/authflow/v2/select_account', '/reauth')
  const back = last(await person.send(reauth, {}, { until: isBack }))
  const callback = new URL(String(back.headers['location']), back.url).href
  for (const key of await redis.cli('KEYS', 'test:{*}:entry') as string[]) await redis.cli('DEL', key)
  world.clock.advance(31_000)
  const gate = world.authgear.controls.hold('after')
  const before = world.byCookie(old, APP, second)
  await gate.arrived(1)
  const done = last(await person.open(callback, { until: () => true }))
  t.equal(done.status, 303)
  t.not(sessionCookie(person), old)
  const after = world.byCookie(old, APP, second)
  await sleep(ARRIVES_MS)
  world.clock.advance(6000)
  gate.release()
  t.match(await before, /^(?:401|503)/, 'asked before it')
  t.match(await after, /^(?:401|503)/, 'asked after the step-up')
  for (const replica of world.replicas) t.match(await world.byCookie(old, APP, replica), /^(?:401|503)/, 'and later')
})
