import { createHash } from 'node:crypto'
import t from 'tap'
import { createTokens } from '../../src/base/authgear/admin-api/token.ts'
import { systemClock } from '../../src/base/clock.ts'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import { adminApi, APP_ID, KEY_ID, PRIVATE_KEY } from '../helpers/audit.ts'
import { atAuthgear, HOST, tokenCall } from '../helpers/recorded-sign-ins.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { type RunningSimulator, startSimulator } from '../helpers/simulator.ts'

const API = 'https://mcp.example.com/mcp'
const CALLBACK = 'https://agents.example.com/callback'
const BY_URL = 'https://agents.example.com/client.json'
const OPTIONS = {
  registration: 'open',
  resources: [{ uri: API, scopes: ['use'] }],
  clients: [{ id: 'web', redirectUris: [CALLBACK], postLogoutRedirectUris: [] }],
  clientDocuments: {
    [BY_URL]: { client_id: BY_URL, client_name: 'An agent', redirect_uris: [CALLBACK] },
    'https://agents.example.com/other.json': { client_id: BY_URL, redirect_uris: [CALLBACK] }
  },
  adminApi
} as const
const VERIFIER = 'a verifier of forty-three characters or more'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const SCOPE = 'openid offline_access use'

const REGISTRATION = {
  method: 'POST', path: '/oauth2/register', headers: [['Content-Type', 'application/json']]
} as const

async function register ({ port }: RunningSimulator): Promise<string> {
  const { body } = await ask(port, {
    ...REGISTRATION, body: JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'An agent' })
  })
  return String((JSON.parse(body) as Readonly<Record<string, unknown>>)['client_id'])
}

type More = Readonly<Record<string, string>>

/** The code that authorize gives to a browser that is signed in, or the error. A parameter that is '' is left out. */
async function codeOf (simulator: RunningSimulator, clientId: string, more: More = {}): Promise<string> {
  const parameters = Object.entries({
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    prompt: 'none',
    scope: SCOPE,
    resource: API,
    ...more
  }).filter(([, value]) => value !== '')
  const cookie = `session=${simulator.controls.signIn('alice').cookie}`
  const query = new URLSearchParams(parameters).toString()
  const asked = await atAuthgear(simulator, `/oauth2/authorize?${query}`, { cookie })
  // a third party is allowed once, where a person sees it
  const { headers, body } = asked.headers.location?.includes('error=access_denied') === true
    ? await atAuthgear(simulator, `/oauth2/consent?${query}`, { cookie })
    : asked
  if (headers.location === undefined) return body
  const { searchParams } = new URL(headers.location)
  return searchParams.get('code') ?? searchParams.get('error') ?? ''
}

const redeem = (simulator: RunningSimulator, clientId: string, code: string, more: More = {}) => tokenCall(simulator, {
  grant_type: 'authorization_code', client_id: clientId, code, redirect_uri: CALLBACK, code_verifier: VERIFIER, ...more
})

async function tokensOf (simulator: RunningSimulator, clientId: string, more: More = {}): Promise<More> {
  return (await redeem(simulator, clientId, await codeOf(simulator, clientId, more))).body
}

const refresh = (simulator: RunningSimulator, clientId: string, token = '', more: More = {}) =>
  tokenCall(simulator, { grant_type: 'refresh_token', client_id: clientId, refresh_token: token, ...more })

async function resolved ({ port }: RunningSimulator, token = '', ...more: readonly HeaderLine[]): Promise<unknown> {
  const headers: readonly HeaderLine[] = [['Authorization', `Bearer ${token}`], ['X-Forwarded-Proto', 'https'], ...more]
  const answer = await ask(port, { path: '/resolve', host: HOST, headers })
  return answer.headers['x-authgear-session-valid']
}

/** Each kind of dynamic client, by its id. */
const KINDS: Readonly<Record<string, (simulator: RunningSimulator) => Promise<string>>> = {
  'registered itself': register, 'has a URL for its id': async () => BY_URL
}

for (const [kind, idOf] of Object.entries(KINDS)) {
  t.test(`a client that ${kind} gets tokens of a person for one resource`, async (t) => {
    const simulator = await startSimulator(t, OPTIONS)
    const id = await idOf(simulator)
    const tokens = await tokensOf(simulator, id)
    t.match(claimsOf(tokens['access_token'] ?? ''), {
      aud: [API], client_id: id, scope: SCOPE, sub: /^a11ce000-/, jti: /^[0-9a-f]{64}$/
    })
    t.equal(await resolved(simulator, tokens['access_token']), 'false', 'the resolver refuses it')
    const renewed = await refresh(simulator, id, tokens['refresh_token'], { resource: API })
    t.match(claimsOf(renewed.body['access_token'] ?? ''), { aud: [API], client_id: id, scope: SCOPE })
    const elsewhere = await refresh(simulator, id, tokens['refresh_token'], { resource: 'https://other.example' })
    t.match(elsewhere, { status: 400, body: { error: 'invalid_target' } })
  })

  t.test(`a client that ${kind} and is deleted goes on by its tokens alone`, async (t) => {
    const simulator = await startSimulator(t, OPTIONS)
    const id = await idOf(simulator)
    const tokens = await tokensOf(simulator, id)
    simulator.controls.deleteClient(id)
    t.equal((await refresh(simulator, id, tokens['refresh_token'])).status, 200)
    const again = await codeOf(simulator, id)
    if (id === BY_URL) t.notMatch(again, 'error', 'its document is read again')
    else t.match(again, 'invalid client ID')
  })
}

