import { createHash, randomBytes } from 'node:crypto'
import { SEE_ABOVE } from '../check.ts'
import { type Reply, shown, type Silence } from './ask.ts'
import { chooseClient, type Client } from './client.ts'
import type { McpFound, ResourceMetadata, Step } from './step.ts'

/** Up to the login page: nobody signs in. */
export const signIn: Step = {
  title: 'a client reaches the login page, with the resource and its scopes',
  needs: 'server',
  async run (given, { server, resource, advice }) {
    if (server?.authorize === undefined || resource === undefined) return { skipped: SEE_ABOVE }
    const client = await chooseClient(given, resource, server.register)
    if (client.kind === 'problem') return { findings: [client.finding] }
    const scopes = [...new Set([...advice?.scopes ?? [], ...resource.scopes])]
    const ask = async (scopes: readonly string[]): Promise<Outcome> =>
      outcomeOf(await given.ask(requestOf(server.authorize ?? '', client, resource, scopes)), client)
    const outcome = await ask(scopes)
    if (client.kind === 'unknown') {
      return outcome.kind === 'broken' ? { findings: [outcome.finding] } : { skipped: NOT_ASKED }
    }
    const findings = outcome.kind === 'scope' ? await eachScope(scopes, ask) : ofOutcome(outcome)
    return { findings, notes: given.registers ? [`registered, and stays at Authgear: ${shown(client.id)}`] : [] }
  }
}

const NOT_ASKED = 'the endpoint answers; name a client by --client-id, or --register one, to ask with the resource'

/** The answer of the authorization endpoint. */
type Outcome = Readonly<
  | { kind: 'page' }
  /** It refuses a scope. */
  | { kind: 'scope' }
  | { kind: 'refused', finding: McpFound }
  | { kind: 'broken', finding: McpFound }
>

const ofOutcome = (outcome: Outcome): readonly McpFound[] =>
  outcome.kind === 'refused' || outcome.kind === 'broken' ? [outcome.finding] : []

function requestOf (
  endpoint: string,
  { id, redirectUri }: Exclude<Client, { kind: 'problem' }>,
  { resource }: ResourceMetadata,
  scopes: readonly string[]
): string {
  const url = new URL(endpoint)
  const parameters = {
    response_type: 'code',
    client_id: id,
    redirect_uri: redirectUri,
    ...scopes.length === 0 ? {} : { scope: scopes.join(' ') },
    resource,
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url'),
    code_challenge_method: 'S256'
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** Names those that are refused: each is asked for beside `openid`, without which Authgear refuses all. */
async function eachScope (
  scopes: readonly string[], ask: (scopes: readonly string[]) => Promise<Outcome>
): Promise<readonly McpFound[]> {
  const refused: string[] = []
  for (const scope of scopes) {
    if ((await ask([...new Set(['openid', scope])])).kind === 'scope') refused.push(scope)
  }
  const what = refused.length === 0 ? `it refuses them together: ${scopes.join(' ')}` : `it refuses ${refused.join(' ')}`
  return [['mcp-scope-closed', shown(what)]]
}

const ERROR = /\b(invalid_target|invalid_scope|unauthorized_client|invalid_client|invalid_request|access_denied)\b/

/** Authgear sends errors back to the client, and shows those about the client itself on a page. */
function outcomeOf (reply: Reply | Silence, { redirectUri }: Readonly<{ redirectUri: string }>): Outcome {
  if (reply.kind === 'silence') return broken(`the authorization endpoint does not answer: ${reply.what}`)
  const { status, body } = reply
  const location = reply.header('location')
  if (status >= 300 && status < 400 && location !== undefined) return ofRedirect(location, redirectUri)
  if (status === 200) return { kind: 'page' }
  if (status === 404 || status === 405 || status >= 500) return broken(`the authorization endpoint answers ${status}`)
  const [, error] = ERROR.exec(body.slice(0, 10_000)) ?? []
  const isOfClient = error === undefined || error.endsWith('_client') || /redirect.?uri/i.test(body.slice(0, 10_000))
  return isOfClient
    ? refused('mcp-client', `the authorization endpoint answers ${status} (${error ?? 'without a reason'})`)
    : ofError(error)
}

const refused = (id: McpFound[0], what: string): Outcome => ({ kind: 'refused', finding: [id, what] })
const broken = (what: string): Outcome => ({ kind: 'broken', finding: ['mcp-authorize', what] })

function ofRedirect (location: string, redirectUri: string): Outcome {
  const base = 'https://authgear.invalid'
  if (!URL.canParse(location, base)) return broken('the authorization endpoint redirects to no URL')
  const { searchParams, hash } = new URL(location, base)
  const error = searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error')
  return error === null || !location.startsWith(redirectUri) ? { kind: 'page' } : ofError(error)
}

function ofError (error: string): Outcome {
  switch (error) {
    case 'invalid_target': return refused('mcp-target', `Authgear answers ${error}`)
    case 'invalid_scope': return { kind: 'scope' }
    case 'unauthorized_client':
    case 'invalid_client': return refused('mcp-client', `Authgear answers ${error}`)
    default: return refused('mcp-refused', `Authgear answers ${shown(error)}`)
  }
}
