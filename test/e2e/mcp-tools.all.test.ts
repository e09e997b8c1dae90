import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import t, { type Test } from 'tap'
import { MCP_NOT_ALLOWED } from '../../src/base/core/mcp-call.ts'
import { freePort } from '../helpers/free-port.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { ask, HOST, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { H2C } from './h2c-edits.ts'
import type { Agent } from './mcp/agent.ts'
import { type Attack, ATTACKS, HONEST, WITH_PARAMETER } from './mcp/attacks.ts'
import { pythonAgent } from './mcp/python-agent.ts'
import { startPythonToolServer, startToolServer, type ToolServer } from './mcp/tool-servers.ts'
import { typescriptAgent } from './mcp/typescript-agent.ts'
import { inspector, RESOURCE, SDKS } from './mcp/world.ts'
import { startOneReplica, type OneReplica } from './one-replica.ts'
import { ALICE } from './people.ts'
import { ALL, caddy, EVERY_WAY } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import { startProxy } from './start-proxy.ts'

const RULE = ['--policy', '/tools=tool=read'] as const
/** What every client of the SDKs sends. */
const JSON_BODY: readonly HeaderLine[] = [
  ['Content-Type', 'application/json'], ['Accept', 'application/json, text/event-stream']
]
const MACHINE = ['python-mcp', ...ALL.map(({ server }) => server)] as const

/** What each server executes where nothing is in front of it: attacks that older revisions allow. */
const BY_THE_BODY = ['no header of a call', 'an older revision']
const BY_ANY_BODY = ['no header of a call', 'no revision', 'an older revision', 'an older revision over a call']
const EXECUTES: Readonly<Record<string, readonly string[]>> = {
  'TypeScript, strict': [],
  'TypeScript, default': BY_THE_BODY,
  'TypeScript, one transport a request': BY_ANY_BODY,
  'Python, strict': [],
  'Python, stateless': [...BY_ANY_BODY, 'two revisions']
}

t.test('rules by tool before real servers', { skip: skipOrFail(...MACHINE) }, async (t) => {
  const servers = await startServers(t)
  const replica = await startOneReplica(t, {}, { grpc: true })

  t.test('alone, a server in its default obeys the body of an older revision', async (t) => {
    for (const [name, server] of Object.entries(servers)) {
      const executed = await executedBy(server, async ([, headers, body]) => {
        await ask(server.port, {
          method: 'POST', path: '/tools', host: `127.0.0.1:${server.port}`, headers: [...JSON_BODY, ...headers], body
        })
      })
      t.strictSame(executed, EXECUTES[name], name)
    }
  })

  for (const proxy of EVERY_WAY) {
    t.test(`behind ${proxy.snippet}`, async (t) => {
      for (const [name, server] of Object.entries(servers)) {
        const port = await startBehind(t, proxy, replica, server)
        await refusesAttacks(t, name, server, port)
        if (!name.includes('transport') && !name.includes('stateless')) await servesClients(t, name, server, port)
      }
    })
  }

  t.test('a client of older revisions is refused on the route, and served on another', async (t) => {
    const server = servers['TypeScript, default']
    for (const proxy of ALL) {
      const port = await startBehind(t, proxy, replica, server)
      const agent = typescriptAgent({ origin: `https://${HOST}`, port, cookie: ALICE.cookie }, 'legacy')
      const refused = await agent.call('/tools', 'read')
      t.match(refused, { error: MCP_NOT_ALLOWED, seen: ['POST /tools 403'] }, proxy.snippet)
      t.match(await agent.call('/open', 'read'), { text: 'read', protocol: '2025-11-25' }, proxy.snippet)
    }
  })
})

t.test('tool_scope: clients get what one tool needs', { skip: skipOrFail('mcp-inspector', ...MACHINE) }, async (t) => {
  const authgear = await startSimulator(t, {
    registration: 'open', resources: [{ uri: RESOURCE, scopes: ['use', 'admin'] }]
  })
  const { service } = await startOneReplica(t, { RESOURCES: `${RESOURCE}#openid,use,admin` }, { authgear })
  const server = await startToolServer(t, 'reject')
  for (const proxy of ALL) {
    const port = await startProxy(t, { ...proxy, tls: false }, {
      app: server.port,
      forwardAuth: [service.port],
      options: [
        '--resource', `${RESOURCE}=/mcp`, '--scope', 'use', '--policy', '/mcp=tool_scope=delete:admin', '--no-login'
      ]
    })
    const agents = { ...SDKS, ...proxy === caddy && { inspector } }
    for (const [client, sdk] of Object.entries(agents)) {
      const [agent, what] = [sdk(t, port), `${client} behind ${proxy.snippet}`]
      t.match(await agent.call('/mcp', 'read'), { text: 'read' }, what)
      const { text, error, seen } = await agent.call('/mcp', 'delete')
      t.equal(text, 'delete', error ?? what)
      if (client !== 'inspector') t.ok(seen.includes('POST /mcp 403'), `${what} had to step up`)
    }
  }
})

