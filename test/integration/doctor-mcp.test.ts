import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { FROM_OUTSIDE } from '../../src/commands/doctor/catalogue.ts'
import type { McpFindingId } from '../../src/commands/doctor/mcp/findings.ts'
import { visit, type Visit } from '../helpers/doctor.ts'
import { certificate, checkMistakes, type Mistake } from '../helpers/doctor-world.ts'
import { freePort } from '../helpers/free-port.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { startUpstream } from '../helpers/upstream.ts'

/** A set-up in a few lines: proxy, service, MCP server and Authgear in one, each right unless a row changes it. */
type Asked = Readonly<{
  request: IncomingMessage
  body: string
  path: string
  port: number
  header: (name: string) => string
}>
type Headers = Readonly<Record<string, string | readonly string[]>>
type Said = Readonly<{ status?: number, headers?: Headers, body?: unknown }>
type Answer = (asked: Asked) => Said | undefined
type Json = Readonly<Record<string, unknown>>

const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'WWW-Authenticate' }
const JSON_TYPE = { 'content-type': 'application/json', ...CORS }
const TOKEN = 'a-good-token'
const CLIENT = ['--client-id', 'app', '--redirect-uri', 'http://localhost/callback']
const at = ({ port }: Asked, path: string): string => `http://127.0.0.1:${port}${path}`
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

const challengeOf = (asked: Asked): string =>
  `Bearer resource_metadata="${at(asked, `${WELL_KNOWN}/mcp`)}", scope="openid use"`
const resourceOf = (asked: Asked): Json => ({
  resource: at(asked, '/mcp'),
  authorization_servers: [at(asked, '')],
  scopes_supported: ['openid', 'use', 'admin']
})
const serverOf = (asked: Asked): Json => ({
  issuer: at(asked, ''),
  authorization_endpoint: at(asked, '/oauth2/authorize'),
  token_endpoint: at(asked, '/oauth2/token'),
  code_challenge_methods_supported: ['S256'],
  client_id_metadata_document_supported: true
})

/** The MCP server, which compares headers and body, behind the rule `tool=read`. */
const strict = ({ body, header }: Asked): Said => {
  const isRefused = header('mcp-protocol-version') !== '2026-07-28' || !['', 'read'].includes(header('mcp-name'))
  if (isRefused) return { status: 403, body: { error: 'forbidden' } }
  const { method } = JSON.parse(body) as { method?: string }
  return method === header('mcp-method') && method === 'tools/list'
    ? { body: { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'read' }] } }, headers: JSON_TYPE }
    : { status: 400, body: { jsonrpc: '2.0', id: 1, error: { code: -32020, message: 'mismatch' } }, headers: JSON_TYPE }
}

function rightMcp (asked: Asked): Said {
  const { request, header } = asked
  if (request.method === 'OPTIONS') {
    const headers = 'authorization, content-type, mcp-protocol-version, mcp-method, mcp-name'
    return { status: 204, headers: { ...CORS, 'access-control-allow-headers': headers } }
  }
  const token = header('authorization')
  if (token === `Bearer ${TOKEN}`) return strict(asked)
  const error = token === '' ? '' : ', error="invalid_token"'
  return { status: 401, headers: { ...CORS, 'www-authenticate': `${challengeOf(asked)}${error}` }, body: {} }
}

function authorize ({ request }: Asked): Said {
  const query = new URL(request.url ?? '', 'http://x').searchParams
  if (query.get('client_id') !== 'app') return { status: 400, body: 'error: unauthorized_client' }
  return { status: 302, headers: { location: '/login' } }
}

function right (asked: Asked): Said {
  switch (asked.path) {
    case '/mcp': return rightMcp(asked)
    case WELL_KNOWN:
    case `${WELL_KNOWN}/mcp`: return { headers: JSON_TYPE, body: resourceOf(asked) }
    case '/.well-known/oauth-authorization-server':
    case '/.well-known/openid-configuration': return { headers: JSON_TYPE, body: serverOf(asked) }
    case '/oauth2/authorize': return authorize(asked)
    default: return { status: 404 }
  }
}

async function answer (change: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? ''
  const asked: Asked = {
    request,
    body: await text(request),
    path: new URL(url, 'http://x').pathname,
    port: request.socket.localPort ?? 0,
    header: (name) => String(request.headers[name] ?? '')
  }
  const { status = 200, headers = {}, body = '' } = change(asked) ?? right(asked)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
}

