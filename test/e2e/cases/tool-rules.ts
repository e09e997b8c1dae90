import { ask, type HeaderLine } from '../../helpers/request.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import { ALICE } from '../people.ts'
import { shipped, type Case } from './case.ts'

const cookie: HeaderLine = ['Cookie', ALICE.cookie]
const REVISION: HeaderLine = ['MCP-Protocol-Version', '2026-07-28']
const method = (name: string): HeaderLine => ['Mcp-Method', name]
const named = (name: string): HeaderLine => ['Mcp-Name', name]
const call = (...names: readonly string[]): readonly HeaderLine[] =>
  [cookie, REVISION, method('tools/call'), ...names.map(named)]
const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

type Row = readonly [what: string, headers: readonly HeaderLine[], status: 200 | 403, method?: string]

const CALLS: readonly Row[] = [
  ['a tool of the route', call('read'), 200],
  ['its name in base64', call(base64('read')), 200],
  ['a list of tools', [cookie, REVISION, method('tools/list')], 200],
  ['another tool', call('delete'), 403],
  ['another tool in base64', call(base64('delete')), 403],
  ['two names', call('read', 'delete'), 403],
  ['two names, the other way round', call('delete', 'read'), 403],
  ['two methods', [...call('read'), method('tools/list')], 403],
  ['two revisions', [...call('read'), ['MCP-Protocol-Version', '2025-11-25']], 403],
  ['an older revision', [['MCP-Protocol-Version', '2025-11-25'], cookie, method('tools/call'), named('read')], 403],
  ['no revision', [cookie, method('tools/call'), named('read')], 403],
  ['no header of a call', [cookie], 403],
  ['the name with an underscore', [cookie, REVISION, method('tools/call'), ['Mcp_Name', 'read']], 403],
  ['the name once more with an underscore', [...call('read'), ['Mcp_Name', 'delete']], 200],
  ['a session of an older revision', [...call('read'), ['Mcp-Session-Id', 'x']], 403],
  ['a method that the client says', [...call('read'), ['X-Forwarded-Method', 'POST']], 403, 'GET'],
  ['a policy that the client adds', [...call('delete'), ['X-Forward-Auth-Policy', 'tool=delete']], 403],
  ['GET, for a stream of older revisions', call('read'), 403, 'GET'],
  ['DELETE, of a session of older revisions', call('read'), 403, 'DELETE']
]

export const toolRules: readonly Case[] = [{
  name: 'tool=: the tools of the route pass, and no call that is named otherwise',
  only: (proxy) => shipped(proxy) || proxy.server === 'envoy',
  async run (t, _, proxy) {
    const replica = await startOneReplica(t, {}, { grpc: proxy.grpc === true })
    const { port, app } = await startBefore(t, { ...proxy, tls: false }, replica, {
      options: ['--policy', '/tools=tool=read,search']
    })
    for (const [what, headers, status, verb = 'POST'] of CALLS) {
      const before = app.received.length
      const answer = await ask(port, { method: verb, path: '/tools', headers, body: verb === 'POST' ? '{}' : '' })
      t.equal(answer.status, status, what)
      t.equal(app.received.length - before, status === 200 ? 1 : 0, `${what}: what reached the app`)
      t.notOk(app.received.at(-1)?.rawHeaders.includes('Mcp_Name'), `${what}: no name in another spelling`)
    }
    t.equal((await ask(port, { path: '/page', headers: [cookie] })).status, 200, 'a route without a rule')
  }
}]
