import t from 'tap'
import type { Asked, At, Posted } from '../../../../src/base/parts/findings.ts'
import { checkMcp } from '../../../../src/parts/tokens/mcp/check.ts'
import { type McpFindingId, OF_MCP } from '../../../../src/parts/tokens/mcp/findings.ts'

const URL_OF = 'https://mcp.example.com/mcp'
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
const TOKEN = 'a-good-token'
const CHALLENGE = `Bearer resource_metadata="${METADATA}", scope="openid use"`

/** Proxy, service and MCP server in one, each right unless a row changes it. */
type Called = Readonly<{ header: (name: string) => string, body: string }>
type Said = Readonly<{ status?: number, body?: unknown, challenges?: readonly string[] }>
type Answer = (called: Called) => Said | undefined
type Json = Readonly<Record<string, unknown>>
type Row = readonly [what: string, found: ReadonlyArray<McpFindingId | 'app-certificate' | 'app-unreachable'>, Answer]

const message = (code: number, text = ''): Json => ({ jsonrpc: '2.0', id: 1, error: { code, message: text } })
const list = { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'read' }] } }
/** What this service says for a call that a rule refuses. */
const REFUSED = { jsonrpc: '2.0', id: null, error: { code: -32003, message: 'no', data: { reason: 'forbidden' } } }

/** The MCP server, which compares headers and body, behind the rule `tool=read`. */
const strict = ({ body, header }: Called): Said => {
  const isRefused = header('mcp-protocol-version') !== '2026-07-28' || !['', 'read'].includes(header('mcp-name'))
  if (isRefused) return { status: 403, body: REFUSED }
  const { method } = JSON.parse(body) as { method?: string }
  const isList = method === header('mcp-method') && method === 'tools/list'
  return isList ? { body: list } : { status: 400, body: message(-32020) }
}

const right = (called: Called): Said => {
  const authorization = called.header('authorization')
  if (authorization === `Bearer ${TOKEN}`) return strict(called)
  return { status: 401, challenges: [authorization === '' ? CHALLENGE : `${CHALLENGE}, error="invalid_token"`] }
}

const postTo = (answer: Answer, seen?: (address: string, authorization: string) => void): At['post'] =>
  async (address, { headers, body }: Posted) => {
    const called = { header: (name: string) => String(headers[name] ?? ''), body: JSON.stringify(body) }
    seen?.(address, called.header('authorization'))
    const said = answer(called) ?? right(called)
    const text = typeof said.body === 'string' ? said.body : JSON.stringify(said.body ?? '')
    return { kind: 'answered', status: said.status ?? 200, body: text, challenges: said.challenges ?? [] }
  }

const check = async (post: At['post'], url = URL_OF, token: string | undefined = TOKEN) => await checkMcp(
  {
    resources: [{ uri: URL_OF, scopes: ['openid', 'use'], name: undefined, documentation: undefined }],
    maxAgeMs: 1,
    isAllowList: false
  },
  { mcp: { url, token }, post } as unknown as At
)

const toStranger = (said: Said): Answer => ({ header }) => header('authorization') === '' ? said : undefined
const challenged = (...challenges: readonly string[]): Answer => toStranger({ status: 401, challenges })
const withToken = (said: Answer): Answer => (called) =>
  called.header('authorization').endsWith(TOKEN) ? said(called) : undefined
const toTool = (said: Answer): Answer =>
  withToken((called) => called.body.includes('doctor-') ? said(called) : undefined)

const unknownTool = (text: string): Json => {
  const { params } = [JSON.parse(text)].flat()[0] as { params: { name: string } }
  return message(-32602, `Tool ${params.name} not found`)
}
/** A server of an older revision behind the rule: it looks for the tool of the body. */
const obeying = (form: (body: string) => Said): Answer => withToken((called) => {
  const said = strict(called)
  return said.status === 400 ? form(called.body) : said
})
const isCurrent = ({ header }: Called): boolean => header('mcp-protocol-version') === '2026-07-28'

