import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'

/**
 * What the real Authgear was recorded to answer (shared/data/oauth.json), without what changes from answer to answer.
 */
interface Recorded {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly session: 'valid' | 'unknown' | 'none'
  readonly strict: boolean
  readonly status: number
  readonly location: string | null
  readonly setCookie: readonly string[]
  readonly allow: string | null
}

const RECORDED = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/oauth.json'), 'utf8')
) as readonly Recorded[]
const HOST = 'localhost:3000'
const CLIENTS = [
  { id: 'web', redirectUris: ['http://localhost:8080/callback'], postLogoutRedirectUris: ['http://localhost:8080/'] }
]
/** Numbers of this one request. */
const OWN = new Set(['x_ref', 'x_traceparent', 'x_settings_action_id'])

for (const { name, method, path, session, strict, status, location, setCookie, allow } of RECORDED) {
  t.test(`as recorded: ${name}`, async t => {
    const { port, controls } = await startSimulator(t, { clients: CLIENTS })
    const values = {
      valid: controls.signIn('alice').cookie, unknown: 'b0000000-0000-4000-8000-000000000000.unknown', none: ''
    }
    const cookies = [
      ...(session === 'none' ? [] : [`session=${values[session]}`]), ...(strict ? ['same_site_strict=true'] : [])
    ]
    const headers: readonly HeaderLine[] = cookies.length === 0 ? [] : [['Cookie', cookies.join('; ')]]
    const answer = await ask(port, { method, path, host: HOST, headers })
    t.equal(answer.status, status)
    t.strictSame(answer.headers['set-cookie'] ?? [], setCookie)
    t.equal(answer.headers.allow ?? null, allow)
    t.strictSame(essence(answer.headers.location), essence(location ?? undefined))
    const alive = await ask(port, { path: '/resolve', headers: [['Cookie', `session=${values.valid}`]] })
    t.equal(alive.headers['x-authgear-session-valid'], setCookie.length === 2 ? 'false' : 'true',
      'the session ends where its cookie does')
  })
}

/** Where it leads, with what of the question goes on; the order of parameters says nothing. */
function essence (location: string | undefined): unknown {
  if (location === undefined) return undefined
  const { origin, pathname, searchParams } = new URL(location, `http://${HOST}`)
  const parameters = [...searchParams].filter(([key]) => !OWN.has(key) && key !== 'prompt' && key !== 'max_age')
    .sort(([a], [b]) => a.localeCompare(b))
  return {
    origin,
    pathname,
    parameters: parameters.map(([key, value]) =>
      key === 'redirect_uri' && value.includes('end_session') ? [key, essence(value)] : [key, value]
    )
  }
}

