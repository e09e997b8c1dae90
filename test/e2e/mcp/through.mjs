// Loaded into the MCP inspector: requests for the host of MCP_ORIGIN go to the proxy at MCP_PORT, as DNS and TLS in
// front of it would send them. Each is a line of MCP_SEEN, with its bearer token. What other programs of a test send
// over TLS goes to MCP_TLS_PORT.
import dns from 'node:dns/promises'
import { appendFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import tls from 'node:tls'
import { Agent, buildConnector, fetch as fetchFrom } from 'undici'

const { MCP_ORIGIN, MCP_PORT = '', MCP_SEEN = '', MCP_TLS_PORT } = process.env
const direct = globalThis.fetch
const connector = buildConnector({ timeout: 60_000 })
const dispatcher = new Agent({
  connect: (options, done) => connector({ ...options, hostname: '127.0.0.1', port: MCP_PORT }, done)
})

globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (url.origin !== MCP_ORIGIN) return await direct(input, init)
  const answer = await fetchFrom(`http://${url.host}${url.pathname}${url.search}`, { ...init, dispatcher })
  const token = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '')
  appendFileSync(MCP_SEEN, `${init?.method ?? 'GET'} ${url.pathname} ${answer.status} ${token ?? ''}\n`)
  return answer
}

const connectTls = tls.connect
if (MCP_TLS_PORT !== undefined) {
  tls.connect = (options, ...more) => `https://${options.host}` === MCP_ORIGIN
    ? connectTls({ ...options, host: '127.0.0.1', port: Number(MCP_TLS_PORT) }, ...more)
    : connectTls(options, ...more)
  // so that doctor finds the operator's URL on this machine, where Authgear is, too
  const { lookup } = dns
  dns.lookup = (name, options) => lookup(`https://${name}` === MCP_ORIGIN ? '127.0.0.1' : name, options)
  syncBuiltinESMExports()
}
