import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import t from 'tap'
import { fetchThrough, mcpPerson, type McpPerson, startMcpServer } from '../helpers/mcp.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { caddy, traefik } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

const RESOURCE = `https://${HOST}/mcp`
const OPTIONS = [
  '--resource', `${RESOURCE}=/mcp`, '--scope', 'use', '--resource', `${RESOURCE}=/mcp/admin`, '--scope', 'admin'
]

for (const proxy of [traefik, caddy]) {
  t.test(`an MCP client behind ${proxy.snippet}`, { skip: skipOrFail(proxy.server) }, async (t) => {
    const authgear = await startSimulator(t, {
      registration: 'open', resources: [{ uri: RESOURCE, scopes: ['use', 'admin'] }]
    })
    const mcp = await startMcpServer(t)
    const tls = proxy.tls ? makeOwnCert(t) : undefined
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: authgear.url,
      RESOURCES: `${RESOURCE}#openid,use,admin`,
      MANAGEMENT_TOKEN: 'a management token of the tests',
      ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
    })
    const behind = { app: mcp, forwardAuth: [service.port], caFile: tls?.caFile, options: OPTIONS }
    const port = await startProxy(t, proxy, behind)
    const seen: string[] = []
    const person = mcpPerson('alice')
    const open = (path: string): StreamableHTTPClientTransport =>
      new StreamableHTTPClientTransport(new URL(`https://${HOST}${path}`), {
        authProvider: person, fetch: fetchThrough(HOST, port, seen)
      })

    t.test('finds its way alone, and calls a tool as its person', async (t) => {
      const text = await callTool(open, '/mcp', person)
      t.match(text, `user-id=${demo.alice.id} client-id=dynamic-`)
      t.match(text, 'scope=openid use')
      t.strictSame(person.asked, ['openid use'], 'it asked for what the first answer named')
      t.ok(seen.includes('GET /.well-known/oauth-protected-resource/mcp'), 'it read the metadata')
    })

    t.test('is told which scope it lacks, and steps up', async (t) => {
      const text = await callTool(open, '/mcp/admin', person)
      t.match(text, /scope=openid use admin/)
      t.strictSame(person.asked, ['openid use', 'openid use admin'])
    })

    t.test('is refused once its person is purged', async (t) => {
      const token = (await person.tokens())?.access_token ?? ''
      const statusOf = async (): Promise<number> => {
        const headers = [
          ['Authorization', `Bearer ${token}`],
          ['Accept', 'application/json, text/event-stream']
        ] as const
        return (await ask(port, { path: '/mcp', method: 'POST', headers })).status
      }
      t.not(await statusOf(), 401)
      const purge = await fetch(`${service.managementUrl}/revocations`, {
        method: 'POST',
        headers: { authorization: 'Bearer a management token of the tests', 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: demo.alice.id })
      })
      t.equal(purge.status, 200)
      t.equal(await statusOf(), 401)
    })
  })
}

/** Connects, signs in where that is asked for, and calls the tool. */
async function callTool (
  open: (path: string) => StreamableHTTPClientTransport,
  path: string,
  person: McpPerson
): Promise<string> {
  let result = ''
  await until('the tool was called', async () => {
    const [client, transport] = [new Client({ name: 'agent', version: '1.0.0' }), open(path)]
    try {
      await client.connect(transport as Parameters<typeof client.connect>[0])
      result = JSON.stringify(await client.callTool({ name: 'who', arguments: {} }))
      return true
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await transport.finishAuth(person.code())
      return false
    } finally {
      await client.close()
    }
  })
  return result
}
