import t from 'tap'
import { startProcess } from '../../../helpers/process.ts'
import { type Answer, ask, type HeaderLine } from '../../../helpers/request.ts'
import { startIssuer } from '../../../helpers/token-issuer.ts'

const RESOURCES = JSON.stringify([
  {
    uri: 'https://api.example.com/mcp',
    scopes: ['openid', 'a', 'b'],
    name: 'Orders “é”',
    documentation: 'https://docs.example.com'
  },
  { uri: 'https://other.example.com/mcp' },
  { uri: 'https://whole.example.com' },
  { uri: 'https://slash.example.com/' }
])
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

t.test('a client reads what it needs', async (t) => {
  const issuer = await startIssuer(t)
  const { port } = await startProcess(t, { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES })
  const get = async (
    path: string, host: string, method = 'GET', headers: readonly HeaderLine[] = []
  ): Promise<Answer> => await ask(port, { path: `${WELL_KNOWN}${path}`, host, method, headers })

  t.test('everything that the configuration says', async (t) => {
    const { status, headers, body } = await get('/mcp', 'api.example.com')
    t.equal(status, 200)
    t.match(headers, {
      'content-type': /^application\/json/, 'access-control-allow-origin': '*', 'cache-control': /max-age=\d+/
    })
    t.strictSame(JSON.parse(body), {
      resource: 'https://api.example.com/mcp',
      authorization_servers: [issuer.url],
      scopes_supported: ['openid', 'a', 'b'],
      bearer_methods_supported: ['header'],
      resource_name: 'Orders “é”',
      resource_documentation: 'https://docs.example.com'
    })
  })

  /** Path and host, and which resource it is about; undefined: 404. */
  const ROWS: ReadonlyArray<readonly [path: string, host: string, resource: string | undefined]> = [
    ['/mcp', 'api.example.com', 'https://api.example.com/mcp'],
    ['/mcp/', 'api.example.com', 'https://api.example.com/mcp'],
    ['/mcp?x=1', 'API.example.com:443', 'https://api.example.com/mcp'],
    ['', 'api.example.com', 'https://api.example.com/mcp'],
    ['/mcp', 'other.example.com', 'https://other.example.com/mcp'],
    ['', 'whole.example.com', 'https://whole.example.com'],
    ['/', 'whole.example.com', 'https://whole.example.com'],
    ['', 'slash.example.com', 'https://slash.example.com/'],
    ['/mcp', 'nobody.example.com', undefined],
    ['', 'nobody.example.com', undefined],
    ['/mcp/x', 'api.example.com', undefined],
    ['/mcp//', 'api.example.com', undefined],
    ['x', 'api.example.com', undefined],
    ['/MCP', 'api.example.com', undefined]
  ]

  t.test('by path and host, with and without a slash, and nothing else', async (t) => {
    for (const [path, host, resource] of ROWS) {
      const { status, body } = await get(path, host)
      t.equal(status, resource === undefined ? 404 : 200, `${host}${path}`)
      if (resource !== undefined) t.equal(JSON.parse(body).resource, resource, `${host}${path}`)
    }
  })

  t.test('answers 304 for a document with its tag, and each document has its own', async (t) => {
    const tag = String((await get('/mcp', 'api.example.com')).headers['etag'])
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await get('/mcp', 'api.example.com', method, [['If-None-Match', `"x", W/${tag}`]])
      t.match({ status, body }, { status: 304, body: '' }, method)
      t.match(headers, { etag: tag, 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' })
      t.equal(headers['content-type'], undefined)
    }
    t.equal((await get('/mcp', 'other.example.com', 'GET', [['If-None-Match', tag]])).status, 200)
    t.equal((await get('/mcp', 'nobody.example.com', 'GET', [['If-None-Match', '*']])).status, 404)
  })

  t.test('a browser’s preflight is answered, a body is never taken', async (t) => {
    t.match(await get('/mcp', 'api.example.com', 'OPTIONS'), { status: 204, body: '' })
    t.match(await get('/mcp', 'api.example.com', 'HEAD'), { status: 200, body: '' })
    for (const method of ['POST', 'PUT', 'DELETE']) t.equal((await get('/mcp', 'api.example.com', method)).status, 404)
  })
})

t.test('without RESOURCES there is none of it', async (t) => {
  const { port } = await startProcess(t, { AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  for (const path of [WELL_KNOWN, `${WELL_KNOWN}/mcp`, '/resource', '/resource-or-session']) {
    t.equal((await ask(port, { path })).status, 404, path)
  }
})