type Row = readonly [mistake: string, found: readonly McpFindingId[], change: Answer, args?: readonly string[]]

async function start (t: Test, change: Answer, args: readonly string[] = CLIENT): Promise<Visit> {
  const port = await listenFree(t, createServer((request, response) => {
    answer(change, request, response).catch(() => response.destroy())
  }))
  const given = args.map((arg) => arg.replace('PORT', String(port)))
  const url = given.includes('--mcp') ? [] : ['--mcp', `http://127.0.0.1:${port}/mcp`]
  return { env: {}, args: [...url, ...given, '--token-stdin'], stdin: TOKEN }
}

const onPath = (path: string, said: Said | Answer): Answer => (asked) => {
  if (asked.path !== path) return undefined
  return typeof said === 'function' ? said(asked) : said
}
const onMcp = (said: Said | Answer): Answer => onPath('/mcp', said)
/** To a client without a token. */
const toStranger = (said: (asked: Asked) => Said): Answer =>
  onMcp((asked) => asked.request.method === 'POST' && asked.header('authorization') === '' ? said(asked) : undefined)
const challengedBy = (headers: Headers): Answer =>
  toStranger((asked) => ({ status: 401, headers: { ...headers, 'www-authenticate': challengeOf(asked) } }))
const challenged = (challenge: (asked: Asked) => string | readonly string[]): Answer =>
  toStranger((asked) => ({ status: 401, headers: { ...CORS, 'www-authenticate': challenge(asked) } }))
const resource = (change: (asked: Asked) => Json): Answer => (asked) => asked.path.startsWith(WELL_KNOWN)
  ? { headers: JSON_TYPE, body: { ...resourceOf(asked), ...change(asked) } }
  : undefined
const server = (change: (asked: Asked) => Json): Answer => (asked) => /oauth-authorization|openid-conf/.test(asked.path)
  ? { headers: JSON_TYPE, body: { ...serverOf(asked), ...change(asked) } }
  : undefined
const authorizing = (said: Said | Answer): Answer => onPath('/oauth2/authorize', said)
const sentBack = (error: string): Answer =>
  authorizing({ status: 303, headers: { location: `http://localhost/callback?error=${error}&state=x` } })
const scopesOf = ({ request }: Asked): readonly string[] =>
  (new URL(request.url ?? '', 'http://x').searchParams.get('scope') ?? '').split(' ')
/** With the right token. */
const withToken = (said: Answer): Answer =>
  onMcp((asked) => asked.header('authorization') === `Bearer ${TOKEN}` ? said(asked) : undefined)

/** A server of an older revision behind the rule: it looks for the tool of the body. */
const obeying = (form: (message: Json) => Said): Answer => withToken((asked) => {
  const said = strict(asked)
  return said.status === 400 ? form(JSON.parse(asked.body) as Json) : said
})
const unknownTool = (body: Json): Json => {
  const { params = {} } = (Array.isArray(body) ? body[0] : body) as { params?: { name?: string } }
  return { jsonrpc: '2.0', id: 1, error: { code: -32602, message: `Tool ${params.name ?? ''} not found` } }
}

const run = ({ body }: Asked): Said => ({ body: unknownTool(JSON.parse(body) as Json) })

