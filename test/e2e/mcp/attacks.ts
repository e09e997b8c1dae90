import type { HeaderLine } from '../../helpers/request.ts'

const REVISION = '2026-07-28'
const META = {
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

/** A call as the current revision writes it, or as an older one does. */
const call = (name: string, more: object = { _meta: META }, id = 1): object =>
  ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {}, ...more } })
const old = (name: string, id = 1): object => call(name, {}, id)

const version = (value = REVISION): HeaderLine => ['MCP-Protocol-Version', value]
const method = (value: string): HeaderLine => ['Mcp-Method', value]
const named = (value: string): HeaderLine => ['Mcp-Name', value]
const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`
const READ = [version(), method('tools/call'), named('read')] as const
const [LIST, PING] = [[version(), method('tools/list')], [version(), method('ping')]] as const
const OLD_HEADERS = [version('2025-11-25'), method('tools/call'), named('read')] as const

/** Its value twice: the first for one that stops there, the last for most parsers. */
const twice = (member: 'name' | 'method', first: string, last: string): string =>
  JSON.stringify(call('delete')).replace(`"${member}":"${last}"`, `"${member}":"${first}","${member}":"${last}"`)

export type Attack = readonly [what: string, headers: readonly HeaderLine[], body: string]

/** What a client of the current revision sends to call `read`. */
export const HONEST: Attack = ['the call', READ, JSON.stringify(call('read'))]

/** The same with an argument in a header: a server refuses the call if the header is lost. */
export const WITH_PARAMETER: Attack = [
  'the call with a parameter',
  [...READ, ['Mcp-Param-Region', 'eu']],
  JSON.stringify(call('read', { _meta: META, arguments: { region: 'eu' } }))
]

/** Each calls `delete`, and its headers say something that `tool=read` allows, or that an older server ignores. */
export const ATTACKS: readonly Attack[] = ([
  ['a list over a call', LIST, call('delete')],
  ['a list over an old call', LIST, old('delete')],
  ['a ping over an old call', PING, old('delete')],
  ['server/discover over a call', [version(), method('server/discover')], call('delete')],
  ['a notification over an old call', [version(), method('notifications/initialized')], old('delete')],
  ['another name', READ, call('delete')],
  ['another name, old', READ, old('delete')],
  ['another name in base64', [version(), method('tools/call'), named(base64('read'))], call('delete')],
  ['a batch', READ, [call('read'), call('delete', { _meta: META }, 2)]],
  ['an old batch', READ, [old('delete'), old('delete', 2)]],
  ['a batch of both revisions', READ, [call('read'), old('delete', 2)]],
  ['another revision in the body', READ,
    call('delete', { _meta: { ...META, 'io.modelcontextprotocol/protocolVersion': '2025-11-25' } })],
  ['the name twice in the body', READ, twice('name', 'read', 'delete')],
  ['the method twice in the body', LIST, twice('method', 'tools/list', 'tools/call')],
  ['the name once more with an underscore', [...READ, ['Mcp_Name', 'delete']], call('delete')],
  ['no header of a call', [], old('delete')],
  ['no revision', [method('tools/call'), named('read')], call('delete')],
  ['an older revision', OLD_HEADERS, old('delete')],
  ['an older revision over a call', OLD_HEADERS, call('delete')],
  ['two revisions', [version('2025-11-25'), ...READ], old('delete')],
  ['two revisions, the other way round', [...READ, version('2025-11-25')], old('delete')],
  ['two names', [...READ, named('delete')], call('delete')],
  ['two methods', [...LIST, method('tools/call'), named('delete')], call('delete')],
  ['the name in capitals', [version(), method('tools/call'), named('READ')], call('delete')],
  ['the method in capitals', [version(), method('TOOLS/LIST')], call('delete')],
  ['base64 that is not canonical', [version(), method('tools/call'), named('=?base64?cmVhZB==?=')], call('delete')],
  ['a session', [...READ, ['Mcp-Session-Id', 'x']], old('delete')],
  ['the revision taken away by Connection', [...LIST, ['Connection', 'MCP-Protocol-Version']], old('delete')],
  ['all its headers taken away by Connection',
    [...READ, ['Connection', 'close, MCP-Protocol-Version, Mcp-Method, Mcp-Name']], old('delete')],
  ['a long name', [version(), method('tools/call'), named('read'.padEnd(5000, 'x'))], call('delete')]
] as const).map(([what, headers, body]) =>
  [what, headers, typeof body === 'string' ? body : JSON.stringify(body)])
