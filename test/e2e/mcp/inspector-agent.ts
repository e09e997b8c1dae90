import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { claimsOf } from '../../../src/base/core/token-expiry.ts'
import { freePort } from '../../helpers/free-port.ts'
import { mustFind } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { type Agent, type Called, type Introduction, signIn } from './agent.ts'

const THROUGH = pathToFileURL(join(import.meta.dirname, 'through.mjs')).href
/** Where its own listener waits for the code; Authgear compares the port, too. */
export const INSPECTOR_CALLBACK = `http://localhost:${await freePort()}/callback`

/** With the command line of the MCP inspector: a process for each call, and a folder with its client and tokens. */
export function inspectorAgent (t: Test, { origin, port, document }: Introduction): Agent {
  const home = tempDir(t, 'mcp-inspector')
  const seen = join(home, 'seen')
  const env = {
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
  }
  return {
    async call (path, tool) {
      writeFileSync(seen, '')
      const said = await run([
        '--cli', `${origin}${path}`, '--transport', 'http', '--protocol-era', 'auto', '--format', 'json',
        '--callback-url', INSPECTOR_CALLBACK, '--method', 'tools/call', '--tool-name', tool,
        ...document === undefined ? [] : ['--client-metadata-url', document]
      ], env)
      const lines = readFileSync(seen, 'utf8').trim().split('\n').map((line) => line.split(' '))
      const token = lines.map(([, , , token]) => token).findLast((token) => token !== undefined) ?? ''
      const client = token === '' ? '' : String(claimsOf(token)?.['client_id'])
      return { ...said, seen: lines.map((line) => line.slice(0, 3).join(' ')), client, token }
    }
  }
}

/** Its person goes where it says, and agrees to more scopes. */
async function run (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Pick<Called, 'text' | 'error'>> {
  const child = spawn(mustFind('mcp-inspector'), args, { env, stdio: 'pipe', timeout: 120_000 })
  child.stdin.end('y\n')
  let [out, err, visited] = ['', '', 0]
  child.stdout.on('data', (data) => { out += String(data) })
  child.stderr.on('data', (data) => {
    err += String(data)
    const links = [...err.matchAll(/Please navigate to: (\S+)\n/g)]
    for (const [, url = ''] of links.slice(visited)) visit(url).catch((error: unknown) => { err += String(error) })
    visited = links.length
  })
  await once(child, 'close')
  const [, text] = /"text":"((?:[^"\\]|\\.)*)"/.exec(out) ?? []
  return text === undefined ? { error: err } : { text }
}

const visit = async (url: string): Promise<unknown> => await fetch(await signIn(url, 'alice', INSPECTOR_CALLBACK))