type Name = 'TypeScript, strict' | 'TypeScript, default' | 'TypeScript, one transport a request' |
  'Python, strict' | 'Python, stateless'

async function startServers (t: Test): Promise<Readonly<Record<Name, ToolServer>>> {
  return {
    'TypeScript, strict': await startToolServer(t, 'reject'),
    'TypeScript, default': await startToolServer(t, 'stateless'),
    'TypeScript, one transport a request': await startToolServer(t, 'transport'),
    'Python, strict': await startPythonToolServer(t, await freePort(), 'strict'),
    'Python, stateless': await startPythonToolServer(t, await freePort(), 'stateless')
  }
}

async function startBehind (t: Test, proxy: Proxy, { service }: OneReplica, { port }: ToolServer): Promise<number> {
  return await startProxy(t, { ...proxy, tls: false, edits: H2C[proxy.server] ?? proxy.edits ?? {} }, {
    app: port,
    forwardAuth: [service.port],
    grpc: proxy.grpc === true ? service.grpcPort : undefined,
    options: RULE
  })
}

/** @returns the attacks after which `delete` was executed */
async function executedBy (server: ToolServer, send: (attack: Attack) => Promise<void>): Promise<readonly string[]> {
  const found: string[] = []
  for (const attack of ATTACKS) {
    const before = await server.executed('delete')
    await send(attack)
    if (await server.executed('delete') > before) found.push(attack[0])
  }
  return found
}

async function refusesAttacks (t: Test, name: string, server: ToolServer, port: number): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`)
  const ways: Readonly<Record<string, (attack: Attack) => Promise<void>>> = {
    'HTTP/1.1': async ([, headers, body]) => {
      await ask(port, { method: 'POST', path: '/tools', headers: asAlice(headers), body })
    },
    'HTTP/2': (attack) => overHttp2(session, attack)
  }
  for (const [way, send] of Object.entries(ways)) {
    const before = await server.executed('read')
    await send(HONEST)
    if (!name.includes('transport')) t.equal(await server.executed('read'), before + 1, `${name}: the tool over ${way}`)
    t.strictSame(await executedBy(server, send), [], `${name}: over ${way}`)
    if (name !== 'TypeScript, strict') continue
    await send(WITH_PARAMETER)
    t.equal(await server.executed('read'), before + 2, `${name}: the proxy passes a parameter on over ${way}`)
  }
  session.destroy()
  t.strictSame(await executedBy(server, (attack) => folded(port, attack)), [], `${name}: in folded lines`)
}

const asAlice = (headers: readonly HeaderLine[]): readonly HeaderLine[] =>
  [['Cookie', ALICE.cookie], ...JSON_BODY, ...headers]

async function overHttp2 (session: ClientHttp2Session, [, headers, body]: Attack): Promise<void> {
  if (headers.some(([name]) => name === 'Connection')) return // HTTP/2 has none
  const lines: Record<string, string[]> = {}
  for (const [name, value] of asAlice(headers)) (lines[name.toLowerCase()] ??= []).push(value)
  const stream = session.request({ ':method': 'POST', ':path': '/tools', ':authority': HOST, ...lines })
  stream.end(body)
  await once(stream.resume(), 'close')
}

async function folded (port: number, [, headers, body]: Attack): Promise<void> {
  const lines = [...asAlice([]), ['Content-Length', String(body.length)]].map((line) => line.join(': '))
  await sendRaw(port, [
    'POST /tools HTTP/1.1', `Host: ${HOST}`, 'Connection: close', ...lines,
    ...headers.map(([name, value]) => `${name}:\r\n ${value}`), '', body
  ].join('\r\n'))
}

/** Each SDK's client of the current revision: its tool is executed, another one never reaches the server. */
async function servesClients (t: Test, name: string, server: ToolServer, port: number): Promise<void> {
  const given = { origin: `https://${HOST}`, port, cookie: ALICE.cookie }
  const agents: Readonly<Record<string, Agent>> = { TypeScript: typescriptAgent(given), Python: pythonAgent(t, given) }
  for (const [client, agent] of Object.entries(agents)) {
    const what = `${name}, asked by ${client}`
    t.match(await agent.call('/tools', 'read'), { text: 'read', protocol: '2026-07-28' }, what)
    const before = await server.executed('delete')
    const refused = await agent.call('/tools', 'delete')
    t.match(refused.error, MCP_NOT_ALLOWED, `${what}: a person reads why`)
    t.equal(refused.seen.at(-1), 'POST /tools 403', what)
    t.equal(await server.executed('delete'), before, what)
  }
}
