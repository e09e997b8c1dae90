import t from 'tap'
import {
  APP, isOnTheWayBack, parameterOf, sessionCookie, startOwnWorld, WIKI, type OwnWorld
} from '../../../helpers/own-session-world.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { KID, KEYS, signed } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'

const hasCode = (hop: Hop): boolean =>
  isOnTheWayBack(hop) && parameterOf({ url: new URL(String(hop.headers['location']), hop.url).href }, 'code') !== ''

/** The callback's address, with a code of this person's that nobody has redeemed. */
async function comingBack (world: OwnWorld, person: Person): Promise<string> {
  const first = last(await person.open(`${APP}/`, { until: hasCode }))
  const { url, headers } = hasCode(first)
    ? first
    : last(await person.send(first.url, { user: 'alice' }, { until: hasCode }))
  t.ok(url.startsWith(world.relay.url))
  return new URL(String(headers['location']), url).href
}

const revokedBy = ({ relay }: OwnWorld): readonly unknown[] =>
  relay.calls.filter(({ path }) => path.startsWith('/oauth2/revoke')).map(({ form }) => form['token'])
const newestToken = ({ relay }: OwnWorld): unknown =>
  relay.calls.findLast(({ answer }) => 'refresh_token' in answer)?.answer['refresh_token']

for (const sso of ['off', 'on'] as const) {
  t.test(`a login that Redis does not take leaves no other session worse, LOGIN_SSO=${sso}`, async (t) => {
    const redis = await startRedis(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const world = await startOwnWorld(t, { redis, adapter: { REDIS_TIMEOUT: '100ms', LOGIN_SSO: sso } })
    const person = world.person()
    await world.signIn(person, `${WIKI}/`)
    const callback = await comingBack(world, person)
    await redis.stop()
    // the revocation's answer never comes while the page is waited for
    const { gate } = holdAfterTokens(world)
    const page = last(await person.open(callback))
    t.match(page, { status: 503, headers: { 'x-forward-auth-reason': 'session_not_kept' } })
    t.notOk(sessionCookie(person))
    if (sso === 'off') await until('its grant is revoked', () => revokedBy(world).length === 1)
    gate()
    // with SSO it would end all of the browser's sessions
    t.strictSame(revokedBy(world), sso === 'off' ? [newestToken(world)] : [])
    await redis.restart()
    world.clock.advance(31_000)
    await until('the other session lives', async () => {
      world.clock.advance(1000)
      return await world.who(person, WIKI) === 'alice'
    })
    await until('and a login is taken', async () => {
      world.clock.advance(61_000)
      await world.signIn(person, `${APP}/`)
      return await world.who(person) === 'alice'
    })
  })
}

/** Whatever is answered after the next tokens waits. @returns what lets it go on */
function holdAfterTokens ({ relay }: OwnWorld) {
  let release = (): void => {}
  relay.edit((answer) => {
    queueMicrotask(() => {
      relay.edit(undefined)
      ;({ release } = relay.holdAnswers())
    })
    return answer
  })
  return { gate: () => release() }
}

t.test('a login whose ID token names no session leaves no grant behind', async (t) => {
  const world = await startOwnWorld(t, { adapter: { LOGIN_SSO: 'off' } })
  const header = { alg: 'RS256', kid: KID, typ: 'JWT' }
  world.relay.signBy((claims) => signed({ ...claims, sid: 'x' }, header, KEYS.privateKey))
  const person = world.person()
  const page = last(await person.open(await comingBack(world, person)))
  t.match(page, { status: 503, headers: { 'x-forward-auth-reason': 'login_failed' } })
  await until('its grant is revoked', () => revokedBy(world).length === 1)
  t.strictSame(revokedBy(world), [newestToken(world)])
})

t.test('a grant that cannot be revoked either costs the person nothing', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis, adapter: { REDIS_TIMEOUT: '100ms', LOGIN_SSO: 'off' } })
  const person = world.person()
  const callback = await comingBack(world, person)
  await redis.stop()
  const opened = person.open(callback)
  await until('the code is redeemed', () => newestToken(world) !== undefined)
  world.authgear.controls.tokens.fail('reset')
  t.match(last(await opened), { status: 503, headers: { 'x-forward-auth-reason': 'session_not_kept' } })
  await until('it was tried', () => revokedBy(world).length === 1)
  t.strictSame(world.replicas[0]?.lines.filter(({ level }) => level === 'error' || level === 'fatal'), [])
})

t.test('nor does one whose key nobody can say anything about', async (t) => {
  const world = await startOwnWorld(t, { adapter: { LOGIN_SSO: 'off' } })
  let kids = 0
  world.relay.signBy((claims) => signed(claims, { alg: 'RS256', kid: `unknown-${kids++}`, typ: 'JWT' }, KEYS.privateKey))
  const reasons: unknown[] = []
  // strangers may have Authgear asked for a few unknown kids a minute
  for (let n = 0; n < 8; n++) {
    const person = world.person()
    reasons.push(last(await person.open(await comingBack(world, person))).headers['x-forward-auth-reason'])
  }
  t.strictSame([reasons[0], reasons.at(-1)], ['login_failed', 'login_unavailable'])
  await until('all grants are revoked', () => revokedBy(world).length === 8)
})
