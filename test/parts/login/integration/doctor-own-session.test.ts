import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { OAuthClient } from '../../../../deploy/demo/authgear-simulator/server.mjs'
import { OF_OWN_SESSIONS, visit, type Transcript } from '../../../helpers/doctor.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const ORIGINS = ['http://127.0.0.1:8080', 'https://wiki.other.test']
const LOGIN = {
  LOGIN_SESSION: 'own', LOGIN_CLIENT_ID: 'web', LOGIN_SECRET: 'a secret of this test, of 32 bytes'
} as const
const CLIENT: OAuthClient = {
  id: 'web',
  redirectUris: ORIGINS.map((origin) => `${origin}/_auth/callback`),
  postLogoutRedirectUris: ORIGINS.map((origin) => `${origin}/_auth/logged-out`)
}

const made = new Set<string>()

async function look (
  t: Test,
  client: Partial<OAuthClient>,
  env: Readonly<Record<string, string>> = {}
): Promise<Transcript> {
  const { url } = await startSimulator(t, { clients: [{ ...CLIENT, ...client }] })
  const all = { AUTHGEAR_ENDPOINT: url, LOGIN_PUBLIC_URL: ORIGINS.join(','), ...LOGIN, ...env }
  return noted(await visit({ env: all }))
}

function noted (transcript: Transcript): Transcript {
  for (const finding of transcript.findings) made.add(finding.replace(/^\w+ /, ''))
  return transcript
}

t.test('a client of the portal with an address for each origin is in order', async (t) => {
  const { text, findings } = await look(t, {})
  t.strictSame(findings, [])
  t.match(text, /^ok +Authgear knows the login's client and its redirect URIs$/m)
  t.match(text, /^skipped +cookie prefix and domain: LOGIN_SESSION is own/m)
})

const LOGGED_OUT = { postLogoutRedirectUris: CLIENT.postLogoutRedirectUris.slice(1) }
const WRONG: ReadonlyArray<readonly [string, Partial<OAuthClient>, readonly string[], RegExp]> = [
  ['no such client', { id: 'other' }, ['error login-client'], /has no client web/],
  ['one origin that is not registered', { redirectUris: CLIENT.redirectUris.slice(0, 1) }, ['error login-redirect-uri'],
    /https:\/\/wiki\.other\.test\/_auth\/callback is not registered/],
  ['an address after signing out that is not', LOGGED_OUT, ['warning login-logout-uri'],
    /http:\/\/127\.0\.0\.1:8080\/_auth\/logged-out/],
  ['a client with a secret', { type: 'confidential', secret: 'a secret' }, ['error login-client-type'], /has a secret/],
  ['a client of a third party', { type: 'third_party_app' }, ['error login-client-type'], /third party/],
  ['a client of a machine', { type: 'm2m' }, ['error login-machine'], /is a machine's/],
  ['a client of one session a person', { isAlone: true }, ['error login-sso'], /x_sso_enabled/]
]

for (const [what, client, expected, says] of WRONG) {
  t.test(`${what} is found, and only that`, async (t) => {
    const { text, findings } = await look(t, client)
    t.strictSame(findings, expected)
    t.match(text, says)
  })
}

t.test('LOGIN_SSO=off is what a client of one session a person needs', async (t) => {
  t.strictSame((await look(t, { isAlone: true }, { LOGIN_SSO: 'off' })).findings, [])
})

t.test('a Redis that forgets is a warning, one with an append-only file is none', async (t) => {
  const SHARED = { CACHE_SECRET: 'a cache secret of this test, of 32 bytes', REDIS_TIMEOUT: '5s' }
  const forgets = await startRedis(t)
  t.strictSame((await look(t, {}, { ...SHARED, REDIS_URL: forgets.url })).findings, ['warning redis-forgets'])
  const keeps = await startRedis(t, { args: ['--appendonly', 'yes'] })
  t.strictSame((await look(t, {}, { ...SHARED, REDIS_URL: keeps.url })).findings, [])
})

interface Passes { readonly host?: boolean, readonly cookie?: boolean, readonly routes?: boolean }

/** An app behind a proxy in a few lines, which passes on what it is told to. @returns its origin, and the variables */
async function startBehind (t: Test, { host = true, cookie = true, routes = true }: Passes) {
  let port = 0
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const { headers, url = '/' } = request
    const lines = [
      ...host ? [['X-Forwarded-Host', headers.host ?? '']] as const : [],
      ...cookie && headers.cookie !== undefined ? [['Cookie', headers.cookie]] as const : [],
      ...['sec-fetch-mode', 'sec-fetch-dest', 'accept'].map((name) => [name, String(headers[name] ?? '')] as const)
    ]
    const isOwn = routes && url.startsWith('/_auth/')
    const answer = await ask(port, {
      path: isOwn ? url : '/verify', host: isOwn && host ? headers.host ?? '' : 'forward-auth:4180', headers: lines
    })
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { url } = await startSimulator(t, {
    clients: [{
      id: 'web', redirectUris: [`${origin}/_auth/callback`], postLogoutRedirectUris: [`${origin}/_auth/logged-out`]
    }]
  })
  const env = { AUTHGEAR_ENDPOINT: url, LOGIN_PUBLIC_URL: origin, ...LOGIN }
  ;({ port } = await startInProcess(t, env))
  return { origin, env }
}

const about = ({ findings }: Transcript): readonly string[] => findings.filter((finding) => / login-/.test(finding))

t.test('through the proxy: the login\'s route, its host, and the cookie', async (t) => {
  const good = await startBehind(t, {})
  t.strictSame(about(noted(await visit({ env: good.env, args: ['--url', good.origin] }))), [])
  for (const [passes, expected] of [
    [{ routes: false }, 'error login-route'], [{ cookie: false }, 'error login-cookie-lost']
  ] as const) {
    const { origin, env } = await startBehind(t, passes)
    t.strictSame(about(noted(await visit({ env, args: ['--url', origin] }))), [expected], JSON.stringify(passes))
  }
  const hostless = await startBehind(t, { host: false })
  t.match(about(noted(await visit({ env: hostless.env, args: ['--url', hostless.origin] }))), [/login-/])
  const elsewhere = { ...good.env, LOGIN_PUBLIC_URL: 'https://app.example.com' }
  t.ok(about(noted(await visit({ env: elsewhere, args: ['--url', good.origin] }))).includes('error login-origin'))
})

t.test('an e-mail that the project keeps from apps is found by a pasted token', async (t) => {
  const { url, controls } = await startSimulator(t, { clients: [CLIENT] })
  const env = { AUTHGEAR_ENDPOINT: url, LOGIN_PUBLIC_URL: ORIGINS.join(','), ...LOGIN, IDENTITY_PROFILE: 'email' }
  const asked = async (more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> => {
    const pasted = { args: ['--token-stdin'], stdin: demo.alice.accessToken }
    return noted(await visit({ env: { ...env, ...more }, ...pasted })).findings.filter((one) => /email|token/.test(one))
  }
  t.strictSame(await asked(), [])
  controls.userinfo.hideEmail(true)
  controls.setRoles('alice', []) // nothing is remembered of her
  t.strictSame(await asked(), ['error email-hidden'])
  t.strictSame(await asked({ IDENTITY_PROFILE: 'name' }), [])
})

t.test('each finding of the list was made above', async (t) => {
  for (const id of OF_OWN_SESSIONS) t.ok(made.has(id), id)
})
