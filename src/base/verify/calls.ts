import { type McpCall, readMcpCall } from '../core/mcp-call.ts'
import { type Understood, understood } from '../core/policy.ts'
import { type CallRequirement, ofScopes, type PersonRequirement, type Requirement, TOOL } from '../core/requirement.ts'
import type { VerifyRequest } from '../http/types.ts'

/** The methods that reach no tool, no resource and no prompt. */
const OPEN: ReadonlySet<string> = new Set([
  'server/discover', 'ping', 'tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'
])
const isOpen = (method: string): boolean => OPEN.has(method) || method.startsWith('notifications/')

const REFUSED: PersonRequirement = Object.freeze({ kind: 'person', meets: () => 'forbidden' })

/**
 * @param policy one that `asksCall`; a hit of any other runs nothing of this file
 * @returns the policy for this very request: what it asks of the call is met and gone, or refused, or a scope
 */
export function withCall (policy: Understood, { method, rawHeaders }: VerifyRequest): Understood {
  const call = readMcpCall(method, rawHeaders)
  return understood(policy.requirements.flatMap((one) => one.kind === 'call' ? judged(one, call) : one))
}

function judged (asked: CallRequirement, call: McpCall | undefined): readonly Requirement[] {
  if (call === undefined || !isAllowed(asked, call)) return [REFUSED]
  const scopes = call.method === 'tools/call' ? asked.toolScopes ?? [] : []
  return scopes.filter(({ tool }) => tool === call.name).map(({ scope }) => ofScopes([scope]))
}

function isAllowed (asked: CallRequirement, { method, name = '' }: McpCall): boolean {
  switch (method) {
    case 'tools/call': return isToolAllowed(asked, name)
    case 'resources/read': return asked.resourceUris?.includes(name) === true
    case 'prompts/get': return asked.prompts?.includes(name) === true
    default: return isOpen(method)
  }
}

/** With `tool_scope=` alone every tool passes, some with a scope. */
function isToolAllowed ({ tools, resourceUris, prompts, toolScopes }: CallRequirement, name: string): boolean {
  if (tools !== undefined) return tools.includes(name)
  return toolScopes !== undefined && resourceUris === undefined && prompts === undefined && TOOL.test(name)
}
