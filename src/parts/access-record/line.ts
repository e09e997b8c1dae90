import { hash } from 'node:crypto'
import { type McpCall, readMcpCall } from '../../base/core/mcp-call.ts'
import type { AnswerSource, Endpoint } from '../../base/core/reason.ts'
import type { HandlerResult } from '../../base/http/types.ts'
import type { Admitted } from '../../base/identity/presenter.ts'

/** The part of a path that is written: all of it, its first segments, or nothing. A query never is. */
export type PathDetail = Readonly<{ kind: 'full' } | { kind: 'segments', count: number } | { kind: 'none' }>

export type Verdict =
  | 'allowed' | 'allowed_stale' | 'refused' | 'unavailable'
  /** Verdicts of the login's own pages. */
  | 'signed_in' | 'signed_out' | 'redirected'

/** The requester: a person by a session, a machine by its own token, an agent by a token of a person. */
export type Kind = 'person' | 'machine' | 'agent' | 'nobody'

/** The facts of a decision in one line, beside when and how often. */
export type Decided = Readonly<{
  verdict: Verdict
  reason: HandlerResult['reason']
  kind: Kind
  user?: string | undefined
  client?: string | undefined
  session?: string | undefined
  scope?: string | undefined
  endpoint: Endpoint
  host?: string | undefined
  method?: string | undefined
  path?: string | undefined
  mcp_method?: string | undefined
  tool?: string | undefined
  policy?: string | undefined
  address?: string | undefined
  source: AnswerSource
  request: string
  trace?: string | undefined
  assertion?: string | undefined
}>

export function verdictOf ({ reason, response: { status }, who }: HandlerResult, endpoint: Endpoint): Verdict {
  if (status === 503) return 'unavailable'
  if (endpoint === 'login') {
    if (reason === 'sent_back') return 'signed_in'
    // the sign-out itself, and the page after it, which anybody may open
    if (reason === 'signed_out' || (reason === 'signing_out' && who !== undefined)) return 'signed_out'
    return status < 400 ? 'redirected' : 'refused'
  }
  if (status !== 200) return 'refused'
  return reason === 'allowed_stale' ? 'allowed_stale' : 'allowed'
}

export function kindOf (who: Admitted | undefined): Kind {
  if (who === undefined) return 'nobody'
  if (who.grant === undefined) return 'person'
  return who.userId === undefined ? 'machine' : 'agent'
}

/** Whose name a machine's token bears is the client's alone. */
export function namesOf (who: Admitted | undefined): Pick<Decided, 'user' | 'client' | 'scope'> {
  return {
    user: cut(who?.userId, 128),
    client: cut(who?.grant?.clientId, 512),
    scope: who?.grant === undefined ? undefined : cut(who.grant.scopes.join(' '), 512)
  }
}

const MCP_METHOD = 'mcp-method'

/** The MCP call that the headers name; undefined where they name none, or none for certain. */
export function callIn (method: string, rawHeaders: readonly string[]): McpCall | undefined {
  const isCall = rawHeaders.some((text) => text.length === MCP_METHOD.length && text.toLowerCase() === MCP_METHOD)
  return isCall ? readMcpCall(method, rawHeaders) : undefined
}

/**
 * Names the token that went out, as far as one did: it has no `jti`, and `sha256sum` names it alike.
 * @param name of its header; undefined: none goes out
 */
export function tokenIn ({ response: { headers } }: HandlerResult, name: string | undefined): string | undefined {
  // names and values alternate: a value may equal the name
  const at = name === undefined ? -1 : headers.findIndex((text, index) => index % 2 === 0 && text === name)
  const token = at === -1 ? '' : headers[at + 1] ?? ''
  return token === '' ? undefined : hash('sha256', token).slice(0, 16)
}

/** @param uri as the proxy vouches for it; its query and its fragment are never written */
export function pathOf (uri: string | undefined, detail: PathDetail): string | undefined {
  if (uri === undefined || detail.kind === 'none') return undefined
  const path = /^[^?#]*/.exec(uri)?.[0] ?? ''
  if (detail.kind === 'full') return cut(path, 1024)
  const segments = path.split('/')
  const first = segments.slice(0, detail.count + 1).join('/')
  return cut(segments.length > detail.count + 1 ? `${first}/…` : first, 1024)
}

/** JSON escapes a character by six at most. */
const LONGEST_ESCAPE = 6

/** @param bytes that it may take in a line: a client chooses some of these texts, and a line has 4 KiB */
export function cut (text: string | undefined, bytes: number): string | undefined {
  if (text === undefined || text.length * LONGEST_ESCAPE <= bytes) return text
  return Buffer.byteLength(encode(text)) <= bytes + 2 ? text : text.slice(0, Math.floor(bytes / LONGEST_ESCAPE))
}

/** Characters that JSON leaves as they are, and a terminal may take for a command. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g

/** One line of JSON, of printable characters alone. */
export function encode (value: unknown): string {
  return JSON.stringify(value).replace(
    CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