const ROWS: readonly Row[] = [
  ['a server without any protection', ['mcp-open'], () => ({ body: list })],
  ['one that dislikes our request, and nothing else', ['mcp-open'], () => ({ status: 400, body: message(-32600) })],
  ['one that answers by a stream of events', ['mcp-open'],
    () => ({ status: 406, body: `event: message\ndata: ${JSON.stringify(message(-32000))}\n\n` })],
  ['a proxy that redirects', ['mcp-redirect'], () => ({ status: 302 })],
  ['a path that nobody has', ['mcp-path'], () => ({ status: 404 })],
  ['a route for GET alone', ['mcp-path'], () => ({ status: 405 })],
  ['a policy that cannot be read, or a firewall', ['mcp-forbidden'], () => ({ status: 403 })],
  ['a proxy that does not reach the service', ['mcp-fails'], () => ({ status: 502 })],
  ['a 401 whose challenge the proxy drops', ['mcp-challenge'], challenged()],
  ['/verify instead of /resource', ['mcp-challenge'], challenged('Bearer realm="https://auth.example.com"')],
  ["the app's own challenge beside ours", ['mcp-challenge-doubled'], challenged('Bearer realm="app"', CHALLENGE)],
  ['two addresses in one challenge', ['mcp-challenge-doubled'],
    challenged(`${CHALLENGE}, resource_metadata="https://b.example/"`)],
  ['metadata of another resource', ['mcp-challenge-address'], challenged('Bearer resource_metadata="https://b.example/"')],
  ['a proxy that drops Authorization', ['mcp-authorization-lost', 'mcp-token'],
    () => ({ status: 401, challenges: [CHALLENGE] })],
  ['a server that accepts any token', ['mcp-open'],
    (called) => called.header('authorization') === '' ? undefined : strict(called)],
  ['a forged token that makes the service fail', ['mcp-fails'],
    ({ header }) => header('authorization').includes('not-a-token') ? { status: 500 } : undefined],
  ['a token without the scope', ['mcp-token'],
    withToken(() => ({ status: 403, challenges: ['Bearer error="insufficient_scope"'] }))],
  ['a proxy that drops Mcp-Method before the service', ['mcp-headers-lost'], withToken(() => ({ status: 403 }))],
  ['a proxy that drops Mcp-Method before the server', ['mcp-headers-lost'],
    withToken(() => ({ status: 400, body: message(-32020) }))],
  ['a proxy that drops Mcp-Name before the server', ['mcp-headers-lost'],
    toTool(() => ({ status: 400, body: message(-32020) }))],
  ['a server that does not answer a list of tools', ['mcp-fails'], withToken(() => ({ status: 502 }))],
  ['a server with another path, or another allowed host', ['mcp-path'], withToken(() => ({ status: 421 }))],
  ['a server that says of the body that there is no such tool', ['mcp-obeys-body'],
    obeying((body) => ({ status: 400, body: unknownTool(body) }))],
  ['a server that runs the body, and says that it failed', ['mcp-obeys-body'],
    obeying(() => ({ body: { jsonrpc: '2.0', id: 1, result: { isError: true } } }))],
  ['a server that fails while it looks for the tool', ['mcp-obeys-body'], obeying(() => ({ body: message(-32603) }))],
  ['a server that obeys by a stream of events', ['mcp-obeys-body'],
    obeying((body) => ({ body: `event: message\ndata: ${JSON.stringify(unknownTool(body))}\n\n` }))],
  ['a server that runs batches alone', ['mcp-obeys-body'],
    withToken(({ body }) => body.startsWith('[') ? { body: [unknownTool(body)] } : undefined)],
  ['a server that runs the second call of a batch', ['mcp-obeys-body'], withToken(({ body }) => body.startsWith('[')
    ? { body: [message(-32020), { jsonrpc: '2.0', id: 2, result: {} }] }
    : undefined)],
  ['a rule that goes by the name alone, before a server of every revision', ['mcp-obeys-body'], withToken((called) => {
    if (called.header('mcp-name').startsWith('doctor-')) return { status: 403 }
    return isCurrent(called) ? strict(called) : { body: unknownTool(called.body) }
  })],
  ['the same before a server that obeys the revision 2025-11-25 alone', ['mcp-obeys-body'], withToken((called) =>
    called.header('mcp-protocol-version') === '2025-11-25' ? { body: unknownTool(called.body) } : strict(called))],
  ['the same before a server with sessions', ['mcp-obeys-body'], withToken((called) => {
    if (called.header('mcp-name').startsWith('doctor-')) return { status: 403 }
    return isCurrent(called) ? strict(called) : { status: 400, body: message(-32600, 'Missing session') }
  })],
  ['a rule before a server of older revisions', ['mcp-revision'], withToken((called) =>
    isCurrent(called) ? { status: 400, body: message(-32000, 'Unsupported') } : { status: 403 })]
]

