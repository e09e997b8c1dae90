import {
  Client,
  type FetchLike,
  type OAuthClientProvider,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError
} from '@modelcontextprotocol/client'
import { Agent as Dispatcher, buildConnector, fetch as fetchFrom } from 'undici'
import { type Agent, CALLBACK, type Called, type Introduction, signIn } from './agent.ts'

/**
 * With the MCP SDK for TypeScript.
 * @param mode of the SDK: `legacy` speaks the revisions with `initialize` alone, as older clients do
 */
export function typescriptAgent (
  { origin, port, document, cookie }: Introduction,
  mode: 'auto' | 'legacy' = 'auto'
): Agent {
  const person = createPerson(document)
  return {
    async call (path, tool) {
      const seen: string[] = []
      const url = new URL(`${origin}${path}`)
      const said = await callTool(tool, person, mode, () =>
        new StreamableHTTPClientTransport(url, {
          ...cookie === undefined ? { authProvider: person } : { requestInit: { headers: { cookie } } },
          fetch: fetchThrough(url.host, port, seen)
        })).catch((error: unknown) => ({ error: String(error) }))
      const [information, tokens] = [await person.clientInformation(), await person.tokens()]
      return { ...said, seen, client: information?.client_id ?? '', token: tokens?.access_token ?? '' }
    }
  }
}

/** One call by a client of that mode. */
async function callOnce (
  transport: StreamableHTTPClientTransport,
  tool: string,
  mode: 'auto' | 'legacy'
): Promise<Pick<Called, 'text' | 'protocol'>> {
  const client = new Client({ name: 'agent', version: '1.0.0' }, { versionNegotiation: { mode } })
  try {
    await client.connect(transport)
    const { content } = await client.callTool({ name: tool, arguments: {} })
    const text = (content as ReadonlyArray<{ text: string }>).map(({ text }) => text).join('')
    return { text, protocol: client.getNegotiatedProtocolVersion() ?? '' }
  } finally {
    await client.close()
  }
}

async function callTool (
  tool: string,
  person: Person,
  mode: 'auto' | 'legacy',
  open: () => StreamableHTTPClientTransport
): Promise<Pick<Called, 'text' | 'protocol'>> {
  const transport = open()
  try {
    return await callOnce(transport, tool, mode)
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    await transport.finishAuth(person.came())
    return await callOnce(open(), tool, mode)
  }
}

/** Requests for the host go to the proxy's port, as DNS and TLS in front of it would send them. */
function fetchThrough (host: string, port: number, seen: string[]): FetchLike {
  const connector = buildConnector({ timeout: 60_000 })
  const dispatcher = new Dispatcher({
    connect: (options, done) => connector({ ...options, hostname: '127.0.0.1', port: String(port) }, done)
  })
  return async (input, init) => {
    const url = new URL(input)
    if (url.host !== host) return await fetch(url, init)
    const there = `http://${host}${url.pathname}${url.search}`
    const answer = await fetchFrom(there, { ...init, dispatcher } as Parameters<typeof fetchFrom>[1])
    const resumed = new Headers(init?.headers).has('last-event-id') ? ' resumed' : ''
    seen.push(`${init?.method ?? 'GET'} ${url.pathname} ${answer.status}${resumed}`)
    return answer as unknown as Response
  }
}

type Person = OAuthClientProvider & Readonly<{
  /** What the browser brought back last. */
  came: () => URLSearchParams
}>

const METADATA: OAuthClientProvider['clientMetadata'] & Readonly<{ application_type: string }> = {
  redirect_uris: [CALLBACK], client_name: 'agent', token_endpoint_auth_method: 'none', application_type: 'native'
}

function createPerson (document: string | undefined): Person {
  let information: StoredOAuthClientInformation | undefined
  let tokens: StoredOAuthTokens | undefined
  let [verifier, came] = ['', new URLSearchParams()]
  return {
    redirectUrl: CALLBACK,
    ...document !== undefined && { clientMetadataUrl: document },
    clientMetadata: METADATA,
    clientInformation: () => information,
    saveClientInformation: (given) => { information = given },
    tokens: () => tokens,
    saveTokens: (given) => { tokens = given },
    codeVerifier: () => verifier,
    saveCodeVerifier: (given) => { verifier = given },
    async redirectToAuthorization (url) {
      came = new URL(await signIn(url.href, 'alice')).searchParams
      if (!came.has('code')) throw new Error(`Authgear refuses: ${came}`)
    },
    came: () => came
  }
}
