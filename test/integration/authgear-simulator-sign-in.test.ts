import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { atAuthgear, CALLBACK, HOST, recordedAs, SIGN_INS, tokenCall } from '../helpers/recorded-sign-ins.ts'
import { ask } from '../helpers/request.ts'
import { startSimulator, type RunningSimulator, type SimulatorOptions } from '../helpers/simulator.ts'

const URIS = [
  CALLBACK, 'http://app.other.test/_auth/callback', 'http://localhost:27080/_auth/callback',
  'http://127.0.0.1:27080/_auth/callback', `https://${HOST}/after-login`
]
const SECRET = 'the secret of the confidential clients'
const client = (id: string, more: object = {}) => ({
  id, redirectUris: URIS, postLogoutRedirectUris: ['https://app.other.test/_auth/logged-out'], ...more
})
const confidential = { type: 'confidential', secret: SECRET } as const
const CLIENTS = [
  client('conf-opq', confidential),
  client('conf-jwt', { ...confidential, jwt: true }),
  client('conf-life', { ...confidential, refreshTokenSeconds: 300 }),
  client('conf-idle', { ...confidential, idleSeconds: 8 }),
  client('conf-max1', { ...confidential, isAlone: true }),
  client('spa-opq', { type: 'spa' }),
  client('web-opq'),
  client('third-opq', { type: 'third_party_app' })
]
const VERIFIER = 'a verifier of forty-three characters or more'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const SCOPE = 'openid offline_access'

const start = (t: Test, options: SimulatorOptions = {}): Promise<RunningSimulator> =>
  startSimulator(t, { clients: CLIENTS, ...options })

/** Where it leads, without the numbers of one request. */
function essence (location: string | undefined): unknown {
  if (location === undefined) return undefined
  const { origin, pathname, searchParams } = new URL(location)
  if (pathname === '/_internals/oauth_entrypoint') return { origin, pathname }
  const parameters = [...searchParams].map(([name, value]) => [name, name === 'code' ? 'a code' : value])
  return { origin, pathname, parameters: parameters.toSorted() }
}

/** Authgear's own hints cannot be signed again. */
const HINTED: Readonly<Record<number, 'another' | 'dropped'>> = { 1513: 'another', 1616: 'dropped' }

for (const { n, why, method = 'GET', path = '', form, signedIn, status, location } of SIGN_INS) {
  if (path === '') continue
  t.test(`authorize as recorded, ${n}: ${why}`, async (t) => {
    const simulator = await start(t)
    const cookie = signedIn ? `session=${simulator.controls.signIn('alice').cookie}` : undefined
    const hint = HINTED[n] && await signInTo(simulator, 'conf-opq', { user: 'bob' })
    if (HINTED[n] === 'dropped') {
      simulator.controls.addSigningKey()
      simulator.controls.dropOldSigningKeys()
    }
    const asked = hint === undefined ? path : path.replace(/id_token_hint=[^&]+/, `id_token_hint=${hint['id_token']}`)
    const answer = await atAuthgear(simulator, asked, { method, ...form && { form }, ...cookie && { cookie } })
    t.equal(answer.status, status)
    t.strictSame(essence(answer.headers.location), essence(location))
  })
}

const query = (clientId: string, more: Readonly<Record<string, string>> = {}): string => new URLSearchParams({
  client_id: clientId,
  response_type: 'code',
  scope: SCOPE,
  redirect_uri: CALLBACK,
  state: 'state',
  nonce: 'nonce',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256',
  ...more
}).toString()

interface How {
  readonly user?: string
  readonly cookie?: string
  readonly more?: Readonly<Record<string, string>>
}

/** The code of a browser that is signed in. */
async function codeOf (simulator: RunningSimulator, clientId: string, { user = 'alice', cookie, more }: How = {}) {
  const session = cookie ?? `session=${simulator.controls.signIn(user).cookie}`
  const { headers } = await atAuthgear(simulator, `/oauth2/authorize?${query(clientId, { prompt: 'none', ...more })}`, {
    cookie: session
  })
  return new URL(headers.location ?? '').searchParams.get('code') ?? ''
}

const redeeming = (clientId: string, code: string) => ({
  grant_type: 'authorization_code',
  client_id: clientId,
  ...(/^conf/.test(clientId) ? { client_secret: SECRET } : {}),
  code,
  redirect_uri: CALLBACK,
  code_verifier: VERIFIER
})

type Tokens = Readonly<Record<string, string>>

async function signInTo (simulator: RunningSimulator, clientId: string, how: How = {}): Promise<Tokens> {
  return (await tokenCall(simulator, redeeming(clientId, await codeOf(simulator, clientId, how)))).body
}

const refreshing = (clientId: string, token = '') =>
  ({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token })

type Called = Awaited<ReturnType<typeof tokenCall>>

/** The same status, error or members, and the same claims in its ID token. */
function isAs (t: Test, n: number, { status, body }: Called): void {
  const { why, status: expected, answer, keys, claims } = recordedAs(n)
  t.equal(status, expected, `${n}: ${why}`)
  if (answer !== undefined) t.strictSame(body, answer)
  if (keys !== undefined) t.strictSame(Object.keys(body).toSorted(), keys)
  if (claims !== undefined) t.strictSame(Object.keys(claimsOf(body['id_token'] ?? '') ?? {}).toSorted(), claims)
}

