import t from 'tap'
import { decide, joinPolicies, NO_RULES, parsePolicy } from '../../../src/base/core/policy.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { withCall } from '../../../src/base/verify/calls.ts'
import type { VerifyRequest } from '../../../src/base/http/types.ts'
import { validResolution } from '../../helpers/identity.ts'

const NOW = 1_800_000_000_000 as EpochMs
const REVISION = '2026-07-28'
const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

type Lines = readonly string[]
const calls = (method: string, name?: string): Lines => [
  'MCP-Protocol-Version', REVISION, 'Mcp-Method', method, ...name === undefined ? [] : ['Mcp-Name', name]
]
const tool = (name: string): Lines => calls('tools/call', name)

/** @returns the answer to a session on a route of these policies */
function said (policies: readonly string[], rawHeaders: Lines, method = 'POST'): string {
  const policy = joinPolicies(policies.map(parsePolicy))
  const request = { method, rawHeaders } as unknown as VerifyRequest
  const ofCall = policy.kind === 'understood' ? withCall(policy, request) : policy
  const decision = decide(validResolution(), ofCall, NO_RULES, NOW)
  return decision.kind === 'refuse' ? decision.reason : decision.kind
}

const ALLOWED: ReadonlyArray<readonly [what: string, policy: string, lines: Lines]> = [
  ['a tool of the list', 'tool=search,read', tool('read')],
  ['with its name in base64', 'tool=search,read', tool(base64('read'))],
  ['with names in other cases', 'tool=read',
    ['mcp-protocol-version', REVISION, 'MCP-METHOD', 'tools/call', 'mcp-name', 'read']],
  ['discovery', 'tool=read', calls('server/discover')],
  ['a list of tools', 'tool=read', calls('tools/list')],
  ['a list of resources', 'tool=read', calls('resources/list')],
  ['templates of resources', 'tool=read', calls('resources/templates/list')],
  ['a list of prompts', 'tool=read', calls('prompts/list')],
  ['a ping', 'tool=read', calls('ping')],
  ['a notification', 'tool=read', calls('notifications/cancelled')],
  ['a resource of the list', 'tool=read&resource_uri=file:///a.txt', calls('resources/read', 'file:///a.txt')],
  ['a prompt of the list', 'prompt=greet', calls('prompts/get', 'greet')],
  ['any tool where only some need a scope', 'tool_scope=delete:admin', tool('read')],
  ['a prompt with the name of such a tool', 'prompt=delete&tool_scope=delete:admin', calls('prompts/get', 'delete')],
  ['a tool, where something else is met', 'tool=read&login=off', tool('read')]
]

const FORBIDDEN: ReadonlyArray<readonly [what: string, policy: string, lines: Lines]> = [
  ['another tool', 'tool=read', tool('delete')],
  ['a tool in another case', 'tool=read', tool('Read')],
  ['a tool that begins alike', 'tool=read', tool('read_all')],
  ['an empty name', 'tool=read', tool('')],
  ['no name', 'tool=read', calls('tools/call')],
  ['two names in one line', 'tool=read', tool('read, delete')],
  ['two lines of names', 'tool=read', [...tool('read'), 'Mcp-Name', 'delete']],
  ['a second name with an underscore, which some apps read', 'tool=read', [...tool('read'), 'Mcp_Name', 'delete']],
  ['a name with underscores alone', 'tool=read', [...calls('tools/list'), 'MCP_NAME', 'delete']],
  ['a session with an underscore', 'tool=read', [...tool('read'), 'Mcp-Session_Id', 'x']],
  ['two lines of methods', 'tool=read', [...tool('read'), 'mcp-method', 'tools/call']],
  ['two lines of revisions', 'tool=read', [...tool('read'), 'Mcp-Protocol-Version', REVISION]],
  ['two revisions in one line', 'tool=read', ['MCP-Protocol-Version', `${REVISION}, 2025-11-25`, ...tool('read').slice(2)]],
  ['no revision: the server obeys the body', 'tool=read', tool('read').slice(2)],
  ['an older revision', 'tool=read', ['MCP-Protocol-Version', '2025-11-25', ...tool('read').slice(2)]],
  ['an unknown revision', 'tool=read', ['MCP-Protocol-Version', '2099-01-01', ...tool('read').slice(2)]],
  ['a revision with a blank', 'tool=read', ['MCP-Protocol-Version', `${REVISION} `, ...tool('read').slice(2)]],
  ['no method', 'tool=read', ['MCP-Protocol-Version', REVISION, 'Mcp-Name', 'read']],
  ['a method in another case', 'tool=read', calls('Tools/Call', 'read')],
  ['a method nobody knows', 'tool=read', calls('tools/run', 'read')],
  ['a method with a blank', 'tool=read', calls('tools/call ', 'read')],
  ['initialize, of older revisions', 'tool=read', calls('initialize')],
  ['a resource, where tools are listed', 'tool=read', calls('resources/read', 'file:///a.txt')],
  ['a prompt, where tools are listed', 'tool=read', calls('prompts/get', 'read')],
  ['a tool, where prompts are listed', 'prompt=greet', tool('greet')],
  ['a tool, where resources are listed', 'resource_uri=read', tool('read')],
  ['a tool, where prompts are and some tools need a scope', 'prompt=greet&tool_scope=delete:admin', tool('read')],
  ['a tool, where resources are and some tools need a scope', 'resource_uri=a&tool_scope=delete:admin', tool('read')],
  ['a resource whose URI begins alike', 'resource_uri=file:///a', calls('resources/read', 'file:///a/../b')],
  ['base64 that is not canonical', 'tool=read', tool('=?base64?cmVhZB==?=')],
  ['base64 without its end', 'tool=read', tool('=?base64?cmVhZA?=')],
  ['base64 with a line feed in it', 'tool=read', tool(base64('read\n'))],
  ['base64 in other letters', 'tool=read', tool('=?BASE64?cmVhZA==?=')],
  ['base64 of another name', 'tool=read', tool(base64('delete'))],
  ['a name in Latin-1', 'tool=read', tool('réad')],
  ['a session of an older revision', 'tool=read', [...tool('read'), 'Mcp-Session-Id', 'x']],
  ['a list in such a session, whose body may call', 'tool=read', [...calls('tools/list'), 'mcp-session-id', '']],
  ['a very long method', 'tool=read', calls('notifications/'.padEnd(100, 'x'))],
  ['a very long name', 'tool=read', tool('r'.repeat(100_000))]
]

