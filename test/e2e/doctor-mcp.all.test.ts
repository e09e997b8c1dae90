import t, { type Test } from 'tap'
import type { At } from '../../src/base/parts/findings.ts'
import { askPage } from '../../src/commands/doctor/page.ts'
import { checkMcp } from '../../src/parts/tokens/mcp/check.ts'
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

const SETTINGS = {
  resources: [{ uri: RESOURCE, scopes: ['openid', 'use'], name: undefined, documentation: undefined }],
  maxAgeMs: 3_600_000,
  isAllowList: false
}

/** Requests for the host go to the proxy's port, as DNS and TLS in front of it would send them. */
async function look (port: number, token?: string): Promise<readonly string[]> {
  const post: At['post'] = async (address, { headers, body }) => {
    const page = await askPage(address.replace(`https://${HOST}`, `http://127.0.0.1:${port}`), {
      headers: { ...headers, host: HOST }, body
    })
    if ('code' in page) throw new Error(page.code)
    return { kind: 'answered', ...page }
  }
  const checked = await checkMcp(SETTINGS, { mcp: { url: RESOURCE, token }, post } as unknown as At)
  return checked.kind === 'looked' ? checked.findings.map(([id]) => id) : [checked.why]
}

for (const proxy of [caddy, traefik, nginx]) {
  t.test(`doctor --mcp behind ${proxy.snippet}`, { skip: skipOrFail(proxy.server, 'python-mcp') }, async (t) => {
    const { open } = await startWorld(t, proxy)
    const strict = await SERVERS['strict']?.(t)
    const plain = await open(strict?.port ?? 0)
    const token = await signIn(plain)

    t.test('finds nothing in a right set-up, and a token that Authgear did not issue', async (t) => {
      t.strictSame(await look(plain), [])
      t.strictSame(await look(plain, token), [])
      t.strictSame(await look(plain, 'x'), ['mcp-token'])
    })

    for (const [what, start] of Object.entries(SERVERS)) {
      t.test(`behind a rule by tool, a server ${what}`, async (t) => {
        const server = await start(t)
        const found = await look(await open(server.port, ['--policy', `${PATH}=tool=read`]), token)
        t.strictSame(found, what === 'of older revisions' ? ['mcp-revision'] : [])
        t.equal(await server.executed('read') + await server.executed('delete'), 0, 'nothing is executed')
      })
    }

    t.test('behind a scope for a tool, a strict server', async (t) => {
      const ruled = await open(strict?.port ?? 0, ['--policy', `${PATH}=tool_scope=delete:admin`])
      t.strictSame(await look(ruled, token), [])
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
    t.strictSame(await look(await open(strict.port, [], before(readSnippet('mcp.md', 'cors'))), token), [])
  })

  t.test('finds a rule by name alone before a lax server, and not before a strict one', async (t) => {
    const naive = async (app: number) => await look(await open(app, [], before(NAIVE)), token)
    t.strictSame(await naive(lax.port), ['mcp-obeys-body'])
    t.strictSame(await naive(strict.port), [])
    t.equal(await lax.executed('read') + await lax.executed('delete'), 0)
  })
})