t.test('each mistake is found, and nothing else', async (t) => {
  const made: string[] = ['mcp-resource']
  for (const [what, ids, answer] of ROWS) {
    const checked = await check(postTo(answer))
    t.strictSame(checked.kind === 'looked' && checked.findings.map(([id]) => id), ids, what)
    made.push(...ids)
  }
  t.strictSame([...new Set(made)].sort(), OF_MCP.map(({ id }) => id).sort(), 'every finding is made')
})

t.test('a server that cannot be reached, or whose certificate is not trusted', async (t) => {
  for (const [kind, id] of [['unbelieved', 'app-certificate'], ['unreachable', 'app-unreachable']] as const) {
    const reply: Asked = { kind, what: 'so', code: 'X' }
    t.strictSame(await check(async () => reply), { kind: 'looked', findings: [[id, 'so']] })
  }
})

const HEALTHY: ReadonlyArray<readonly [what: string, answer: Answer]> = [
  ['all is right', () => undefined],
  ['a route that allows Basic, too', challenged('Basic realm="x", charset="UTF-8"', CHALLENGE)],
  ['a server of an older revision without a rule', withToken(({ body }) => body.includes('tools/list')
    ? { body: list }
    : { body: unknownTool(body) })],
  ['a server that rejects batches as no request',
    withToken(({ body }) => body.startsWith('[') ? { body: message(-32600) } : undefined)],
  ['a stream of events that begins with a notification', withToken((called) => {
    const { status, body } = strict(called)
    const events = [{ jsonrpc: '2.0', method: 'notifications/message', params: {} }, body]
    return status === 403 ? { status } : { body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') }
  })],
  ['a 401 with a message of JSON-RPC', toStranger({ status: 401, challenges: [CHALLENGE], body: message(-32001) })],
  ['a server that speaks no such revision', withToken(() => ({ status: 400, body: message(-32022) }))]
]

t.test('a right set-up has no finding', async (t) => {
  for (const [what, answer] of HEALTHY) {
    t.strictSame(await check(postTo(answer)), { kind: 'looked', findings: [] }, what)
  }
})

t.test('only a server of this deployment is asked', async (t) => {
  for (const url of [
    'https://other.example.com/mcp', 'https://mcp.example.com/mcpx', 'https://mcp.example.com/', `${URL_OF}/`
  ]) {
    const checked = await check(async () => { throw new Error('asked') }, url)
    t.match(checked, { findings: [['mcp-resource', `RESOURCES lists neither ${url} nor a part of it`]] }, url)
  }
  t.strictSame(await check(postTo(() => undefined), `${URL_OF}/admin`), { kind: 'looked', findings: [] }, 'a route below')
})

t.test('the token goes to that URL alone, and what is no token is not sent', async (t) => {
  const seen: string[] = []
  const post = postTo(withToken(() => ({ status: 307, body: TOKEN })), (...line) => seen.push(line.join(' ')))
  const checked = await check(post)
  t.ok(seen.includes(`${URL_OF} Bearer ${TOKEN}`) && seen.every((line) => line.startsWith(`${URL_OF} `)))
  t.notMatch(JSON.stringify(checked), TOKEN)
  for (const token of ['', 'a b', 'a\r\nX-Injected: 1', 'ü']) {
    const checked = await check(postTo(() => undefined), URL_OF, token)
    t.match(checked, { findings: [['mcp-token', 'what was pasted is not a token']] })
  }
})
