// @ts-check
import { text } from 'node:stream/consumers'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @typedef {{ jsonrpc?: unknown, id?: unknown, method?: unknown, params?: { name?: unknown } }} Call */

export const MCP_PATH = '/mcp'
const SERVER = {
  protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'demo', version: '1' }
}
const TOOL = { name: 'who', description: 'who is calling', inputSchema: { type: 'object' } }

/**
 * The smallest MCP server over streamable HTTP: one tool, which says who forward-auth says is calling.
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
export async function answerMcp (request, response) {
  if (request.method !== 'POST') return response.writeHead(405, { Allow: 'POST' }).end()
  const call = parse(await text(request))
  if (call === undefined) return response.writeHead(400).end()
  if (call.id === undefined) return response.writeHead(202).end() // a notification
  const answer = { jsonrpc: '2.0', id: call.id, ...resultOf(call, request.headers) }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(answer)}\n`)
}

/** @param {Call} call @param {IncomingMessage['headers']} headers */
function resultOf ({ method }, headers) {
  switch (method) {
    case 'initialize': return { result: SERVER }
    case 'tools/list': return { result: { tools: [TOOL] } }
    case 'tools/call': return { result: { content: [{ type: 'text', text: callerIn(headers) }] } }
    default: return { error: { code: -32601, message: 'there is no such method' } }
  }
}

/** @param {IncomingMessage['headers']} headers */
function callerIn (headers) {
  const user = headers['x-authgear-user-id']
  const who = user === undefined || user === '' ? 'a machine' : `user ${user}`
  return `${who}, client ${headers['x-authgear-client-id']}, scope ${headers['x-authgear-scope']}`
}

/** @param {string} body @returns {Call | undefined} */
function parse (body) {
  try {
    return Object(JSON.parse(body))
  } catch {
    return undefined
  }
}
