import { randomUUID } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import { type EventStore, McpServer } from '@modelcontextprotocol/server'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import { freePort } from '../../helpers/free-port.ts'
import { listenFree } from '../../helpers/listen-free.ts'
import { mustFind } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { answers } from '../../helpers/until.ts'

/** The server of docs/mcp.md, as a reader copies it. @returns its port */
export async function startServerOfPage (t: Test, code: string): Promise<number> {
  const [folder, port] = [tempDir(t, 'mcp'), await freePort()]
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'server.mjs'), code.replace('3000', String(port)))
  await startChild(t, {
    name: 'the MCP server', command: process.execPath, args: ['server.mjs'], cwd: folder, ready: () => answers(port)
  })
  return port
}

/** The same in Python. */
export async function startPythonServerOfPage (t: Test, code: string): Promise<number> {
  const [folder, port] = [tempDir(t, 'mcp'), await freePort()]
  writeFileSync(join(folder, 'server.py'), code.replace('3000', String(port)))
  await startChild(t, {
    name: 'the MCP server in Python',
    command: mustFind('python-mcp'),
    args: ['server.py'],
    cwd: folder,
    ready: () => answers(port)
  })
  return port
}

/**
 * A server of older revisions, with sessions, whose tool cuts its own stream and answers to the one who comes back.
 * @returns its port
 */
export async function startResumableServer (t: Test): Promise<number> {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>()
  const server = createServer((request, response) => {
    handle(request, response, sessions).catch(() => response.destroy())
  })
  t.teardown(async () => { for (const transport of sessions.values()) await transport.close() })
  return await listenFree(t, server)
}

async function handle (
  request: IncomingMessage,
  response: ServerResponse,
  sessions: Map<string, NodeStreamableHTTPServerTransport>
): Promise<void> {
  const known = sessions.get(String(request.headers['mcp-session-id']))
  if (known !== undefined) return await known.handleRequest(request, response)
  const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: createEventStore(),
    retryInterval: 10,
    onsessioninitialized: (id) => { sessions.set(id, transport) }
  })
  const mcp = new McpServer({ name: 'resumable', version: '1.0.0' })
  mcp.registerTool('interrupted', { description: 'cuts its stream' }, async ({ http }) => {
    http?.closeSSE?.()
    const assertion = String(http?.req?.headers.get('x-forward-auth-assertion'))
    return { content: [{ type: 'text', text: assertion }] }
  })
  await mcp.connect(transport)
  await transport.handleRequest(request, response)
}

/** In the order of their arrival; the SDK's example orders those of one millisecond by chance. */
function createEventStore (): EventStore {
  const events: Array<Readonly<{ stream: string, message: Parameters<EventStore['storeEvent']>[1] }>> = []
  return {
    async storeEvent (stream, message) {
      events.push({ stream, message })
      return String(events.length)
    },
    async replayEventsAfter (last, { send }) {
      const { stream = '' } = events[Number(last) - 1] ?? {}
      for (const [index, event] of [...events.entries()].slice(Number(last))) {
        if (event.stream === stream) await send(String(index + 1), event.message)
      }
      return stream
    }
  }
}