t.test('a whole login: the cookies are set as recorded, and the way back has no code', async t => {
  const { port } = await startSimulator(t, { clients: CLIENTS, cookieDomain: '.example.com' })
  const query = new URLSearchParams({
    client_id: 'web', redirect_uri: 'http://localhost:8080/callback', state: 'st4te'
  }).toString()
  const begun = await ask(port, { path: `/_internals/oauth_entrypoint?${query}`, host: HOST })
  const underWay = begun.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const choose = (...headers: readonly HeaderLine[]) => ask(port, {
    method: 'POST',
    path: `/login-page?${query}`,
    host: HOST,
    headers: [['Content-Type', 'application/x-www-form-urlencoded'], ['X-Forwarded-Proto', 'https'], ...headers],
    body: 'user=alice'
  })
  t.match(await choose(), { status: 200, body: /Page expired or invalid/ }, 'no login is under way')
  const chosen = await choose(['Cookie', underWay])
  t.match(chosen, { status: 303, headers: { location: `/oauth2/consent?${query}` } })
  t.match(chosen.headers['set-cookie'], [
    /^oauth_under_way=; /,
    /^session=[0-9a-f-]{36}\.\w{32}; Path=\/; Domain=example\.com; Max-Age=31449600; HttpOnly; Secure; SameSite=Lax$/,
    /^same_site_strict=true; Path=\/; Domain=example\.com; Max-Age=31449600; HttpOnly; Secure; SameSite=Strict$/
  ])
  const cookie = (chosen.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ')
  t.match(await ask(port, { path: `/oauth2/consent?${query}`, host: HOST, headers: [['Cookie', cookie]] }), {
    status: 303, headers: { location: 'http://localhost:8080/callback?state=st4te' }
  })
})

t.test('a user who does not confirm stays signed in', async t => {
  const { port, controls } = await startSimulator(t, { clients: CLIENTS })
  const cookie: HeaderLine = ['Cookie', `session=${controls.signIn('alice').cookie}`]
  const { headers } = await ask(port, {
    path: '/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F',
    host: HOST,
    headers: [cookie]
  })
  t.equal((await ask(port, { path: '/resolve', headers: [cookie] })).headers['x-authgear-session-valid'], 'true')
  const confirmed = await ask(port, {
    method: 'POST',
    path: String(headers.location).replace(`http://${HOST}`, ''),
    host: HOST,
    headers: [cookie, ['Content-Type', 'application/x-www-form-urlencoded']],
    body: 'x=1'
  })
  t.match(confirmed, { status: 303, headers: { location: 'http://localhost:8080/' } })
  t.equal((await ask(port, { path: '/resolve', headers: [cookie] })).headers['x-authgear-session-valid'], 'false')
})

t.test('without clients there is no such page', async t => {
  const { port } = await startSimulator(t)
  for (const path of ['/oauth2/authorize', '/oauth2/end_session', '/login-page']) {
    t.equal((await ask(port, { path })).status, 404, path)
  }
})

const API = 'https://mcp.example.com/mcp'
const OPEN = { registration: 'open', resources: [{ uri: API, scopes: ['use'] }] } as const
const JSON_LINE: HeaderLine = ['Content-Type', 'application/json']

/** What an agent's client sends, and what the real Authgear was seen to answer. */
const REGISTRATIONS: ReadonlyArray<readonly [options: object, body: object, status: number, error?: string]> = [
  [{}, { redirect_uris: ['https://a.example/cb'] }, 403, 'access_denied'],
  [{ registration: 'by-token' }, { redirect_uris: ['https://a.example/cb'] }, 401, 'invalid_initial_access_token'],
  [OPEN, { redirect_uris: ['https://a.example/cb'] }, 201],
  [OPEN, { redirect_uris: ['http://localhost:1/cb'] }, 400, 'invalid_redirect_uri'],
  [OPEN, { redirect_uris: ['http://localhost:1/cb'], application_type: 'native' }, 201],
  [OPEN, { redirect_uris: ['http://127.0.0.1:1/cb'], application_type: 'native' }, 400, 'invalid_redirect_uri'],
  [OPEN, { redirect_uris: ['app.example:/cb'], application_type: 'native' }, 201],
  [OPEN, { redirect_uris: ['https://a.example/cb'], token_endpoint_auth_method: 'client_secret_post' }, 400,
    'invalid_client_metadata']
]

t.test('a client registers only where that is open, and by its rules', async t => {
  for (const [options, client, status, error] of REGISTRATIONS) {
    const { port } = await startSimulator(t, { resources: OPEN.resources, ...options })
    const body = JSON.stringify(client)
    const answer = await ask(port, { method: 'POST', path: '/oauth2/register', headers: [JSON_LINE], body })
    const said = JSON.parse(answer.body) as Readonly<Record<string, unknown>>
    t.match([answer.status, said['error']], [status, error], `${JSON.stringify(options)} ${body}`)
  }
})

t.test('a client without openid, or with a scope that is not open, is sent back', async t => {
  const clients = [{ id: 'agent', source: 'dcr', redirectUris: ['https://a.example/cb'], postLogoutRedirectUris: [] }] as const
  const { port } = await startSimulator(t, { ...OPEN, clients })
  const errorOf = async (scope: string): Promise<string | null> => {
    const query = new URLSearchParams({
      client_id: 'agent',
      redirect_uri: 'https://a.example/cb',
      response_type: 'code',
      resource: API,
      scope,
      code_challenge: 'x',
      code_challenge_method: 'S256'
    })
    const { headers } = await ask(port, { path: `/oauth2/authorize?${query}`, host: HOST })
    return new URL(headers.location ?? '').searchParams.get('error_description')
  }
  t.equal(await errorOf('use'), "must request 'openid' scope")
  t.equal(await errorOf('openid other'), 'specified scope is not allowed: other')
  t.equal(await errorOf('openid offline_access use'), null)
})
