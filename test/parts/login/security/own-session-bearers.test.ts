import t from 'tap'
import {
  APP, cookieName, sessionCookie, signedIn, startOwnWorld, whoIn, WIKI, type OwnWorld
} from '../../../helpers/own-session-world.ts'
import { demo } from '../../../helpers/simulator.ts'

const flipped = (value: string): string => `${value.slice(0, -1)}${value.endsWith('A') ? 'Q' : 'A'}`
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
/** As Grafana and Home Assistant have them; not one is Authgear's. */
const OF_APPS = {
  opaque: `glsa_${'x8Hk2Qm0'.repeat(4)}_3f2c1b0a`,
  likeAuthgears: 'x8Hk2Qm0'.repeat(4),
  jwt: `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub: '1' })}.${'a'.repeat(43)}`,
  tooLong: 'x'.repeat(20_000)
}

/** Authgear's resolver, with its own cookie in the place of ours: the first that is somebody's counts. */
const expected = (cookie: string, bearer: string): string =>
  bearer === "same person's" ? 'alice' : bearer === "another person's" ? 'bob' : cookie === 'good' ? 'alice' : 'nobody'

async function credentialsOf (world: OwnWorld) {
  const person = await signedIn(world)
  const other = await signedIn(world, 'alice', WIKI)
  const { controls } = world.authgear
  const disabled = controls.signIn('dora')
  controls.disable('dora')
  const value = sessionCookie(person) ?? ''
  return {
    cookies: {
      none: undefined,
      good: value,
      changed: flipped(value),
      malformed: 'x',
      "another host's": sessionCookie(other, WIKI) ?? ''
    },
    bearers: {
      none: undefined,
      "same person's": `Bearer ${demo.alice.accessToken}`,
      "another person's": `Bearer ${demo.bob.accessToken}`,
      "disabled person's": `Bearer ${disabled.accessToken}`,
      "app's own, opaque": `Bearer ${OF_APPS.opaque}`,
      "app's own, 32 letters": `Bearer ${OF_APPS.likeAuthgears}`,
      "app's own, JWT": `Bearer ${OF_APPS.jwt}`,
      'too long': `Bearer ${OF_APPS.tooLong}`,
      empty: 'Bearer',
      'two blanks': `Bearer  ${demo.bob.accessToken}`,
      Basic: 'Basic YTpi'
    }
  }
}

t.test('a bearer token beside our cookie decides as at the resolver beside its own', async (t) => {
  const world = await startOwnWorld(t)
  const { cookies, bearers } = await credentialsOf(world)
  for (const round of ['asked', 'remembered']) {
    for (const [cookie, value] of Object.entries(cookies)) {
      for (const [bearer, authorization] of Object.entries(bearers)) {
        const answer = await world.verify({
          ...value === undefined ? {} : { cookie: `${cookieName(APP)}=${value}` },
          headers: authorization === undefined ? [] : [['Authorization', authorization]]
        })
        const who = expected(cookie, bearer)
        t.equal(answer.status === 200 ? whoIn(answer) : 'nobody', who, `${cookie} + ${bearer}, ${round}`)
        const isChallenged = answer.headers['www-authenticate'] !== undefined
        if (who !== 'nobody' || /^Bearer/.test(authorization ?? '')) {
          t.equal(isChallenged, who === 'nobody', 'who gets in is asked for no other token')
        }
      }
    }
  }
})

t.test('refuses a token for another audience, and lets no ended one hide the session', async (t) => {
  const world = await startOwnWorld(t)
  const cookie = `${cookieName(APP)}=${sessionCookie(await signedIn(world)) ?? ''}`
  const iss = world.relay.url
  const token = (claims: object) =>
    `Bearer ${encoded({ alg: 'RS256', typ: 'at+jwt' })}.${encoded({ iss, ...claims })}.AAAA`
  const reason = async (authorization: string): Promise<string> =>
    whoIn(await world.verify({ cookie, headers: [['Authorization', authorization]] }))
  t.equal(await reason(token({ aud: [iss], exp: 1 })), 'alice', 'one that has ended')
  t.equal(await reason(token({ aud: ['https://api.example'] })), '401 wrong_audience')
  t.equal(await reason('Bearer a, Bearer b'), '401 ambiguous_credentials')
})

t.test('an outage while a token is asked about is no fall through', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  t.equal(await world.who(person), 'alice')
  world.authgear.controls.fail('reset')
  const headers = [['Authorization', `Bearer ${OF_APPS.likeAuthgears}`]] as const
  const answer = await world.verify({ cookie: person.cookies(new URL(APP).host), headers })
  t.equal(answer.status, 503, 'it may be somebody else')
  t.equal(await world.who(person), 'alice', 'who is remembered')
})

// CACHE_STALE_IF_ERROR
t.test('a token that was nobody\'s before an outage hides no session', async (t) => {
  const [ttlMs, staleMs] = [30_000, 60_000]
  const world = await startOwnWorld(t, {
    adapter: { CACHE_TTL: '30s', CACHE_STALE_IF_ERROR: '60s', CACHE_NEGATIVE_TTL: '5s' }
  })
  const person = await signedIn(world)
  const cookie = person.cookies(new URL(APP).host)
  const who = async (token: string, sent = cookie): Promise<string> =>
    whoIn(await world.verify({ cookie: sent, headers: [['Authorization', `Bearer ${token}`]] }))
  t.equal(await who(OF_APPS.opaque), 'alice')
  t.equal(await who(demo.bob.accessToken), 'bob')
  world.clock.advance(ttlMs)
  world.authgear.controls.fail('reset')
  t.equal(await world.who(person), 'alice', 'by the cookie alone')
  t.equal(await who(OF_APPS.opaque), 'alice')
  t.equal(await who(OF_APPS.likeAuthgears), '503 authgear_unavailable', 'one that was never seen may be somebody\'s')
  t.equal(await who(demo.bob.accessToken), 'bob', 'one that was somebody\'s is')
  t.equal(await who(OF_APPS.opaque, ''), '503 authgear_unavailable', 'without a cookie nobody is signed out')
  t.equal(await who(OF_APPS.opaque, `${cookieName(APP)}=x`), '503 authgear_unavailable', 'nor beside a broken one')
  world.clock.advance(staleMs)
  t.equal(await who(OF_APPS.opaque), '503 authgear_unavailable', 'for CACHE_STALE_IF_ERROR and no longer')
})

t.test('remembers no user under another user\'s credentials', async (t) => {
  const world = await startOwnWorld(t)
  const [alice, bob] = [await signedIn(world), await signedIn(world, 'bob')]
  const headers = [['Authorization', `Bearer ${OF_APPS.opaque}`]] as const
  const who = async (person: typeof alice | undefined): Promise<string> =>
    whoIn(await world.verify({ ...person && { cookie: person.cookies(new URL(APP).host) }, headers }))
  for (let round = 0; round < 3; round++) {
    t.equal(await who(alice), 'alice')
    t.equal(await who(bob), 'bob')
    t.equal(await who(undefined), '401 invalid_session', 'the token is nobody')
  }
})
