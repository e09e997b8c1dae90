import { createServer } from 'node:http'
import { build } from 'esbuild'
import t, { type Test } from 'tap'
import { openPage } from '../helpers/browser-page.ts'
import { launchChromium, skipOrFailWithoutChromium } from '../helpers/chromium.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { block, RESOURCE, SDKS, startWorld } from './mcp/world.ts'
import { caddy, traefik } from './proxies.ts'
import type { Proxy } from './proxy.ts'
import { readSnippet, swap } from './snippets.ts'

const ROUTES = '\t\t# routes and their policies: docs/policies.md\n'
/** The block of the page, and its values in the recipe of another proxy. */
const WITH_CORS: readonly Proxy[] = [
  { ...caddy, edits: { Caddyfile: (written) => swap(written, ROUTES, `${block('cors')}${ROUTES}`) } },
  { ...traefik, edits: { 'dynamic.yml': withCors } }
]
const VALUES = [
  ['OriginList: [https://www.example.com]', 'OriginList: ["*"]'],
  ['AllowHeaders: [Authorization, Content-Type]', 'AllowHeaders: [Authorization, "*"]'],
  ['ExposeHeaders: [WWW-Authenticate, Retry-After, X-Request-ID]', 'ExposeHeaders: [WWW-Authenticate, Mcp-Session-Id]'],
  ['AllowCredentials: true', 'AllowCredentials: false']
] as const

function withCors (written: string): string {
  const ofPage = readSnippet('proxies/traefik.md', 'traefik: cors')
  const recipe = VALUES.reduce((text, [from, to]) => swap(text, from, to), ofPage)
  return swap(written, '  middlewares:\n', `  middlewares:\n${recipe}`).replaceAll('middlewares: [', 'middlewares: [cors, ')
}

const URL_OF = `http://${HOST}`
/** A web page with the SDK's client in it. */
const SCRIPT = `
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
window.challenge = async (url) => {
  const { status, headers } = await fetch(url, { method: 'POST', headers: { 'Mcp-Param-Region': 'eu' } })
  return [status, headers.get('www-authenticate')]
}
window.metadata = async (url) => await (await fetch(url)).json()
window.call = async (url, token, name) => {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: async () => token } })
  const client = new Client({ name: 'page', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(transport)
  const { content } = await client.callTool({ name, arguments: {} })
  return content[0].text
}`

t.test('a client in a web page of another origin', {
  skip: skipOrFail('caddy', 'traefik', 'redis-server', 'python-mcp') || skipOrFailWithoutChromium()
}, async (t) => {
  const page = await startPage(t)
  for (const proxy of WITH_CORS) {
    await t.test(`reads the challenge and calls a tool with the page’s values in ${proxy.snippet}`, async (t) => {
      const { port } = await startWorld(t, proxy)
      const { token, client } = await SDKS.TypeScript(t, port).call('/mcp', 'read')
      const ask = await open(t, page, port)
      const [status, challenge] = await ask('challenge', `${URL_OF}/mcp`) as [number, string]
      t.equal(status, 401)
      const [, metadata = ''] = /resource_metadata="https?:\/\/[^/]+([^"]+)"/.exec(challenge) ?? []
      t.match(await ask('metadata', `${URL_OF}${metadata}`), { resource: RESOURCE })
      t.match(await ask('call', `${URL_OF}/mcp`, token, 'read'), client)
    })
  }

  await t.test('sees a network error without it', async (t) => {
    const { port } = await startWorld(t, caddy)
    const { token } = await SDKS.TypeScript(t, port).call('/mcp', 'read')
    const ask = await open(t, page, port)
    await t.rejects(ask('challenge', `${URL_OF}/mcp`), /Failed to fetch/)
    await t.rejects(ask('call', `${URL_OF}/mcp`, token, 'read'), /Failed to fetch/)
  })
})

/** @returns its address */
async function startPage (t: Test): Promise<string> {
  const { outputFiles: [script] } = await build({
    stdin: { contents: SCRIPT, resolveDir: import.meta.dirname }, bundle: true, write: false, platform: 'browser'
  })
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(`<!doctype html><script type=module>${script?.text}</script>`)
  })
  return `http://127.0.0.1:${await listenFree(t, server)}/`
}

type Ask = (what: 'challenge' | 'metadata' | 'call', ...args: readonly string[]) => Promise<unknown>

/** In a browser for which the proxy's port is the host's. */
async function open (t: Test, address: string, port: number): Promise<Ask> {
  const browser = await launchChromium([`--host-resolver-rules=MAP ${HOST}:80 127.0.0.1:${port}`])
  t.teardown(() => browser.close())
  const { page } = await openPage(t, browser)
  await page.goto(address)
  return async (what, ...args) => await page.evaluate(`window.${what}(...${JSON.stringify(args)})`)
}
