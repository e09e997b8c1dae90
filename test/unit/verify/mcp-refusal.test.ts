import t from 'tap'
import { MCP_NOT_ALLOWED } from '../../../src/base/core/mcp-call.ts'
import { forMcp } from '../../../src/base/verify/mcp-refusal.ts'

const REFUSED = (error: string, status: 401 | 403 = 403) => {
  const body = JSON.stringify({ error, message: 'Not this one.' })
  const length = ['content-length', String(body.length)]
  return { status, headers: ['content-type', 'application/json', ...length, 'x-forward-auth-reason', error], body }
}
const SENDS = {
  'a call of this revision': ['Mcp-Method', 'tools/call', 'MCP-Name', 'delete'],
  'a client of an older revision': ['mcp-protocol-version', '2025-11-25'],
  'its first call': ['Accept', 'application/json, text/event-stream'],
  'a session of an older revision': ['Mcp-Session-Id', 'x']
} as const

for (const [what, rawHeaders] of Object.entries(SENDS)) {
  t.test(`${what} is refused by an error of JSON-RPC, with the reason`, async (t) => {
    const { status, headers, body } = forMcp(REFUSED('forbidden'), { rawHeaders })
    t.equal(status, 403)
    t.strictSame(JSON.parse(body), {
      jsonrpc: '2.0', id: null, error: { code: -32003, message: MCP_NOT_ALLOWED, data: { reason: 'forbidden' } }
    })
    t.strictSame(headers, [
      'content-type', 'application/json; charset=utf-8', 'content-length', String(body.length),
      'x-forward-auth-reason', 'forbidden'
    ])
  })
}

t.test('another reason keeps its words', async (t) => {
  const { body } = forMcp(REFUSED('insufficient_scope'), { rawHeaders: SENDS['a call of this revision'] })
  t.match(JSON.parse(body), { error: { message: 'Not this one.', data: { reason: 'insufficient_scope' } } })
})

t.test('other programs, pages and other answers stay as they are', async (t) => {
  const call = { rawHeaders: SENDS['a call of this revision'] }
  for (const accept of ['application/json', 'text/event-stream', '*/*']) {
    const refused = REFUSED('forbidden')
    t.equal(forMcp(refused, { rawHeaders: ['Accept', accept, 'X-Name', 'mcp-name'] }), refused, accept)
  }
  const page = { ...REFUSED('forbidden'), body: '<!doctype html>' }
  t.equal(forMcp(page, call), page)
  const stranger = REFUSED('no_credentials', 401)
  t.equal(forMcp(stranger, call), stranger)
})
