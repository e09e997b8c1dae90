import t from 'tap'
import { doctorOptions } from '../../../src/commands/doctor/options.ts'

const URL_OF = 'https://mcp.example.com/mcp'
const read = (...args: readonly string[]) => doctorOptions(['--mcp', ...args])

t.test('--mcp takes the URL as clients send it', async (t) => {
  for (const [given, url] of [
    [URL_OF, URL_OF],
    ['https://MCP.example.com:443/Mcp/', 'https://mcp.example.com/Mcp/'],
    ['https://mcp.example.com', 'https://mcp.example.com/'],
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
    ['https://[::1]:8443/mcp', 'https://[::1]:8443/mcp']
  ] as const) t.match(read(given), { mcp: { url, client: undefined, registers: false } }, given)
  for (const wrong of [
    'mcp.example.com/mcp', 'ftp://mcp.example.com', `${URL_OF}?x=1`, `${URL_OF}#x`, 'https://user@mcp.example.com/mcp',
    `${URL_OF} `, 'https://mcp.example.com:99999/', 'https://', `${URL_OF}\\x`, ''
  ]) t.equal(read(wrong), '--mcp is not a URL such as https://mcp.example.com/mcp', wrong)
})

t.test('a client is an id with its redirect URI, or a URL', async (t) => {
  const back = 'http://localhost/callback'
  for (const [args, client] of [
    [['--client-id', 'app', '--redirect-uri', back], { id: 'app', redirectUri: back }],
    [['--client-id', 'https://a.example/c.json'], { id: 'https://a.example/c.json', redirectUri: undefined }]
  ] as const) t.match(read(URL_OF, ...args), { mcp: { client } })
  t.match(read(URL_OF, '--register', '--token-stdin'), { mcp: { registers: true, client: undefined }, paste: 'token' })
})

t.test('options that do not fit together are refused, and no value is repeated', async (t) => {
  for (const [args, what] of [
    [[URL_OF, '--client-id', 'secret'], '--client-id needs --redirect-uri, unless it is a URL'],
    [[URL_OF, '--client-id', ''], '--client-id is not the id of a client'],
    [[URL_OF, '--redirect-uri', 'http://secret/'], '--redirect-uri belongs to --client-id'],
    [[URL_OF, '--client-id', 'app', '--redirect-uri', 'secret'], '--redirect-uri is not a URI'],
    [[URL_OF, '--register', '--client-id', 'https://secret/'], '--client-id and --register: one client is enough'],
    [[URL_OF, '--url', 'https://app.example.com'], '--mcp and --url: only one of them can be looked at'],
    [[URL_OF, '--cookie-stdin'], '--mcp and --cookie-stdin: only one of them can be looked at']
  ] as const) {
    const said = String(read(...args))
    t.ok(said.startsWith(what), said)
    t.notMatch(said, 'secret')
  }
  t.equal(doctorOptions(['--register']), '--client-id, --redirect-uri and --register belong to --mcp')
})
