import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { createServer } from 'node:tls'
import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { ask, HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { inspectorEnvironment, withPerson } from './mcp/inspector-agent.ts'
import { startServerOfPage } from './mcp/servers.ts'
import { block, RESOURCE } from './mcp/world.ts'
import { readSnippet } from './snippets.ts'

const ROOT = join(import.meta.dirname, '../..')
const SKILL = readFileSync(join(ROOT, 'docs/SKILL.md'), 'utf8')
const BLOCKS = [...SKILL.matchAll(/ title="(skill: [a-z]+)"\n/g)].map(([, title = '']) => title)

t.test('its head is what agents read', async (t) => {
  const [, name = '', description = ''] = /^---\nname: ([a-z-]+)\ndescription: (.+)\n---\n/.exec(SKILL) ?? []
  t.ok(name.length > 0 && name.length <= 64)
  t.ok(description.length > 0 && description.length <= 1024)
})

t.test('its blocks, in an empty folder, end in a call of a tool, and of no other', {
  skip: skipOrFail('caddy', 'mcp-inspector')
}, async (t) => {
  const { folder, env, callback, proxy, settings } = await startWorld(t)
  const run = async (script: string) =>
    await withPerson(spawn('sh', ['-e', '-c', script], { cwd: folder, env, stdio: 'pipe' }), callback)
  const since = performance.now()
  for (const title of BLOCKS) {
    const script = readSnippet('SKILL.md', title)
    const { code, out, err } = await run(title === 'skill: settings' ? settings(script) : script)
    t.match([code, out], [0, EXPECTED[title] ?? String], `${title}: ${err}`)
  }
  t.comment(`skill: ${BLOCKS.length} blocks, ${Math.round(performance.now() - since)} ms`)
  const [token = ''] = readFileSync(env.MCP_SEEN, 'utf8').match(/\S+$/m) ?? []
  const refused = await ask(proxy, {
    method: 'POST',
    path: '/mcp',
    headers: [
      ['Authorization', `Bearer ${token}`], ['MCP-Protocol-Version', '2026-07-28'], ['Mcp-Method', 'tools/call'],
      ['Mcp-Name', 'delete']
    ]
  })
  t.match(refused, { status: 403, headers: { 'x-forward-auth-reason': 'forbidden' } })
})

/** What each block prints, at least. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  'skill: server': /-32022/,
  'skill: authgear': /registration_endpoint/,
  'skill: service': new RegExp(RESOURCE),
  'skill: check': /resource_metadata=[^]+ok {7}clients of the MCP server learn[^]+0 errors/,
  'skill: call': /done for /
}

/** An Authgear, the MCP server of docs/mcp.md, and TLS in front of the skill's proxy. */
async function startWorld (t: Test) {
  const authgear = await startSimulator(t, {
    registration: 'open', resources: [{ uri: RESOURCE, scopes: ['use', 'admin'] }]
  })
  const server = await startServerOfPage(t, block('server.mjs'))
  const [port, proxy, callback] = [await freePort(), await freePort(), `http://localhost:${await freePort()}/callback`]
  const [folder, home] = [tempDir(t, 'skill'), tempDir(t, 'skill-home')]
  t.teardown(() => { for (const name of ['service.pid', 'proxy.pid']) end(join(folder, name)) })
  const { ca, front } = await startFront(t, proxy)
  writeFileSync(join(home, '.curlrc'), `cacert = "${ca}"\nconnect-to = "${HOST}:443:127.0.0.1:${front}"\n`)
  const env = {
    ...inspectorEnvironment(home, { origin: `https://${HOST}`, port: proxy }),
    PATH: [dirname(process.execPath), join(ROOT, '.servers/bin'), process.env['PATH']].join(delimiter),
    CURL_HOME: home,
    MCP_TLS_PORT: String(front),
    NODE_EXTRA_CA_CERTS: ca,
    XDG_DATA_HOME: home,
    XDG_CONFIG_HOME: home,
    MANAGEMENT_LISTEN: `127.0.0.1:${await freePort()}`
  }
  const values = {
    FORWARD_AUTH: ROOT,
    AUTHGEAR_ENDPOINT: authgear.url,
    MCP_HOST: HOST,
    MCP_SERVER: `http://127.0.0.1:${server}`,
    CADDY: `--listen=127.0.0.1:${proxy}`,
    PORT: String(port),
    CALLBACK: callback
  }
  const settings = (script: string): string => Object.entries(values)
    .reduce((text, [name, value]) => text.replace(new RegExp(`(?<=\\b${name}=)\\S+`), () => value), script)
  return { folder, env, callback, proxy, settings }
}

/** @returns its port, and the file of its authority */
async function startFront (t: Test, port: number): Promise<Readonly<{ front: number, ca: string }>> {
  const { certFile, keyFile, caFile } = makeOwnCert(t, HOST)
  const front = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
    const behind = connect(port, '127.0.0.1')
    for (const one of [socket, behind]) one.on('error', () => { socket.destroy(); behind.destroy() })
    socket.pipe(behind).pipe(socket)
  })
  return { front: await listenFree(t, front), ca: caFile }
}

function end (file: string): void {
  if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM')
}
