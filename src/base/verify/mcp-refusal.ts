import { objectOf, parseJson } from '../core/json.ts'
import { MCP_NOT_ALLOWED, mcpError } from '../core/mcp-call.ts'
import { JSON_TYPE } from '../http/answers.ts'
import type { HttpResponse, VerifyRequest } from '../http/types.ts'

/** Of any revision. */
const HEADERS: ReadonlySet<string> = new Set(['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id'])
const ACCEPT = 'accept'
const LENGTHS: ReadonlySet<number> = new Set([ACCEPT, ...HEADERS].map((name) => name.length))
/** Clients of each revision accept both (MCP, "Streamable HTTP"): the first call of an old one says no more. */
const ACCEPTED = ['application/json', 'text/event-stream'] as const

type Asked = Pick<VerifyRequest, 'rawHeaders'>

/**
 * A 403 in the form whose words clients of MCP show. The request alone decides on it: a policy that cannot be
 * understood must look as one that is not met.
 */
export function forMcp (refused: HttpResponse, request: Asked): HttpResponse {
  if (refused.status !== 403 || !isOfMcp(request)) return refused
  const { error, message } = objectOf(parseJson(refused.body)) ?? {}
  // a page for a person
  if (typeof error !== 'string' || typeof message !== 'string') return refused
  return withBody(refused, mcpError(error, error === 'forbidden' ? MCP_NOT_ALLOWED : message))
}

/** Each 403 asks it: lengths are compared before texts, so that no text is made of most names. */
function isOfMcp ({ rawHeaders }: Asked): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const line = rawHeaders[i] ?? ''
    if (!LENGTHS.has(line.length)) continue
    const name = line.toLowerCase()
    if (HEADERS.has(name) || (name === ACCEPT && takesBoth(rawHeaders[i + 1] ?? ''))) return true
  }
  return false
}

const takesBoth = (accept: string): boolean => ACCEPTED.every((type) => accept.includes(type))

function withBody ({ status, headers }: HttpResponse, body: string): HttpResponse {
  const kept = headers.flatMap((name, index) =>
    index % 2 === 1 || name === 'content-length' || name === 'content-type' ? [] : [name, headers[index + 1] ?? ''])
  return {
    status, headers: ['content-type', JSON_TYPE, 'content-length', String(Buffer.byteLength(body)), ...kept], body
  }
}