/** What the resolver says of an access token. */
async function resolved ({ port }: RunningSimulator, token = ''): Promise<string> {
  const { headers } = await ask(port, {
    path: '/resolve', host: HOST, headers: [['Authorization', `Bearer ${token}`], ['X-Forwarded-Proto', 'https']]
  })
  return String(headers['x-authgear-session-valid'] ?? 'none')
}

t.test('Authgear\'s trouble, its limits and its own origin', async (t) => {
  // a clock that stands still: two calls a second come back to each address
  const simulator = await start(t, { publicOrigin: `https://${HOST}`, now: manualClock(Date.now()).wall })
  const { refresh_token: token } = await signInTo(simulator, 'conf-opq')
  simulator.controls.tokens.fail('error', 1)
  isAs(t, 1796, await tokenCall(simulator, refreshing('conf-opq', token)))
  const inside = await tokenCall(simulator, refreshing('conf-opq', token), [])
  t.match([inside.status, inside.location], [recordedAs(1605).status, recordedAs(1605).location])
  simulator.controls.tokens.limit()
  const from = (address: string) => [['X-Forwarded-Proto', 'https'], ['X-Forwarded-For', address]] as const
  for (let n = 0; n < 121; n++) await tokenCall(simulator, refreshing('conf-opq', 'unknown'), from('192.0.2.9'))
  isAs(t, 1647, await tokenCall(simulator, refreshing('conf-opq', 'unknown'), from('192.0.2.9')))
  isAs(t, 1650, await tokenCall(simulator, refreshing('conf-opq', token), from('192.0.2.10')))
})

t.test('what ends: tokens, codes, grants after their life, and idle ones one touch late', async (t) => {
  const clock = manualClock()
  const simulator = await start(t, { now: clock.wall })
  const { access_token: access, refresh_token: refresh } = await signInTo(simulator, 'conf-life')
  const code = await codeOf(simulator, 'conf-opq')
  clock.advance(299_000)
  t.equal(await resolved(simulator, access), 'true')
  clock.advance(2000)
  t.equal(await resolved(simulator, access), 'none')
  isAs(t, 1646, await tokenCall(simulator, refreshing('conf-life', refresh)))
  isAs(t, 1644, await tokenCall(simulator, redeeming('conf-opq', code)))
  const single = await signInTo(simulator, 'conf-idle')
  const pair = await signInTo(simulator, 'conf-idle')
  const touch = (tokens: Tokens) => resolved(simulator, tokens['access_token'])
  const seen: unknown[] = []
  for (let n = 0; n < 3; n++) {
    clock.advance(5000)
    seen.push([await touch(single), await touch(pair), await touch(pair)])
  }
  t.strictSame(seen, [['true', 'true', 'true'], ['none', 'true', 'true'], ['none', 'true', 'true']])
})

const sessionOf = (token = ''): string =>
  Buffer.from(String(claimsOf(token)?.['sid']), 'base64url').toString().replace('offline_grant:', '')

t.test('what ends a session, as the recorded table says', async (t) => {
  const simulator = await start(t)
  const { controls } = simulator
  const open = async (more: Readonly<Record<string, string>> = {}) => {
    const { cookie } = controls.signIn('alice')
    const how = { cookie: `session=${cookie}`, more }
    const [app, app2] = [await signInTo(simulator, 'spa-opq', how), await signInTo(simulator, 'conf-jwt', how)]
    const alive = async () => [
      await resolved(simulator, app['access_token']),
      await resolved(simulator, app2['access_token']),
      (await tokenCall(simulator, refreshing('spa-opq', app['refresh_token']))).status
    ]
    return { cookie, app, alive }
  }
  const revoke = (token = '') => atAuthgear(simulator, '/oauth2/revoke', {
    method: 'POST', form: new URLSearchParams({ token }).toString()
  })
  const acts: ReadonlyArray<readonly [
    what: string, act: (world: Awaited<ReturnType<typeof open>>) => unknown, expected: readonly unknown[],
    more?: Readonly<Record<string, string>>
  ]> = [
    ['nothing', () => {}, ['true', 'true', 200]],
    ['disabled, enabled', () => { controls.disable('alice'); controls.enable('alice') }, ['none', 'none', 400]],
    ['revokeSession of the app', ({ app }) => { controls.endGrant(sessionOf(app['id_token'])) }, ['none', 'true', 400]],
    ['signed out', ({ cookie }) => { controls.signOut(cookie) }, ['none', 'none', 400]],
    ['revokeAllSessions', () => { controls.revokeSessions('alice') }, ['none', 'none', 400]],
    ['its refresh token revoked', ({ app }) => revoke(app['refresh_token']), ['none', 'true', 400]],
    ['the same with SSO', ({ app }) => revoke(app['refresh_token']), ['none', 'none', 400], { x_sso_enabled: 'true' }],
    ['its access token revoked', ({ app }) => revoke(app['access_token']), ['none', 'true', 200]],
    ['the browser\'s session idle', ({ cookie }) => { controls.expireCookie(cookie) }, ['true', 'true', 200]],
    ['the same with SSO', ({ cookie }) => { controls.expireCookie(cookie) }, ['none', 'none', 400],
      { x_sso_enabled: 'true' }]
  ]
  for (const [what, act, expected, more] of acts) {
    const world = await open(more)
    await act(world)
    t.strictSame(await world.alive(), expected, what)
  }
})
