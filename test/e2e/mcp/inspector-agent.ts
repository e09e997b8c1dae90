import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { claimsOf } from '../../../src/base/core/token-expiry.ts'
import { freePort } from '../../helpers/free-port.ts'
import { mustFind } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { type Agent, type Introduction, signIn } from './agent.ts'

const THROUGH = pathToFileURL(join(import.meta.dirname, 'through.mjs')).href
/** Where its own listener waits for the code; Authgear compares the port, too. */
export const INSPECTOR_CALLBACK = `http://localhost:${await freePort()}/callback`

/** For its process, and for one that starts it; `seen` gets a line for each request to the origin. */
export const inspectorEnvironment = (
  home: string,
  { origin, port }: Introduction,
  seen = join(home, 'seen')
): NodeJS.ProcessEnv & Readonly<{ MCP_SEEN: string }> => ({
  ...process.env,
  HOME: home,
  MCP_INSPECTOR_SECRET_STORE: 'file',
  MCP_AUTO_OPEN_ENABLED: 'true',
  BROWSER: 'true', // a program that does nothing
  NODE_V8_COVERAGE: '',
  NODE_OPTIONS: `--import ${THROUGH}`,
  MCP_ORIGIN: origin,
  MCP_PORT: String(port),
  MCP_SEEN: seen
})

/** With the command line of the MCP inspector: a process for each call, and a folder with its client and tokens. */
export function inspectorAgent (t: Test, introduction: Introduction): Agent {
  const { origin, document } = introduction
  const home = tempDir(t, 'mcp-inspector')
  const seen = join(home, 'seen')
  const env = inspectorEnvironment(home, introduction, seen)
  return {
    async call (path, tool) {
      writeFileSync(seen, '')
      const { out, err } = await withPerson(spawn(mustFind('mcp-inspector'), [
        '--cli', `${origin}${path}`, '--transport', 'http', '--protocol-era', 'auto', '--connect-timeout', '0',
        '--format', 'json', '--callback-url', INSPECTOR_CALLBACK, '--method', 'tools/call', '--tool-name', tool,
        ...document === undefined ? [] : ['--client-metadata-url', document]
      ], { env, stdio: 'pipe' }), INSPECTOR_CALLBACK)
      const [, text] = /"text":"((?:[^"\\]|\\.)*)"/.exec(out) ?? []
      const lines = readFileSync(seen, 'utf8').trim().split('\n').map((line) => line.split(' '))
      const token = lines.map(([, , , token]) => token).findLast((token) => token !== undefined) ?? ''
      const client = token === '' ? '' : String(claimsOf(token)?.['client_id'])
      const said = text === undefined ? { error: err } : { text }
      return { ...said, seen: lines.map((line) => line.slice(0, 3).join(' ')), client, token }
    }
  }
}

type Ended = Readonly<{ code: number, out: string, err: string }>

/** Until it ends; its person goes where it says, and agrees to more scopes. */
export async function withPerson (child: ChildProcessWithoutNullStreams, callback: string): Promise<Ended> {
  child.stdin.end('y\n')
  let [out, err, visited] = ['', '', 0]
  child.stdout.on('data', (data) => { out += String(data) })
  child.stderr.on('data', (data) => {
    err += String(data)
    const links = [...err.matchAll(/Please navigate to: (\S+)\n/g)]
    for (const [, url = ''] of links.slice(visited)) visit(url).catch((error: unknown) => { err += String(error) })
    visited = links.length
  })
  const visit = async (url: string): Promise<unknown> => await fetch(await signIn(url, 'alice', callback))
  const [code] = await once(child, 'close')
  return { code: Number(code), out, err }
}
