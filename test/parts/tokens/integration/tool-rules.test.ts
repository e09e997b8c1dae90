import t, { type Test } from 'tap'
import { grpcClient, linesOf } from '../../../helpers/grpc.ts'
import { type InProcess, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { machineClaims, personClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'

const RULE = 'tool=search,read'
const TO_RESOURCE = `resource=${encodeURIComponent(RESOURCE)}`
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]

/** The headers of a call, as SDKs send them. */
const calling = (name: string, method = 'tools/call'): readonly HeaderLine[] =>
  [['MCP-Protocol-Version', '2026-07-28'], ['Mcp-Method', method], ['Mcp-Name', name]]

async function start (t: Test) {
  const [issuer, authgear] = await Promise.all([startIssuer(t), startSimulator(t)])
  const clock = manualClock()
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url,
    AUTHGEAR_RESOLVER_URL: `${authgear.url}/resolve`,
    RESOURCES: RESOURCE,
    LISTEN_GRPC: '127.0.0.1:0',
    clock
  })
  clock.advance(60_000)
  return {
    replica,
    session: bearer(demo.alice.accessToken),
    machine: (claims = {}) => bearer(signed(machineClaims(issuer.url, clock.wall(), claims))),
    agent: () => bearer(signed(personClaims(issuer.url, clock.wall(), demo.alice.id)))
  }
}

type Edge = (replica: InProcess, headers: readonly HeaderLine[], method?: string) => Promise<string>

const over = (path: string, more: readonly HeaderLine[] = []): Edge => async ({ port }, headers, method = 'POST') => {
  const { status, headers: said } = await ask(port, { path, method, headers: [...headers, ...more] })
  return `${status} ${String(said['x-forward-auth-reason'])}`
}

const OF_SESSIONS: Readonly<Record<string, Edge>> = {
  '/verify': over(`/verify?${RULE}`),
  'a policy header': over('/ext-authz/mcp', [['X-Forward-Auth-Policy', RULE]]),
  'the prefix': over(`/ext-authz/~${RULE}/mcp`),
  'resource or session': over(`/resource-or-session?${TO_RESOURCE}&${RULE}&tool_scope=read:admin`),
  gRPC: async ({ grpcPort }, headers, method = 'POST') => {
    const sent = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))
    const { ok_response: ok, denied_response: denied } = await grpcClient(t, grpcPort).check({
      context_extensions: { policy: RULE },
      request: { http: { method, host: 'app.example.com', path: '/mcp', headers: sent } }
    })
    if (ok !== undefined) return '200 allowed'
    return `${denied?.status.code} ${linesOf(denied?.headers ?? [])['x-forward-auth-reason']}`
  }
}

t.test('a refused call says why in the form that MCP clients show, on each endpoint', async (t) => {
  const { replica: { port }, session, machine } = await start(t)
  const rule = `${TO_RESOURCE}&${RULE}`
  for (const [path, who] of [
    [`/verify?${RULE}`, session], [`/ext-authz/~${RULE}/mcp`, session], [`/resource?${rule}`, machine()],
    [`/resource-or-session?${rule}`, machine()], [`/resource-or-session?${rule}`, session]
  ] as const) {
    const { status, body } = await ask(port, { path, method: 'POST', headers: [who, ...calling('delete')] })
    t.equal(status, 403, path)
    t.match(JSON.parse(body), { jsonrpc: '2.0', error: { code: -32003, data: { reason: 'forbidden' } } }, path)
  }
})

t.test('a session calls the tools of its route on each edge, and no others', async (t) => {
  const { replica, session } = await start(t)
  for (const [edge, asked] of Object.entries(OF_SESSIONS)) {
    for (const [headers, method, wanted] of [
      [calling('read'), 'POST', '200 allowed'],
      [calling('', 'tools/list'), 'POST', '200 allowed'],
      [calling('delete'), 'POST', '403 forbidden'],
      [calling('read'), 'GET', '403 forbidden'],
      [calling('read'), 'DELETE', '403 forbidden'],
      [calling('read').slice(1), 'POST', '403 forbidden'],
      [[], 'POST', '403 forbidden']
    ] as const) {
      t.equal(await asked(replica, [session, ...headers], method), wanted, `${edge}: ${method} ${headers.join()}`)
    }
    t.equal(await asked(replica, calling('delete')), '401 no_credentials', `${edge}: nobody learns of the rule`)
  }
})

t.test('an agent and a machine are refused without a challenge', async (t) => {
  const { replica: { port }, agent, machine } = await start(t)
  for (const token of [agent(), machine()]) {
    const asked = (name: string) => ask(port, {
      path: `/resource?${TO_RESOURCE}&${RULE}`, method: 'POST', headers: [token, ...calling(name)]
    })
    t.match(await asked('read'), { status: 200 })
    const refused = await asked('delete')
    t.match(refused, { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } })
    t.equal(refused.headers['www-authenticate'], undefined)
  }
})

t.test('a tool may need a scope, which is asked for by name', async (t) => {
  const { replica: { port }, machine } = await start(t)
  const asked = (name: string, scope = '') => ask(port, {
    path: `/resource?${TO_RESOURCE}&tool_scope=delete:admin`,
    method: 'POST',
    headers: [machine({ scope }), ...calling(name)]
  })
  t.match(await asked('read'), { status: 200 })
  t.match(await asked('delete', 'admin'), { status: 200 })
  const refused = await asked('delete', 'other')
  t.match(refused, { status: 403, headers: { 'x-forward-auth-reason': 'insufficient_scope' } })
  t.match(refused.headers['www-authenticate'], /error="insufficient_scope".*scope="[^"]*\badmin\b/)
})

t.test('a scope for a tool belongs on the endpoints for resource tokens', async (t) => {
  const { replica, session } = await start(t)
  for (const name of ['read', 'other']) {
    t.equal(await over('/verify?tool_scope=read:admin')(replica, [session, ...calling(name)]), '403 forbidden', name)
  }
})