t.test('a third party without a resource gets an opaque token that the resolver refuses', async (t) => {
  const simulator = await startSimulator(t, OPTIONS)
  const id = await register(simulator)
  const body = await tokensOf(simulator, id, { scope: 'openid', resource: '' })
  t.match(body['access_token'], /^[0-9A-Za-z]{32}$/)
  t.equal(await resolved(simulator, body['access_token']), 'false')
  const cookie: HeaderLine = ['Cookie', `session=${simulator.controls.signIn('bob').cookie}`]
  t.equal(await resolved(simulator, body['access_token'], cookie), 'false', 'also beside a good session')
})

t.test('what authorize and the token endpoint refuse', async (t) => {
  const simulator = await startSimulator(t, OPTIONS)
  const id = await register(simulator)
  t.equal(await codeOf(simulator, 'web'), 'invalid_target', 'the project’s own client has no resource')
  t.equal(await codeOf(simulator, id, { resource: 'https://other.example' }), 'invalid_target')
  t.equal(await codeOf(simulator, id, { scope: 'openid other' }), 'invalid_scope')
  t.match(await codeOf(simulator, 'https://agents.example.com/other.json'), 'invalid client ID', 'another’s document')
  t.match(await codeOf(simulator, 'https://nowhere.example/client.json'), 'invalid client ID')
  const code = await codeOf(simulator, id)
  t.match(await redeem(simulator, id, code, { resource: 'https://other.example' }), { body: { error: 'invalid_target' } })
  t.equal((await redeem(simulator, id, code, { resource: API })).status, 200)
})

t.test('discovery names what is open', async (t) => {
  const discovered = async (options: object): Promise<Readonly<Record<string, unknown>>> => {
    const { port } = await startSimulator(t, { resources: OPTIONS.resources, ...options })
    const { body } = await ask(port, { path: '/.well-known/oauth-authorization-server' })
    return JSON.parse(body) as Record<string, unknown>
  }
  t.match(await discovered(OPTIONS), {
    registration_endpoint: /\/oauth2\/register$/, client_id_metadata_document_supported: true
  })
  const closed = await discovered({})
  t.notOk('registration_endpoint' in closed || 'client_id_metadata_document_supported' in closed)
})

t.test('the log has each registration, resolution and deletion', async (t) => {
  const simulator = await startSimulator(t, OPTIONS)
  const id = await register(simulator)
  await codeOf(simulator, BY_URL)
  await codeOf(simulator, 'https://nowhere.example/client.json')
  await ask(simulator.port, { ...REGISTRATION, body: '{}' })
  simulator.controls.deleteClient(id)
  simulator.controls.deleteClient(BY_URL)
  const client = { client_id: id, source: 'dcr', kind: 'third_party', client_name: 'An agent' }
  const byUrl = { ...client, client_id: BY_URL, source: 'cimd' }
  t.match(await logged(simulator), {
    OAUTH_CLIENT_REGISTERED: [{ payload: { client }, context: { client_id: id, user_id: null } }],
    OAUTH_CLIENT_RESOLVED: [{ payload: { client: byUrl }, context: { client_id: BY_URL } }],
    OAUTH_CLIENT_RESOLUTION_FAILED: [{ payload: { reason: 'document_unreachable' } }],
    OAUTH_CLIENT_REGISTRATION_FAILED: [{ payload: { reason: 'invalid_client_metadata' } }],
    ADMIN_API_MUTATION_DELETE_DYNAMIC_CLIENT_EXECUTED: [
      { payload: client, context: { client_id: id, triggered_by: 'admin_api' } },
      { payload: byUrl, context: { client_id: BY_URL } }
    ]
  })
})

type Entry = Readonly<{ seq: number, payload: object, context: object }>

interface Log { readonly data: { readonly auditLogs: { readonly edges: ReadonlyArray<{ readonly node: Node }> } } }
interface Node { readonly activityType: string, readonly data: Entry }

/** The entries by their types, in their order. */
async function logged ({ url }: RunningSimulator): Promise<Readonly<Record<string, readonly Entry[]>>> {
  const token = await createTokens({ pem: PRIVATE_KEY, keyId: KEY_ID }, APP_ID, systemClock)()
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{auditLogs(first: 100){edges{node{activityType data}}}}' })
  })
  const { data: { auditLogs } } = await answer.json() as Log
  const nodes = auditLogs.edges.map(({ node }) => node).toSorted((a, b) => a.data.seq - b.data.seq)
  return nodes.reduce<Record<string, Entry[]>>((all, { activityType: type, data }) => ({
    ...all, [type]: [...all[type] ?? [], data]
  }), {})
}
