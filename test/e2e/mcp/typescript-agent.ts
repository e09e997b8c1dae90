import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { Agent as Dispatcher, buildConnector, fetch as fetchFrom } from 'undici'
import { type Agent, CALLBACK, type Introduction, signIn } from './agent.ts'

/** With the MCP SDK for TypeScript. */
export function typescriptAgent ({ origin, port, document }: Introduction): Agent {
  const person = createPerson(document)
  return {
    async call (path, tool) {
      const seen: string[] = []
      const url = new URL(`${origin}${path}`)
      const said = await callTool(tool, person, () =>
        new StreamableHTTPClientTransport(url, {
          authProvider: person, fetch: fetchThrough(url.host, port, seen)
        })).catch((error: unknown) => ({ error: String(error) }))
      const [information, tokens] = [await person.clientInformation(), await person.tokens()]
      return { ...said, seen, client: information?.client_id ?? '', token: tokens?.access_token ?? '' }
    }
  }
}

async function callTool (
  tool: string,
  person: Person,
  open: () => StreamableHTTPClientTransport
): Promise<Readonly<{ text: string }>> {
  let transport = open()
  const once = async (): Promise<Readonly<{ text: string }>> => {
    const client = new Client({ name: 'agent', version: '1.0.0' })
    try {
      await client.connect(transport as Parameters<typeof client.connect>[0])
      const { content } = await client.callTool({ name: tool, arguments: {} })
      return { text: (content as ReadonlyArray<{ text: string }>).map(({ text }) => text).join('') }
    } finally {
      await client.close()
    }
  }
  try {
    return await once()
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    await transport.finishAuth(person.code())
    transport = open()
    return await once()
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
  /** The code that the browser brought back last. */
  code: () => string
}>

const METADATA: OAuthClientProvider['clientMetadata'] & Readonly<{ application_type: string }> = {
  redirect_uris: [CALLBACK], client_name: 'agent', token_endpoint_auth_method: 'none', application_type: 'native'
}

function createPerson (document: string | undefined): Person {
  let information: OAuthClientInformationMixed | undefined
  let tokens: OAuthTokens | undefined
  let [verifier, code] = ['', '']
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
      const { searchParams } = new URL(await signIn(url.href, 'alice'))
      code = searchParams.get('code') ?? ''
      if (code === '') throw new Error(`Authgear refuses: ${searchParams}`)
    },
    code: () => code
  }
}
