import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Test } from 'tap'
import { Agent, fetch as fetchFrom } from 'undici'
import { listenFree } from './listen-free.ts'

/** A real MCP server over streamable HTTP: one tool, which says who forward-auth says is calling. */
export async function startMcpServer (t: Test): Promise<number> {
  const server = createServer((request, response) => { answer(request, response).catch(() => response.destroy()) })
  return await listenFree(t, server)
}

/** Without sessions: each request has a server of its own. */
async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { headers } = request
  const mcp = new McpServer({ name: 'orders', version: '1.0.0' })
  const text = ['user-id', 'client-id', 'scope'].map((name) => `${name}=${headers[`x-authgear-${name}`]}`).join(' ')
  mcp.registerTool('who', { description: 'who is calling' }, async () => ({ content: [{ type: 'text', text }] }))
  const transport = new StreamableHTTPServerTransport()
  response.on('close', () => { transport.close().catch(() => {}) })
  await mcp.connect(transport as Parameters<typeof mcp.connect>[0])
  await transport.handleRequest(request, response)
}

/** Requests for the host go to the proxy's port, as DNS and TLS in front of it would send them. */
export function fetchThrough (host: string, port: number, seen: string[]): FetchLike {
  const dispatcher = new Agent({
    connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) }
  })
  return async (input, init) => {
    const url = new URL(input)
    seen.push(`${init?.method ?? 'GET'} ${url.host === host ? url.pathname : new URL(url).pathname}`)
    if (url.host !== host) return await fetch(url, init)
    const there = `http://${host}:${port}${url.pathname}${url.search}`
    const answer = await fetchFrom(there, { ...init, dispatcher } as Parameters<typeof fetchFrom>[1])
    return answer as unknown as Response
  }
}

/** Authgear registers no `http://127.0.0.1`. */
const CALLBACK = 'http://localhost:1/callback'

const METADATA: OAuthClientProvider['clientMetadata'] & Readonly<{ application_type: string }> = {
  redirect_uris: [CALLBACK], client_name: 'agent', token_endpoint_auth_method: 'none', application_type: 'native'
}

export type McpPerson = OAuthClientProvider & Readonly<{
  /** The code that the browser brought back last. */
  code: () => string
  /** Scopes that were asked for, one after another. */
  asked: readonly string[]
}>

/** An agent's client, and the person who signs in for it in a browser. */
export function mcpPerson (user: string): McpPerson {
  let information: OAuthClientInformationMixed | undefined
  let tokens: OAuthTokens | undefined
  let [verifier, code] = ['', '']
  const asked: string[] = []
  return {
    redirectUrl: CALLBACK,
    clientMetadata: METADATA,
    clientInformation: () => information,
    saveClientInformation: (given) => { information = given },
    tokens: () => tokens,
    saveTokens: (given) => { tokens = given },
    codeVerifier: () => verifier,
    saveCodeVerifier: (given) => { verifier = given },
    async redirectToAuthorization (url) {
      asked.push(url.searchParams.get('scope') ?? '')
      code = await signIn(url, user)
    },
    code: () => code,
    asked
  }
}

/** The pages of the simulated Authgear, as a browser walks through them. */
async function signIn (start: URL, user: string): Promise<string> {
  let [url, cookie, body]: [URL, string, URLSearchParams | undefined] = [start, '', undefined]
  for (let step = 0; step < 10; step++) {
    const init = body === undefined ? {} : { method: 'POST', body }
    const answer = await fetch(url, { ...init, headers: { cookie }, redirect: 'manual' })
    await answer.arrayBuffer()
    const set = answer.headers.getSetCookie().map((line) => line.split(';')[0])
    cookie = [cookie, ...set].filter((pair) => pair !== '').join('; ')
    const location = answer.headers.get('location')
    body = location === null ? new URLSearchParams({ user }) : undefined
    if (location !== null) url = new URL(location, url)
    const code = url.searchParams.get('code')
    if (url.href.startsWith(CALLBACK) && code !== null) return code
    if (url.searchParams.has('error')) throw new Error(`Authgear refuses: ${url.searchParams}`)
  }
  throw new Error(`no code came back: ${url}`)
}