const ROWS: readonly Row[] = [
  ['a server without any protection', ['mcp-open'], onMcp({ body: { jsonrpc: '2.0', id: 1, result: { tools: [] } } })],
  ['one that dislikes our request, and nothing else', ['mcp-open'],
    onMcp({ status: 400, body: { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no session' } } })],
  ['one that answers by a stream of events', ['mcp-open'],
    onMcp({ status: 406, body: 'event: message\ndata: {"jsonrpc":"2.0","id":1,"error":{"code":-32000}}\n\n' })],
  ['http:// that redirects to https://', ['mcp-redirect'],
    onMcp({ status: 301, headers: { location: 'https://mcp.example.com/mcp' } })],
  ['/verify with a login', ['mcp-redirect'], onMcp({ status: 302, headers: { location: '/_auth/login?rd=x' } })],
  ['a path that nobody has', ['mcp-path'], onMcp({ status: 404 })],
  ['a route for GET alone', ['mcp-path'], onMcp({ status: 405 })],
  ['a policy that cannot be read, or a firewall', ['mcp-forbidden'], onMcp({ status: 403 })],
  ['a proxy that does not reach the service', ['mcp-fails'], onMcp({ status: 502 })],
  ['a service that refuses all with 503', ['mcp-fails'], onMcp({ status: 503 })],
  ['a 401 whose challenge the proxy drops', ['mcp-challenge'], toStranger(() => ({ status: 401, headers: CORS }))],
  ['the same with a token', ['mcp-challenge'], onMcp((asked) =>
    asked.request.method === 'POST' && !asked.header('authorization').includes(TOKEN)
      ? { status: 401, headers: CORS }
      : undefined)],
  ['a Basic challenge of the proxy', ['mcp-challenge'], challenged(() => 'Basic realm="x"')],
  ['/verify instead of /resource', ['mcp-challenge'], challenged(() => 'Bearer realm="https://auth.example.com"')],
  ['a challenge that nobody can read', ['mcp-challenge'], challenged(() => 'Bearer resource_metadata="https://a')],
  ["the app's own challenge beside ours", ['mcp-challenge-doubled'],
    challenged((asked) => [challengeOf(asked), challengeOf(asked)])],
  ["the app's own beside it, which names no metadata", ['mcp-challenge-doubled'],
    challenged((asked) => ['Bearer realm="app"', challengeOf(asked)])],
  ['two addresses in one challenge', ['mcp-challenge-doubled'],
    challenged((asked) => `${challengeOf(asked)}, resource_metadata="https://b.example/"`)],
  ['a relative address of the metadata', ['mcp-challenge-address'],
    challenged(() => `Bearer resource_metadata="${WELL_KNOWN}/mcp", scope="openid use"`)],
  ['metadata on another host', ['mcp-challenge-address'],
    challenged(({ port }) => `Bearer resource_metadata="http://localhost:${port}${WELL_KNOWN}/mcp", scope="openid use"`)],
  ['metadata by http:// elsewhere', ['mcp-challenge-address'],
    challenged(() => `Bearer resource_metadata="http://mcp.example.com${WELL_KNOWN}/mcp", scope="openid use"`)],
  ['a challenge without scopes', ['mcp-scopes'],
    challenged((asked) => `Bearer resource_metadata="${at(asked, `${WELL_KNOWN}/mcp`)}"`)],
  ['a scope that the metadata lacks', ['mcp-scopes'], resource(() => ({ scopes_supported: ['openid'] }))],
  ['no openid', ['mcp-openid'],
    challenged((asked) => `Bearer resource_metadata="${at(asked, `${WELL_KNOWN}/mcp`)}", scope="use"`)],
  ['metadata that only a session may read', ['mcp-metadata'], onPath(`${WELL_KNOWN}/mcp`, { status: 401 })],
  ['metadata that redirects to the login', ['mcp-metadata'],
    onPath(`${WELL_KNOWN}/mcp`, { status: 302, headers: { location: '/login' } })],
  ['no metadata at the bare address', ['mcp-metadata'], onPath(WELL_KNOWN, { status: 404 })],
  ['metadata with another status', ['mcp-metadata'],
    onPath(WELL_KNOWN, (asked) => ({ status: 202, headers: JSON_TYPE, body: resourceOf(asked) }))],
  ["a page of the app's instead of the metadata", ['mcp-metadata'],
    (asked) => asked.path.startsWith(WELL_KNOWN) ? { body: '<h1>Orders</h1>' } : undefined],
  ['metadata that is sent as a page', ['mcp-metadata-type'], (asked) => asked.path.startsWith(WELL_KNOWN)
    ? { headers: { ...CORS, 'content-type': 'text/html' }, body: resourceOf(asked) }
    : undefined],
  ['a resource with a slash more', ['mcp-resource'], resource((asked) => ({ resource: at(asked, '/mcp/') }))],
  ['a URL with a slash more', ['mcp-resource'], (asked) => {
    if (asked.path === `${WELL_KNOWN}/mcp/`) return { headers: JSON_TYPE, body: resourceOf(asked) }
    return asked.path === '/mcp/' ? rightMcp(asked) : undefined
  }, [...CLIENT, '--mcp', 'http://127.0.0.1:PORT/mcp/']],
  ['a resource that is another whole host', ['mcp-resource'], resource(() => ({ resource: 'https://other.example/' }))],
  ['a resource with another port', ['mcp-resource'], resource(() => ({ resource: 'http://127.0.0.1/mcp' }))],
  ['a resource in another case', ['mcp-resource'], resource((asked) => ({ resource: at(asked, '/MCP') }))],
  ['a resource with another scheme', ['mcp-resource'],
    resource((asked) => ({ resource: at(asked, '/mcp').replace('http', 'https') }))],
  ['a resource of another host', ['mcp-resource'], resource(() => ({ resource: 'https://other.example.com/mcp' }))],
  ['no resource', ['mcp-resource'], resource(() => ({ resource: undefined }))],
  ['a resource that is the whole host', ['mcp-resource-prefix'], resource((asked) => ({ resource: at(asked, '/') }))],
  ['a resource that is the whole host, without its slash', ['mcp-resource'],
    resource((asked) => ({ resource: at(asked, '') }))],
  ['no authorization server', ['mcp-no-authgear'], resource(() => ({ authorization_servers: [] }))],
  ['an authorization server by http://', ['mcp-no-authgear'],
    resource(() => ({ authorization_servers: ['http://auth.example.com'] }))],
  ['an authorization server that nobody reaches', ['mcp-authgear-metadata'],
    resource(() => ({ authorization_servers: ['http://127.0.0.1:1'] }))],
  ['an Authgear behind a proxy that does not pass /.well-known/', ['mcp-authgear-metadata'],
    (asked) => /oauth-authorization|openid-conf/.test(asked.path) ? { status: 404 } : undefined],
  ['OpenID Connect Discovery alone', ['mcp-authgear-metadata'],
    onPath('/.well-known/oauth-authorization-server', { status: 404 })],
  ['an issuer with a slash', ['mcp-issuer'], server((asked) => ({ issuer: at(asked, '/') }))],
  ['no PKCE', ['mcp-pkce'], server(() => ({ code_challenge_methods_supported: undefined }))],
  ['PKCE by plain alone', ['mcp-pkce'], server(() => ({ code_challenge_methods_supported: ['plain'] }))],
  ['neither CIMD nor DCR', ['mcp-registration'],
    server(() => ({ client_id_metadata_document_supported: undefined })), []],
  ['DCR that needs a token', ['mcp-registration'], (asked) => asked.path === '/oauth2/register'
    ? { status: 401, body: { error: 'invalid_initial_access_token' } }
    : server((asked) => ({ registration_endpoint: at(asked, '/oauth2/register') }))(asked), ['--register']],
  ['DCR at another origin', ['mcp-endpoint'],
    server(() => ({ registration_endpoint: 'http://localhost:1/register' })), ['--register']],
  ['endpoints by http://', ['mcp-endpoint'], server(() => ({ token_endpoint: 'http://auth.example.com/token' }))],
  ['no authorization endpoint', ['mcp-endpoint'], server(() => ({ authorization_endpoint: undefined }))],
  ['an authorization endpoint that is not there', ['mcp-authorize'], authorizing({ status: 404 })],
  ['the same, and no client', ['mcp-authorize'], authorizing({ status: 502 }), []],
  ['a resource that is not open to clients', ['mcp-target'], sentBack('invalid_target')],
  ['a scope that is not open to clients', ['mcp-scope-closed'],
    authorizing((asked) => scopesOf(asked).includes('admin') ? sentBack('invalid_scope')(asked) : undefined)],
  ['a client that Authgear does not know', ['mcp-client'], () => undefined,
    ['--client-id', 'other', '--redirect-uri', 'http://localhost/callback']],
  ['a redirect URI of another client', ['mcp-client'],
    authorizing({ status: 400, body: 'error: invalid_request error_description: redirect URI is not allowed' })],
  ['a client by URL whose document is not there', ['mcp-client'], () => undefined,
    ['--client-id', 'http://127.0.0.1:PORT/client.json']],
  ['a client by URL whose document names another', ['mcp-client'],
    onPath('/client.json', { body: { client_id: 'https://a.example/client.json', redirect_uris: ['http://localhost'] } }),
    ['--client-id', 'http://127.0.0.1:PORT/client.json']],
  ['a sign-in that Authgear refuses for another reason', ['mcp-refused'], sentBack('temporarily_unavailable')],
  ['no CORS at all', ['mcp-cors'], onMcp((asked) => {
    if (asked.request.method === 'OPTIONS') return { status: 401 }
    const { headers: { 'access-control-allow-origin': _, ...headers } = {}, ...said } = rightMcp(asked)
    return { ...said, headers }
  })],
  ['CORS without the headers of a call', ['mcp-cors'], onMcp((asked) => asked.request.method === 'OPTIONS'
    ? { status: 204, headers: { ...CORS, 'access-control-allow-headers': 'authorization, content-type' } }
    : undefined)],
  ['CORS that hides the challenge', ['mcp-cors'], challengedBy({ 'access-control-allow-origin': '*' })],
  ['CORS whose star is meant for Authorization', ['mcp-cors'], onMcp((asked) => asked.request.method === 'OPTIONS'
    ? { status: 204, headers: { ...CORS, 'access-control-allow-headers': '*' } }
    : undefined)],
  ['metadata without CORS', ['mcp-cors'], (asked) => asked.path.startsWith(WELL_KNOWN)
    ? { headers: { 'content-type': 'application/json' }, body: resourceOf(asked) }
    : undefined],
  ['a proxy that drops Authorization', ['mcp-authorization-lost', 'mcp-token'], onMcp((asked) =>
    asked.request.method === 'POST'
      ? { status: 401, headers: { ...CORS, 'www-authenticate': challengeOf(asked) } }
      : undefined)],
  ['a server that accepts any token', ['mcp-open'],
    onMcp((asked) => asked.header('authorization') !== '' ? strict(asked) : undefined)],
  ['a forged token that makes the service fail', ['mcp-fails'],
    onMcp((asked) => asked.header('authorization').includes('not-a-token') ? { status: 500 } : undefined)],
  ['a token that has expired', ['mcp-token'], withToken((asked) => rightMcp({ ...asked, header: () => 'x' }))],
  ['a token without the scope', ['mcp-token'],
    withToken(() => ({ status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } }))],
  ['a proxy that drops Mcp-Method before the service', ['mcp-headers-lost'], withToken(() => ({ status: 403 }))],
  ['a proxy that drops Mcp-Method before the server', ['mcp-headers-lost'],
    withToken(() => ({ status: 400, body: { jsonrpc: '2.0', id: 1, error: { code: -32020, message: 'missing' } } }))],
  ['the same behind a rule', ['mcp-headers-lost'], withToken((asked) => {
    const error = { code: -32020, message: 'Mcp-Method is missing' }
    return asked.header('mcp-method') === 'tools/list'
      ? { status: 400, body: { jsonrpc: '2.0', id: 1, error } }
      : { status: 403 }
  })],
  ['a proxy that drops Mcp-Name before the server', ['mcp-headers-lost'], withToken((asked) => {
    const error = { code: -32020, message: 'Mcp-Name is missing' }
    return asked.body.includes('doctor-') ? { status: 400, body: { jsonrpc: '2.0', id: 1, error } } : undefined
  })],
  ['a server that does not answer a list of tools', ['mcp-fails'], withToken(() => ({ status: 502 }))],
  ['a server with another path, or another allowed host', ['mcp-path'], withToken(() => ({ status: 421 }))],
  ['a server that says of the body that there is no such tool', ['mcp-obeys-body'],
    obeying((body) => ({ status: 400, body: unknownTool(body) }))],
  ['a server that runs the body, and says that it failed', ['mcp-obeys-body'],
    obeying(() => ({ body: { jsonrpc: '2.0', id: 1, result: { isError: true } } }))],
  ['a server that fails while it looks for the tool', ['mcp-obeys-body'],
    obeying(() => ({ body: { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'internal' } } }))],
  ['a server that obeys by a stream of events', ['mcp-obeys-body'],
    obeying((body) => ({ body: `event: message\ndata: ${JSON.stringify(unknownTool(body))}\n\n` }))],
  ['a server that runs batches alone', ['mcp-obeys-body'], withToken((asked) => asked.body.startsWith('[')
    ? { body: [unknownTool(JSON.parse(asked.body) as Json)] }
    : undefined)],
  ['a server that runs the second call of a batch', ['mcp-obeys-body'], withToken((asked) => {
    const body = [{ jsonrpc: '2.0', id: 1, error: { code: -32020 } }, { jsonrpc: '2.0', id: 2, result: {} }]
    return asked.body.startsWith('[') ? { body } : undefined
  })],
  ['a rule that goes by the name alone, before a server of every revision', ['mcp-obeys-body'],
    withToken((asked) => {
      if (asked.header('mcp-name').startsWith('doctor-')) return { status: 403 }
      return asked.header('mcp-protocol-version') === '2026-07-28' ? strict(asked) : run(asked)
    })],
  ...['2025-11-25', ''].map((revision): Row => [
    `the same before a server that obeys the revision "${revision}" alone`, ['mcp-obeys-body'],
    withToken((asked) => asked.header('mcp-protocol-version') === revision && asked.header('mcp-method') !== ''
      ? run(asked)
      : strict(asked))
  ]),
  ['the same before a server with sessions', ['mcp-obeys-body'], withToken((asked) => {
    if (asked.header('mcp-name').startsWith('doctor-')) return { status: 403 }
    return asked.header('mcp-protocol-version') === '2026-07-28'
      ? strict(asked)
      : { status: 400, body: { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Missing session' } } }
  })],
  ['a rule before a server of older revisions', ['mcp-revision'], withToken(({ header }) =>
    header('mcp-protocol-version') === '2026-07-28'
      ? { status: 400, body: { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Unsupported' } } }
      : { status: 403 })]
]

const made: readonly Mistake[] = ROWS.map(([mistake, found, change, args]) =>
  [mistake, found, async (t) => await start(t, change, args)])

const mcp = (url: string, env: Readonly<Record<string, string>> = {}): Visit => ({ env, args: ['--mcp', url] })

/** Before anything is said in HTTP. */
const CONNECTIONS: readonly Mistake[] = [
  ['a name that does not resolve', ['mcp-unreachable'], async () => mcp('https://mcp.nowhere.invalid/mcp')],
  ['a port where nothing listens', ['mcp-unreachable'], async () => mcp(`http://127.0.0.1:${await freePort()}/mcp`)],
  ['a server that cuts the connection', ['mcp-unreachable'], async (t) => {
    const { port } = await startUpstream(t, (socket) => { socket.destroy() })
    return mcp(`http://127.0.0.1:${port}/mcp`)
  }],
  ['http:// in a network', ['mcp-plain'], async (t) => {
    const { args = [] } = await start(t, () => undefined, [])
    return mcp(String(args[1]).replace('127.0.0.1', '0.0.0.0'))
  }],
  ['a certificate of an unknown authority', ['mcp-certificate'], async (t) => mcp((await startTls(t, 0)).url)],
  ['a certificate that has expired', ['mcp-certificate'], async (t) => {
    const { url, ca } = await startTls(t, -91)
    return mcp(url, { AUTHGEAR_CA_FILE: ca })
  }],
  ['a certificate for another name', ['mcp-certificate'], async (t) => {
    const { url, ca } = await startTls(t, 0)
    return mcp(url.replace('127.0.0.1', 'localhost'), { AUTHGEAR_CA_FILE: ca })
  }],
  ['https:// to a server without TLS', ['mcp-certificate'], async (t) => {
    const { args = [] } = await start(t, () => undefined, [])
    return mcp(String(args[1]).replace('http:', 'https:'))
  }]
]

async function startTls (t: Test, days: number): Promise<Readonly<{ url: string, ca: string }>> {
  const { tls, ca } = await certificate(t, days)
  return { url: `https://127.0.0.1:${await listenFree(t, createTlsServer(tls))}/mcp`, ca }
}

t.test('each wrong set-up is found, and nothing else', async (t) => {
  await checkMistakes(t, [...CONNECTIONS, ...made], Object.keys(FROM_OUTSIDE) as McpFindingId[])
})

const HEALTHY: ReadonlyArray<readonly [what: string, change: Answer, args?: readonly string[]]> = [
  ['all is right', () => undefined],
  ['nobody said which client', () => undefined, []],
  ['a client by URL', (asked) => asked.path === '/client.json'
    ? { headers: JSON_TYPE, body: { client_id: at(asked, '/client.json'), redirect_uris: ['http://localhost/callback'] } }
    : authorizing({ status: 302, headers: { location: '/login' } })(asked),
  ['--client-id', 'http://127.0.0.1:PORT/client.json']],
  ['a client that is registered', (asked) => asked.path === '/oauth2/register'
    ? { status: 201, body: { client_id: 'app' } }
    : server((asked) => ({ registration_endpoint: at(asked, '/oauth2/register') }))(asked), ['--register']],
  ['a login page instead of a redirect', authorizing({ body: '<form>' })],
  ['a route below the resource', onPath('/mcp/admin', (asked) => rightMcp(asked)),
    [...CLIENT, '--mcp', 'http://127.0.0.1:PORT/mcp/admin']],
  ['a charset beside the type', (asked) => asked.path.startsWith(WELL_KNOWN)
    ? { headers: { ...CORS, 'content-type': 'Application/JSON; charset=utf-8' }, body: resourceOf(asked) }
    : undefined],
  ['a server of an older revision without a rule', withToken(({ body }) => body.includes('tools/list')
    ? { body: { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'read' }] } } }
    : { body: unknownTool(JSON.parse(body) as Json) })],
  ['a server that rejects batches as no request', withToken((asked) => asked.body.startsWith('[')
    ? { body: { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no batch' } } }
    : undefined)],
  ['a server that rejects each call of a batch', withToken((asked) => asked.body.startsWith('[')
    ? { body: [1, 2].map((id) => ({ jsonrpc: '2.0', id, error: { code: -32020, message: 'no batch' } })) }
    : undefined)],
  ['a stream of events that begins with a notification', withToken((asked) => {
    const { status, body } = strict(asked)
    const notification = { jsonrpc: '2.0', method: 'notifications/message', params: {} }
    const events = [notification, body].map((message) => `data: ${JSON.stringify(message)}\n\n`)
    return status === 403 ? { status } : { body: events.join('') }
  })],
  ['a 401 with a message of JSON-RPC', toStranger((asked) => ({
    status: 401,
    headers: { ...CORS, 'www-authenticate': challengeOf(asked) },
    body: { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Unauthorized' } }
  }))],
  ['a client that is known, and no others', server(() => ({ client_id_metadata_document_supported: undefined }))],
  ['a login page with a word of its own', authorizing({ status: 302, headers: { location: '/login?error=none' } })],
  ['CORS as docs/mcp.md has it, by the origin', onMcp((asked) => {
    const headers = { 'access-control-allow-origin': 'http://localhost:6274', 'access-control-expose-headers': '*' }
    const said = rightMcp(asked)
    if (asked.request.method === 'POST') return { ...said, headers: { ...said.headers, ...headers } }
    return { status: 204, headers: { ...headers, 'access-control-allow-headers': 'Authorization, *' } }
  })],
  ['a server that speaks no such revision', withToken(() =>
    ({ status: 400, body: { jsonrpc: '2.0', id: 1, error: { code: -32022, message: 'unsupported' } } }))],
  ['a server that misses members of the body', withToken((asked) => asked.body.includes('_meta') ||
    asked.header('mcp-protocol-version') !== '2026-07-28'
    ? undefined
    : { status: 400, body: { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'clientInfo is missing' } } })]
]

t.test('a right set-up has no finding', async (t) => {
  for (const [what, change, args] of HEALTHY) {
    await t.test(what, async (t) => {
      const { code, text, findings } = await visit(await start(t, change, args))
      const expected = what === 'a route below the resource' ? ['warning mcp-resource-prefix'] : []
      t.strictSame(findings, expected, text)
      t.equal(code, 0)
      t.match(text, /^ok {7}a client without a token gets 401$/m)
    })
  }
})

t.test('the refused scope is named, and no other', async (t) => {
  const refuses = authorizing((asked) => {
    const scopes = scopesOf(asked)
    return scopes.includes('admin') || !scopes.includes('openid') ? sentBack('invalid_scope')(asked) : undefined
  })
  t.match((await visit(await start(t, refuses))).text, 'mcp-scope-closed: it refuses admin\n')
})

t.test('an empty AUTHGEAR_CA_FILE counts as unset, an unreadable one is an error', async (t) => {
  const { args = [], stdin = '' } = await start(t, () => undefined)
  t.match(await visit({ env: { AUTHGEAR_CA_FILE: '' }, args, stdin }), { code: 0, text: /^ok {7}a client without/ })
  for (const file of ['/no/such/file', import.meta.filename]) {
    const { code, text } = await visit({ env: { AUTHGEAR_CA_FILE: file }, args, stdin })
    t.equal(code, 1)
    t.match(text, /^error: AUTHGEAR_CA_FILE: names a file .+\n$/)
  }
})

t.test('without a token it says what was not checked', async (t) => {
  const { args = [] } = await start(t, () => undefined)
  const { text, code } = await visit({ env: {}, args: args.filter((arg) => arg !== '--token-stdin') })
  t.match(text, 'skipped  with a token, a list of tools arrives: a token is needed: --token-stdin')
  t.match(text, 'skipped  no call reaches a tool that its headers do not name: not checked without a token')
  t.equal(code, 0)
})
