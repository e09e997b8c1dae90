import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import { listenFree } from '../../helpers/listen-free.ts'
import { ask } from '../../helpers/request.ts'
import { mustFind } from '../../helpers/servers.ts'
import { answers } from '../../helpers/until.ts'

const TOOLS = ['read', 'delete'] as const
type Tool = typeof TOOLS[number]

/** A server with the tools `read` and `delete`, on any path. */
export type ToolServer = Readonly<{
  port: number
  /** How often that tool was executed. */
  executed: (tool: Tool) => Promise<number>
}>

/** An argument that clients repeat in a header, which the server compares. */
const region = { type: 'string', 'x-mcp-header': 'Region' } as const
const inputSchema = fromJsonSchema({ type: 'object', properties: { region } })

/** With the SDK for TypeScript; `transport` is how servers were written before `createMcpHandler`. */
export async function startToolServer (t: Test, how: 'reject' | 'stateless' | 'transport'): Promise<ToolServer> {
  const executed: string[] = []
  const create = (): McpServer => {
    const mcp = new McpServer({ name: 'orders', version: '1.0.0' })
    for (const name of TOOLS) {
      mcp.registerTool(name, { description: name, inputSchema }, () => {
        executed.push(name)
        return { content: [{ type: 'text', text: name }] }
      })
    }
    return mcp
  }
  const port = await listenFree(t, createServer(how === 'transport' ? perRequest(create) : handler(create, how)))
  return { port, executed: (tool) => Promise.resolve(executed.filter((one) => one === tool).length) }
}

const handler = (create: () => McpServer, legacy: 'reject' | 'stateless'): RequestListener =>
  toNodeHandler(createMcpHandler(create, { legacy })) as RequestListener

const perRequest = (create: () => McpServer): RequestListener => (request, response) => {
  const transport = new NodeStreamableHTTPServerTransport({})
  create().connect(transport)
    .then(() => transport.handleRequest(request, response))
    .catch(() => response.destroy())
}

/** With the Python package `mcp`: strict as docs/mcp.md has it, or without sessions. */
export async function startPythonToolServer (t: Test, port: number, how: 'strict' | 'stateless'): Promise<ToolServer> {
  await startChild(t, {
    name: `the tool server in Python, ${how}`,
    command: mustFind('python-mcp'),
    args: [join(import.meta.dirname, 'tool_server.py'), String(port), how],
    ready: () => answers(port)
  })
  const counts = async (): Promise<Readonly<Record<Tool, number>>> =>
    JSON.parse((await ask(port, { path: '/executed' })).body) as Record<Tool, number>
  return { port, executed: async (tool) => (await counts())[tool] }
}
