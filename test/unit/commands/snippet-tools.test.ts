import t from 'tap'
import { readOptions } from '../../../src/commands/snippet/options.ts'
import { filesOf, textOf } from './snippet-of.ts'

const RULES = ['tool=read', 'prompt=greet', 'resource_uri=file:///a', 'tool_scope=delete:admin'] as const
const MCP = ['--host', 'mcp.example.com', '--resource', 'https://mcp.example.com/mcp=/mcp', '--scope', 'read']
/** nginx before 1.23 judges by the first of two lines, and apps may read the last. */
const JUDGED = new RegExp('^ {6}proxy_set_header (?:(?:MCP-Protocol-Version|Mcp-Method|Mcp-Name|Mcp-Session-Id) ' +
  '\\$http_mcp_\\w+|X-Forwarded-Method \\$request_method);', 'gm')

t.test('nginx hands the app the headers that a rule by tool judged, and no other line', async (t) => {
  for (const rule of RULES) {
    const lines = textOf(filesOf('nginx', ...MCP, '--policy', `/mcp=${rule}`)).match(JUDGED) ?? []
    t.strictSame(new Set(lines).size, 5, rule)
  }
  t.strictSame(textOf(filesOf('nginx', ...MCP)).match(JUDGED), null, 'without a rule they pass as they are')
})

t.test('nginx says why to MCP clients, since it drops the body of a refusal', async (t) => {
  const ruled = textOf(filesOf('nginx', ...MCP, '--policy', '/mcp=tool=read'))
  t.match(ruled, '      error_page 403 = @authgear_call;\n      error_page 500 = @authgear_down;\n')
  t.match(ruled, '{"jsonrpc":"2.0","id":null,"error":{"code":-32003,')
  t.notMatch(textOf(filesOf('nginx', ...MCP)), '@authgear_call')
})

t.test('APISIX takes no rule by tool, since it reads one of two lines', async (t) => {
  for (const rule of RULES) {
    const reading = readOptions(['apisix', ...MCP, '--policy', `/mcp=${rule}`])
    t.match(reading, { kind: 'errors', errors: [/apisix cannot keep rules by tool/] }, rule)
  }
  t.match(readOptions(['apisix', ...MCP]), { kind: 'options' })
})
