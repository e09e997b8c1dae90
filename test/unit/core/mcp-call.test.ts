import t from 'tap'
import { type McpCall, readMcpCall } from '../../../src/base/core/mcp-call.ts'

const REVISION = ['MCP-Protocol-Version', '2026-07-28']
const calls = (method: string, name?: string): readonly string[] =>
  [...REVISION, 'Mcp-Method', method, ...name === undefined ? [] : ['Mcp-Name', name]]
const tool = (name: string): readonly string[] => calls('tools/call', name)
const long = (length: number): string => 'notifications/'.padEnd(length, 'x')

const ROWS: ReadonlyArray<readonly [what: string, lines: readonly string[], call: McpCall | undefined]> = [
  ['a tool', tool('read'), { method: 'tools/call', name: 'read' }],
  ['a tool in base64', tool('=?base64?cmVhZA==?='), { method: 'tools/call', name: 'read' }],
  ['base64 behind something is a name as it is', tool('x=?base64?cmVhZA==?='),
    { method: 'tools/call', name: 'x=?base64?cmVhZA==?=' }],
  ['base64 before something', tool('=?base64?cmVhZA==?=x'), undefined],
  ['base64 of an empty name', tool('=?base64??='), undefined],
  ['no name', calls('tools/call'), undefined],
  ['an empty name', tool(''), undefined],
  ['a blank before the name', tool(' read'), undefined],
  ['two names', tool('read,delete'), undefined],
  ['a name of 1,024 characters', tool('x'.repeat(1024)), { method: 'tools/call', name: 'x'.repeat(1024) }],
  ['a name of 1,025 characters', tool('x'.repeat(1025)), undefined],
  ['a method without a name', calls('tools/list', 'read'), { method: 'tools/list', name: undefined }],
  ['a method of 64 characters', calls(long(64)), { method: long(64), name: undefined }],
  ['a method of 65 characters', calls(long(65)), undefined],
  ['a blank before the method', calls(' tools/list'), undefined],
  ['a blank after the method', calls('tools/list '), undefined],
  ['no method', REVISION, undefined],
  ['other lines that come twice', [...tool('read'), 'Cookie', 'a=1', 'Cookie', 'b=2'],
    { method: 'tools/call', name: 'read' }]
]

t.test('a call is read where its headers leave no doubt', async (t) => {
  for (const [what, lines, call] of ROWS) t.strictSame(readMcpCall('POST', lines), call, what)
})
