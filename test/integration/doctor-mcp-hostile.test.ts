import { createServer, type RequestListener } from 'node:http'
import { createServer as createPlainServer } from 'node:net'
import t, { type Test } from 'tap'
import { createAsk } from '../../src/commands/doctor/mcp/ask.ts'
import { isInside, outsideOf } from '../../src/commands/doctor/mcp/inside.ts'
import { visit } from '../helpers/doctor.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { until } from '../helpers/until.ts'

const TOKEN = 'a-token-that-nobody-may-see'
const HOSTILE = 'x\u001b[2J\u009b31m\r\n\u0007\u202e'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

const start = async (t: Test, answer: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listenFree(t, createServer(answer))}`

t.test('documents of another server cannot control the terminal', async (t) => {
  const origin = await start(t, ({ url, headers }, response) => {
    const { host = '' } = headers
    response.setHeader('content-type', 'application/json')
    if (url === '/mcp') {
      const metadata = `resource_metadata="http://${host}${WELL_KNOWN}"`
      response.writeHead(401, { 'www-authenticate': `Bearer ${metadata}, scope="${'a'.repeat(900)}"` }).end()
    } else if (url?.startsWith(WELL_KNOWN) === true) {
      const resource = `https://example.com/${HOSTILE}`
      response.end(JSON.stringify({ resource, authorization_servers: [`http://${host}`], scopes_supported: [HOSTILE] }))
    } else {
      const authorize = `http://${host}/authorize`
      const issuer = HOSTILE.repeat(99)
      response.end(JSON.stringify({ issuer, authorization_endpoint: authorize, token_endpoint: HOSTILE }))
    }
  })
  const { text } = await visit({ env: {}, args: ['--mcp', `${origin}/mcp`, '--register'] })
  t.notMatch(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/) // eslint-disable-line no-control-regex -- that is what it looks for
  t.match(text, /mcp-resource: .*\\u001b\[2J/)
  t.match(text, /mcp-issuer/)
  const lengths = text.split('\n').map(({ length }) => length)
  t.ok(Math.max(...lengths) < 1500, 'a line has an end')
})

t.test('a document of a stranger leads neither to this machine nor into its network', async (t) => {
  let asked = 0
  const origin = await start(t, (_, response) => { asked++; response.end() })
  const { port } = new URL(origin)
  const ask = createAsk(undefined, undefined, outsideOf(['https://mcp.invalid/mcp']))
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '[::ffff:127.0.0.1]', '2130706433', '127.1']) {
    t.match(await ask(`http://${host}:${port}/`), { kind: 'silence', what: /^it is on this machine or in its network/ }, host)
  }
  t.equal(asked, 0)
  const own = createAsk(undefined, undefined, outsideOf([`http://localhost:${port}/mcp`]))
  t.match(await own(`${origin}/`), { kind: 'reply' }, "unless the operator's own URL is there")
})

t.test('addresses of no server on the internet are known in each form', async (t) => {
  for (const address of [
    '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1',
    '::', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '64:ff9b::a00:1'
  ]) t.ok(isInside(address), address)
  for (const address of ['1.1.1.1', '172.32.0.1', '193.0.0.1', '2606:4700::1111', '::ffff:1.1.1.1']) {
    t.notOk(isInside(address), address)
  }
})

t.test('an answer that never ends is read to a bound', async (t) => {
  let isClosed = false
  const origin = await start(t, (request, response) => {
    const timer = setInterval(() => { response.write('a'.repeat(65_536)) }, 1)
    request.on('close', () => { clearInterval(timer); isClosed = true })
    response.writeHead(401, { 'www-authenticate': 'Basic' })
  })
  const reply = await createAsk(undefined)(`${origin}/`)
  t.equal(reply.kind === 'reply' && reply.body.length, 262_144)
  await until('the connection is closed', () => isClosed)
})

