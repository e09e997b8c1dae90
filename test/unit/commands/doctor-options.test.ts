import t from 'tap'
import { doctorOptions } from '../../../src/commands/doctor/options.ts'

const URL_OF = 'https://mcp.example.com/mcp'

t.test('--mcp takes the URL as clients send it', async (t) => {
  for (const [given, mcp] of [
    [URL_OF, URL_OF],
    ['https://MCP.example.com:443/Mcp/', 'https://mcp.example.com/Mcp/'],
    ['https://mcp.example.com', 'https://mcp.example.com/'],
    ['https://[::1]:8443/mcp', 'https://[::1]:8443/mcp']
  ] as const) t.match(doctorOptions(['--mcp', given, '--token-stdin']), { mcp, paste: 'token' }, given)
})

t.test('--mcp refuses what is no URL with https://, and repeats none of it', async (t) => {
  for (const wrong of [
    'mcp.example.com/mcp', 'http://mcp.example.com/mcp', `${URL_OF}?x=1`, `${URL_OF}#x`, `${URL_OF} `,
    'https://user@mcp.example.com/mcp', 'https://mcp.example.com:99999/', 'https://', `${URL_OF}\\x`, ''
  ]) t.equal(doctorOptions(['--mcp', wrong]), '--mcp is not a URL such as https://mcp.example.com/mcp', wrong)
})
