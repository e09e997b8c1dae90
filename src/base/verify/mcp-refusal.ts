import { objectOf, parseJson } from '../core/json.ts'
import { MCP_NOT_ALLOWED, mcpError } from '../core/mcp-call.ts'
import { JSON_TYPE } from '../http/answers.ts'
import type { HttpResponse, VerifyRequest } from '../http/types.ts'

/** Of any revision. */
const HEADERS: ReadonlySet<string> = new Set(['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id'])
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

const isOfMcp = ({ rawHeaders }: Asked): boolean => rawHeaders.some((line, index) => {
  if (index % 2 === 1) return false
  const name = line.toLowerCase()
  const value = rawHeaders[index + 1] ?? ''
  return HEADERS.has(name) || (name === 'accept' && ACCEPTED.every((type) => value.includes(type)))
})

function withBody ({ status, headers }: HttpResponse, body: string): HttpResponse {
  const kept = headers.flatMap((name, index) =>
    index % 2 === 1 || name === 'content-length' || name === 'content-type' ? [] : [name, headers[index + 1] ?? ''])
  return {
    status, headers: ['content-type', JSON_TYPE, 'content-length', String(Buffer.byteLength(body)), ...kept], body
  }
}