t.test('a call of the list passes', async (t) => {
  for (const [what, policy, lines] of ALLOWED) t.equal(said([policy], lines), 'allow', what)
})

t.test('any other call is forbidden', async (t) => {
  for (const [what, policy, lines] of FORBIDDEN) t.equal(said([policy], lines), 'forbidden', what)
})

t.test('only POST calls, as the proxy says it', async (t) => {
  for (const method of ['GET', 'DELETE', 'PUT', 'OPTIONS', 'post', '']) {
    t.equal(said(['tool=read'], tool('read'), method), 'forbidden', method)
    t.equal(said(['tool=read'], [...tool('read'), 'X-Forwarded-Method', method]), 'forbidden', `forwarded ${method}`)
  }
  t.equal(said(['tool=read'], [...tool('read'), 'X-Forwarded-Method', 'POST'], 'GET'), 'allow')
  const twice = ['X-Forwarded-Method', 'POST', 'X-Forwarded-Method', 'POST']
  t.equal(said(['tool=read'], [...tool('read'), ...twice]), 'forbidden')
})

t.test('a second policy only tightens', async (t) => {
  for (const second of ['tool=delete', 'prompt=greet', 'tool_scope=delete:admin', 'tool=read', '']) {
    const all = [tool('delete'), calls('prompts/get', 'greet'), tool('other')]
    for (const lines of all) t.not(said(['tool=read', second], lines), 'allow', `${second}: ${lines.join()}`)
  }
  t.equal(said(['tool=read,delete', 'tool=read'], tool('read')), 'allow')
  t.equal(said(['tool=read', 'role=nobody'], tool('read')), 'forbidden')
})

t.test('a tool with two scopes asks for both', async (t) => {
  const policy = parsePolicy('tool_scope=delete:admin,read:reader,delete:owner')
  const request = { method: 'POST', rawHeaders: tool('delete') } as unknown as VerifyRequest
  const { requirements } = policy.kind === 'understood' ? withCall(policy, request) : { requirements: [] }
  t.match(requirements, [{ about: 'scope', values: ['admin'] }, { about: 'scope', values: ['owner'] }])
  t.equal(requirements.length, 2)
})

t.test('a policy that nobody held against the call lets nobody in', async (t) => {
  const decision = decide(validResolution(), parsePolicy('tool=read'), NO_RULES, NOW)
  t.match(decision, { kind: 'refuse', reason: 'forbidden' })
})

t.test('what cannot be a list of calls is a bad policy', async (t) => {
  for (const text of ['tool=', 'tool=a b', 'tool=a,,b', 'tool=a&tool=b', 'prompt=a&prompt=b', 'tool_scope=delete',
    'tool_scope=:admin', 'tool_scope=delete:', 'resource_uri=', `tool=${'a'.repeat(129)}`]) {
    t.equal(parsePolicy(text).kind, 'bad', text)
  }
})