for (const [what, said] of [
  ['says nothing', ''],
  ['stops in its head', 'HTTP/1.1 401 '],
  ['stops in its body', 'HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nabc']
] as const) {
  t.test(`a server that ${what} is not waited for`, async (t) => {
    const server = createPlainServer((socket) => { socket.on('error', () => {}).write(said) })
    const sockets: Array<{ destroy: () => unknown }> = []
    server.on('connection', (socket) => sockets.push(socket))
    t.teardown(() => { for (const socket of sockets) socket.destroy() })
    const reply = await createAsk(undefined, 100)(`http://127.0.0.1:${await listenFree(t, server)}/`)
    t.match(reply, said.endsWith('abc') ? { kind: 'reply', status: 401, body: 'abc' } : { what: 'no answer in time' })
  })
}

t.test('what is no answer by HTTP is reported as unreachable', async (t) => {
  for (const said of [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    `HTTP/1.1 401 No\r\n${`X-A: ${'a'.repeat(1000)}\r\n`.repeat(100)}\r\n`, 'SSH-2.0-OpenSSH\r\n'
  ]) {
    const server = createPlainServer((socket) => { socket.on('error', () => {}).end(said) })
    const { findings, text } = await visit({
      env: {}, args: ['--mcp', `http://127.0.0.1:${await listenFree(t, server)}/mcp`]
    })
    t.strictSame(findings, ['error mcp-unreachable'], text)
  }
})

t.test('the pasted token goes to the URL alone, and is never printed', async (t) => {
  const seen: string[] = []
  const elsewhere = await start(t, (request, response) => {
    seen.push(`elsewhere ${request.headers.authorization ?? ''}`)
    response.writeHead(401).end(TOKEN)
  })
  const origin = await start(t, ({ url, headers: { host = '', authorization = '' } }, response) => {
    seen.push(`${url ?? ''} ${authorization}`)
    if (authorization.endsWith(TOKEN)) { response.writeHead(307, { location: `${elsewhere}/mcp` }).end(); return }
    const metadata = `Bearer error="invalid_token", resource_metadata="http://${host}${WELL_KNOWN}/mcp", scope="openid"`
    if (url === '/mcp') { response.writeHead(401, { 'www-authenticate': metadata }).end(); return }
    const issuer = elsewhere
    response.end(JSON.stringify({ resource: `http://${host}/mcp`, authorization_servers: [issuer], x: TOKEN }))
  })
  for (const json of [[], ['--json']]) {
    const args = ['--mcp', `${origin}/mcp`, '--token-stdin', ...json]
    const { text } = await visit({ env: {}, args, stdin: `Authorization: Bearer ${TOKEN}\n` })
    t.notMatch(text, TOKEN)
    t.match(text, /mcp-fails/)
  }
  const withToken = seen.filter((line) => line.includes(TOKEN))
  t.ok(withToken.length > 0)
  t.ok(withToken.every((line) => line.startsWith('/mcp ')), withToken.join())
  t.ok(seen.includes('elsewhere '))
})

t.test('what is no token is not sent', async (t) => {
  const lines: string[] = []
  const origin = await start(t, ({ headers }, response) => {
    lines.push(String(headers.authorization))
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
  })
  for (const stdin of ['', 'a b', 'a\r\nX-Injected: 1', 'ü']) {
    const { findings } = await visit({ env: {}, args: ['--mcp', `${origin}/mcp`, '--token-stdin'], stdin })
    t.ok(findings.includes('warning mcp-token'), stdin)
  }
  t.strictSame([...new Set(lines)], ['undefined', 'Bearer not-a-token-of-this-authgear'])
})

t.test('no token is sent without TLS', async (t) => {
  const seen: string[] = []
  const origin = await start(t, ({ headers }, response) => {
    seen.push(String(headers.authorization))
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
  })
  const url = `${origin}/mcp`.replace('127.0.0.1', '0.0.0.0')
  const { findings } = await visit({ env: {}, args: ['--mcp', url, '--token-stdin'], stdin: TOKEN })
  t.strictSame([findings, seen], [['error mcp-plain'], ['undefined']])
})
