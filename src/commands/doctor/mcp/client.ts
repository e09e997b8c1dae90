import { parseObject } from '../../../base/core/json.ts'
import { type Document, documentIn, shown, stringsIn } from './ask.ts'
import type { Given, McpFound, ResourceMetadata } from './step.ts'

/** Where Authgear would send a code, if someone signed in; nothing listens there. */
const REDIRECT_URI = 'http://localhost/callback'
/** A client id that no project has. */
const UNKNOWN = 'authgear-forward-auth-doctor'

export type Client = Readonly<
  | { kind: 'client', id: string, redirectUri: string }
  /** Only that the endpoint answers can be learnt. */
  | { kind: 'unknown', id: string, redirectUri: string }
  | { kind: 'problem', finding: McpFound }
>

/** The client to sign in as. Registers one only if that was asked for, since it stays at Authgear. */
export async function chooseClient (
  given: Given, { issuer }: Pick<ResourceMetadata, 'issuer'>, register: string | undefined
): Promise<Client> {
  const { client, ask, registers } = given
  if (registers && register === undefined) return problem('mcp-registration', 'there is no registration_endpoint')
  if (registers && register !== undefined) return await registered(given, issuer, register)
  if (client === undefined) return { kind: 'unknown', id: UNKNOWN, redirectUri: REDIRECT_URI }
  const { id, redirectUri } = client
  if (redirectUri !== undefined) return { kind: 'client', id, redirectUri }
  return clientIn(id, documentIn(await ask(id)))
}

const problem = (id: McpFound[0], what: string): Client => ({ kind: 'problem', finding: [id, what] })

/** Reads the document of a client by URL, as Authgear does. */
function clientIn (id: string, document: Document): Client {
  if (document.kind === 'none') return problem('mcp-client', `${shown(id)} ${document.what}`)
  const { client_id: named, redirect_uris: uris } = document.json
  if (named !== id) return problem('mcp-client', `the document at ${shown(id)} names another client_id`)
  const [redirectUri] = stringsIn(uris)
  return redirectUri === undefined
    ? problem('mcp-client', `the document at ${shown(id)} has no redirect_uris`)
    : { kind: 'client', id, redirectUri }
}

/** Only at Authgear's own origin: a stranger's document shall not choose where this machine posts to. */
async function registered ({ ask }: Given, issuer: string, address: string): Promise<Client> {
  if (!URL.canParse(address) || new URL(address).origin !== new URL(issuer).origin) {
    return problem('mcp-endpoint', `registration_endpoint is ${shown(address)}, which is not at ${shown(issuer)}`)
  }
  const reply = await ask(address, {
    method: 'POST',
    body: {
      client_name: UNKNOWN,
      redirect_uris: [REDIRECT_URI],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code']
    }
  })
  if (reply.kind === 'silence') return problem('mcp-registration', `${shown(address)} does not answer: ${reply.what}`)
  const { client_id: id, error } = parseObject(reply.body) ?? {}
  if (typeof id === 'string') return { kind: 'client', id, redirectUri: REDIRECT_URI }
  const why = typeof error === 'string' ? ` (${shown(error)})` : ''
  return problem('mcp-registration', `${shown(address)} answers ${reply.status}${why}`)
}
