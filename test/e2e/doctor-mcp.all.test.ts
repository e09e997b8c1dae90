import t, { type Test } from 'tap'
import { createAsk } from '../../src/commands/doctor/mcp/ask.ts'
import { examineMcp } from '../../src/commands/doctor/mcp/examine.ts'
import type { Given } from '../../src/commands/doctor/mcp/step.ts'
import { freePort } from '../helpers/free-port.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { CALLBACK } from './mcp/agent.ts'
import { startPythonToolServer, startToolServer, type ToolServer } from './mcp/tool-servers.ts'
import { typescriptAgent } from './mcp/typescript-agent.ts'
import { caddy, nginx, traefik } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import { readSnippet, swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const PATH = '/tools'
const RESOURCE = `https://${HOST}${PATH}`
const DOCUMENT = 'https://agents.example.com/client.json'
const CLIENT = { id: DOCUMENT, redirectUri: CALLBACK }
const OPTIONS = ['--resource', `${RESOURCE}=${PATH}`, '--scope', 'use']

const SERVERS: Readonly<Record<string, (t: Test) => Promise<ToolServer>>> = {
  strict: async (t) => await startToolServer(t, 'reject'),
  'of every revision': async (t) => await startToolServer(t, 'stateless'),
  'of older revisions': async (t) => await startToolServer(t, 'transport'),
  'strict in Python': async (t) => await startPythonToolServer(t, await freePort(), 'strict'),
  'of every revision in Python': async (t) => await startPythonToolServer(t, await freePort(), 'stateless')
}

/** An Authgear with the resource, this service, and what opens a proxy before them and a server. */
async function startWorld (t: Test, proxy: Proxy) {
  const authgear = await startSimulator(t, {
    registration: 'open',
    clientDocuments: { [DOCUMENT]: { client_id: DOCUMENT, redirect_uris: [CALLBACK] } },
    resources: [{ uri: RESOURCE, scopes: ['use'] }]
  })
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    RESOURCES: `${RESOURCE}#openid,use`,
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  })
  const open = async (app: number, more: readonly string[] = [], edits = proxy.edits): Promise<number> =>
    await startProxy(t, { ...proxy, ...edits && { edits } }, {
      forwardAuth: [service.port], caFile: tls?.caFile, app, options: [...OPTIONS, ...more]
    })
  return { open }
}

/** A person's token for the resource. */
async function signIn (port: number): Promise<string> {
  const agent = typescriptAgent({ origin: `https://${HOST}`, port, document: DOCUMENT })
  return (await agent.call(PATH, 'read')).token
}

/** Requests for the host go to the proxy's port, as DNS and TLS in front of it would send them. */
async function look (port: number, given: Partial<Given>): Promise<Readonly<{ ids: readonly string[], said: string }>> {
  const ask = createAsk(undefined)
  const { results } = await examineMcp({
    url: RESOURCE,
    token: undefined,
    client: CLIENT,
    registers: false,
    ask: async (address, asking = {}) => address.startsWith(`https://${HOST}/`)
      ? await ask(address.replace(`https://${HOST}`, `http://127.0.0.1:${port}`), {
        ...asking, headers: { ...asking.headers, host: HOST }
      })
      : await ask(address, asking),
    ...given
  }, () => {})
  const looked = results.flatMap(({ outcome }) => outcome.kind === 'looked' ? [outcome] : [])
  return {
    ids: looked.flatMap(({ findings }) => findings.map(({ id }) => id)),
    said: JSON.stringify(results, undefined, 1)
  }
}

for (const proxy of [caddy, traefik, nginx]) {
  t.test(`doctor --mcp behind ${proxy.snippet}`, { skip: skipOrFail(proxy.server, 'python-mcp') }, async (t) => {
    const { open } = await startWorld(t, proxy)
    const strict = await SERVERS['strict']?.(t)
    const plain = await open(strict?.port ?? 0)
    const token = await signIn(plain)

    t.test('finds nothing in a right set-up but CORS, which nobody set up', async (t) => {
      for (const given of [{}, { token }, { client: undefined }, { client: undefined, registers: true }]) {
        const { ids, said } = await look(plain, given)
        t.strictSame(ids, ['mcp-cors'], said)
      }
    })

    for (const [what, start] of Object.entries(SERVERS)) {
      t.test(`behind a rule by tool, a server ${what}`, async (t) => {
        const server = await start(t)
        const { ids, said } = await look(await open(server.port, ['--policy', `${PATH}=tool=read`]), { token })
        t.strictSame(ids, what === 'of older revisions' ? ['mcp-cors', 'mcp-revision'] : ['mcp-cors'], said)
        t.equal(await server.executed('read') + await server.executed('delete'), 0, 'nothing is executed')
      })
    }

    t.test('behind a scope for a tool, a strict server', async (t) => {
      const ruled = await open(strict?.port ?? 0, ['--policy', `${PATH}=tool_scope=delete:admin`])
      const { ids, said } = await look(ruled, { token })
      t.strictSame(ids, ['mcp-cors'], said)
    })

    t.test('says without a rule whether the server goes by the body', async (t) => {
      t.notMatch((await look(plain, { token })).said, 'goes by the body')
      const lax = await open((await startToolServer(t, 'stateless')).port)
      t.match((await look(lax, { token })).said, 'No rule by tool is on this route')
    })

    t.test('finds a client that Authgear does not know, and a token that it did not issue', async (t) => {
      const client = { id: 'https://agents.example.com/other.json', redirectUri: CALLBACK }
      t.strictSame((await look(plain, { client })).ids, ['mcp-client', 'mcp-cors'])
      t.strictSame((await look(plain, { token: 'x' })).ids, ['mcp-cors', 'mcp-token'])
    })
  })
}

const ROUTES = '\t\t# routes and their policies: docs/policies.md\n'
/** A rule as people write it without this service: by the name alone. */
const NAIVE = '\t\t@refused header_regexp Mcp-Name ^(delete|doctor-.*)$\n\t\trespond @refused 403\n'

t.test('doctor --mcp behind Caddy, changed by hand', { skip: skipOrFail('caddy') }, async (t) => {
  const { open } = await startWorld(t, caddy)
  const before = (lines: string) => ({ Caddyfile: (written: string) => swap(written, ROUTES, `${lines}${ROUTES}`) })
  const [strict, lax] = [await startToolServer(t, 'reject'), await startToolServer(t, 'stateless')]
  const plain = await open(strict.port)
  const token = await signIn(plain)

  t.test('finds no fault with the block for browsers of docs/mcp.md', async (t) => {
    const { ids, said } = await look(await open(strict.port, [], before(readSnippet('mcp.md', 'cors'))), { token })
    t.strictSame(ids, [], said)
  })

  t.test('finds a rule by name alone before a lax server, and not before a strict one', async (t) => {
    const naive = async (app: number) => (await look(await open(app, [], before(NAIVE)), { token })).ids
    t.strictSame(await naive(lax.port), ['mcp-cors', 'mcp-obeys-body'])
    t.strictSame(await naive(strict.port), ['mcp-cors'])
    t.equal(await lax.executed('read') + await lax.executed('delete'), 0)
  })
})
