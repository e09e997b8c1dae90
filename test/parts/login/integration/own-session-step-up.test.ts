import t, { type Test } from 'tap'
import type { OAuthClient } from '../../../../deploy/demo/authgear-simulator/server.mjs'
import { LOGIN } from '../../../helpers/in-process.ts'
import { APP, actionIn, cookieOf, LOCAL, startOwnWorld, WIKI, type OwnWorld } from '../../../helpers/own-world.ts'
import { type Hop, last, type Person } from '../../../helpers/person.ts'

const FULL_ACCESS = 'https://authgear.com/scopes/full-access'
const isAuthorize = ({ url }: Hop): boolean => new URL(url).pathname === '/oauth2/authorize'
const questionsIn = (hops: readonly Hop[]) => hops.filter(isAuthorize).map(({ url }) => {
  const query = new URL(url).searchParams
  return [query.get('prompt'), query.get('scope')]
})
const FULL = `openid offline_access ${FULL_ACCESS}`
const PLAIN = 'openid offline_access'

/** A client that a test may change while people are signed in. */
async function startWorld (t: Test, more: Partial<OAuthClient>) {
  const client = {
    id: LOGIN.LOGIN_CLIENT_ID,
    redirectUris: [APP, WIKI, LOCAL].map((origin) => `${origin}/_auth/callback`),
    postLogoutRedirectUris: [APP, WIKI, LOCAL].map((origin) => `${origin}/_auth/logged-out`),
    ...more
  }
  const world = await startOwnWorld(t, { simulator: { clients: [client] } })
  return { world, clock: world.clock, client }
}

const confirm = async (world: OwnWorld, person: Person, page: Hop): Promise<Hop> =>
  last(await person.send(actionIn(world, page), { x: '1' }))

t.test('a step-up leaves the session and every other host of the browser as they were', async (t) => {
  const { world, clock } = await startWorld(t, {})
  const person = await world.signedIn()
  t.equal(last(await person.open(`${WIKI}/`)).status, 200)
  const [old, wiki] = [cookieOf(person, APP), cookieOf(person, WIKI)]
  clock.advance(120_000)
  const hops = await person.open(`${APP}/secret/x`)
  t.strictSame(questionsIn(hops), [['login', 'openid']])
  t.match(last(hops).body, 'Is it you?', 'asked to confirm, no whole login')
  t.equal((await world.verify(old)).status, 200, 'while Authgear asks')
  const back = await confirm(world, person, last(hops))
  t.match(back, { status: 200, url: `${APP}/secret/x` })
  const at = Number(back.headers['x-authgear-session-authenticated-at'])
  t.ok(Math.abs(at * 1000 - clock.wall()) < 2000, 'the new time')
  clock.advance(31_000) // past CACHE_TTL: Authgear is asked
  t.equal((await world.verify(wiki, { 'x-forwarded-host': new URL(WIKI).host })).status, 200)
  t.equal(last(await person.open(`${APP}/`)).status, 200)
  clock.advance(2_000_000)
  t.equal(last(await person.open(`${APP}/`)).status, 200, 'its refresh token goes on')
})

t.test('a session without full access gets a grant that has it, then is asked', async (t) => {
  const { world, clock, client } = await startWorld(t, { refusesFullAccess: true })
  const person = await world.signedIn()
  client.refusesFullAccess = false // as of a session that an older version began
  clock.advance(120_000)
  const hops = await person.open(`${APP}/secret/x`)
  t.strictSame(questionsIn(hops), [['none', FULL], ['login', 'openid']])
  t.match(last(hops).body, 'Is it you?')
  t.match(await confirm(world, person, last(hops)), { status: 200, url: `${APP}/secret/x` })
})

t.test('a client that is refused full access signs people in, and asks nobody to confirm', async (t) => {
  const { world, clock } = await startWorld(t, { refusesFullAccess: true })
  const person = world.person()
  const login = await person.open(`${APP}/`)
  t.strictSame(questionsIn(login), [['none', FULL], ['none', PLAIN], [null, PLAIN]])
  t.equal(last(await world.signIn(person, last(login), 'alice')).status, 200)
  const cookie = cookieOf(person, APP)
  clock.advance(120_000)
  const hops = await person.open(`${APP}/secret/x`)
  t.strictSame(questionsIn(hops), [['none', FULL]], 'nothing that signs anybody out')
  t.match(last(hops), { status: 403, headers: { 'x-forward-auth-reason': 'step_up_off' } })
  t.match(last(hops).body, 'This page needs a newer sign-in')
  t.match(world.replicas[0]?.lines.at(-1), { level: 'warn', reason: 'step_up_off', authgear: 'invalid_scope' })
  t.equal(cookieOf(person, APP), cookie)
  t.equal((await world.verify(cookie)).status, 200, 'the session lives')
})

t.test('a session without full access becomes nobody else\'s', async (t) => {
  const { world, clock, client } = await startWorld(t, { refusesFullAccess: true })
  const person = await world.signedIn()
  client.refusesFullAccess = false
  clock.advance(120_000)
  const host = new URL(world.authgear.url).host
  person.plant(`session=${world.authgear.controls.signIn('bob').cookie}; Path=/`, host)
  const hops = await person.open(`${APP}/secret/x`)
  t.strictSame(questionsIn(hops).map(([prompt]) => prompt), ['none', null], 'Authgear has to show who it is')
  t.match((await world.verify(cookieOf(person, APP))).headers, { 'x-authgear-user-id': /^a11ce/ })
})

t.test('a refusal in the address bar changes nothing for others', async (t) => {
  const { world } = await startWorld(t, {})
  const stranger = world.person()
  const until = (hop: Hop): boolean => hop.url.includes('/_auth/login')
  const sent = last(await stranger.open(`${APP}/_auth/login`, { until }))
  const state = new URL(String(sent.headers['location'])).searchParams.get('state') ?? ''
  const [back] = await stranger.open(`${APP}/_auth/callback?error=invalid_scope&state=${state}`)
  t.match(back?.headers['location'], /scope=openid\+offline_access&/, 'this login goes on without it')
  t.strictSame(questionsIn(await world.person().open(`${APP}/`)).map(([, scope]) => scope), [FULL, FULL])
})
