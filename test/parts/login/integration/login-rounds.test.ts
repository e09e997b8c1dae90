import t from 'tap'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import { LOGIN } from '../../../helpers/in-process.ts'
import { STRICT } from '../../../helpers/login-answers.ts'
import { APP, AUTHGEAR, startLoginWorld, type LoginWorld } from '../../../helpers/login-world.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { last } from '../../../helpers/person.ts'

/* Of a login that ends with Authgear's session: with one of our own the same holds (security/own-session-*). */

const WANTED = `${APP}/wanted`
const cookieOf = (headers: Readonly<Record<string, unknown>>): string =>
  String(headers['set-cookie']).split(';')[0] ?? ''

/** A login of a new browser, which has gone to Authgear: the state, and the cookie that it is bound to. */
async function begun ({ verifier }: LoginWorld): Promise<{ state: string, cookie: string }> {
  const { headers } = await verifier.ask({ path: `/_auth/login?rd=${WANTED}`, headers: STRICT })
  const state = new URL(String(headers['location'])).searchParams.get('state') ?? ''
  return { state, cookie: cookieOf(headers) }
}

t.test('who goes round in circles is not sent to Authgear once more', async (t) => {
  const world = await startLoginWorld(t)
  const issued = world.authgear.controls.signIn('alice')
  const person = world.person()
  const login = `${APP}/_auth/login?rd=${WANTED}`
  const headers = { cookie: `session=${issued.cookie}` }
  const sent: unknown[] = []
  for (let n = 0; n < 9; n++) {
    const hop = last(await person.open(login, { until: () => true }))
    sent.push(hop.headers['x-forward-auth-reason'])
    const state = new URL(String(hop.headers['location'] ?? APP)).searchParams.get('state')
    const path = `/_auth/callback?state=${state ?? ''}`
    const cookie = `${person.cookies(new URL(APP).host)}; ${headers.cookie}`
    if (state !== null) await person.open(`${APP}${path}`, { headers: { cookie }, until: () => true })
  }
  t.strictSame(sent, [...Array.from({ length: 8 }, () => 'sent_to_authgear'), 'redirect_loop'])
})

t.test('an answer that names another issuer is none (RFC 9207)', async (t) => {
  const world = await startLoginWorld(t)
  const session = `session=${world.authgear.controls.signIn('alice').cookie}`
  for (const [iss, expected] of [
    ['https://evil.example', { status: 503, headers: { 'x-forward-auth-reason': 'login_failed' } }],
    [`${AUTHGEAR}/`, { status: 503 }],
    [AUTHGEAR, { status: 303, headers: { location: WANTED } }]
  ] as const) {
    const { state, cookie } = await begun(world)
    const path = `/_auth/callback?state=${state}&iss=${encodeURIComponent(iss)}`
    t.match(await world.verifier.ask({ path, headers: { ...STRICT, cookie: `${cookie}; ${session}` } }), expected, iss)
  }
})

t.test('a login that took too long counts as a way back', async (t) => {
  const clock = manualClock()
  const world = await startLoginWorld(t, { adapter: { clock } })
  const { state, cookie } = await begun(world)
  clock.advance(600_001)
  const path = `/_auth/callback?state=${state}`
  const { status, headers } = await world.verifier.ask({ path, headers: { ...STRICT, cookie } })
  t.equal(status, 302)
  const [, sealed = ''] = cookieOf(headers).split('=')
  t.match(createSeal(LOGIN.LOGIN_SECRET).open('browser', sealed), { returns: 1, since: clock.wall() })
})
