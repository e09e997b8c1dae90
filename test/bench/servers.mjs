// The servers under the load, each a process of its own, pinned to core 0. Usage: node servers.mjs bare|fastify PORT
import { createServer } from 'node:http'
import fastify from 'fastify'

const HEADERS = [
  'content-length', '0', 'cache-control', 'no-store', 'vary', 'Authorization, Cookie',
  'x-authgear-session-valid', 'true', 'x-authgear-user-id', 'a11ce000-0000-4000-8000-000000000001', 'x-authgear-user-anonymous', 'false',
  'x-authgear-user-verified', 'true', 'x-authgear-user-roles', 'admin,editor', 'x-authgear-session-amr', '',
  'x-authgear-session-authenticated-at', '1795572256', 'x-authgear-user-can-reauthenticate', 'true',
  'x-forward-auth-source', 'memory', 'x-forward-auth-reason', 'allowed', 'x-request-id', 'a4f64e6464ec-1'
]

const [kind, port] = process.argv.slice(2)
if (kind === 'bare') {
  createServer((_request, response) => { response.writeHead(200, HEADERS); response.end() }).listen(Number(port), '127.0.0.1')
} else {
  const app = fastify()
  app.get('/verify', (_request, reply) => { reply.hijack(); reply.raw.writeHead(200, HEADERS); reply.raw.end() })
  await app.listen({ port: Number(port), host: '127.0.0.1' })
}
