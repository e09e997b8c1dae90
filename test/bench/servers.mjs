// The servers beside this service, each a process of its own. Usage: node servers.mjs KIND PORT
import { createServer } from 'node:http'
import fastify from 'fastify'

const IDENTITY = [
  'x-authgear-session-valid',
  'true',
  'x-authgear-user-id',
  'a11ce000-0000-4000-8000-000000000001',
  'x-authgear-user-anonymous',
  'false',
  'x-authgear-user-verified',
  'true',
  'x-authgear-user-roles',
  'admin,editor',
  'x-authgear-session-amr',
  '',
  'x-authgear-session-authenticated-at',
  '1795572256',
  'x-authgear-user-can-reauthenticate',
  'true'
]
/** What this service answers a memory hit with. */
const HEADERS = [
  'content-length', '0', 'cache-control', 'no-store', 'vary', 'Authorization, Cookie', ...IDENTITY,
  'x-forward-auth-source', 'memory', 'x-forward-auth-reason', 'allowed', 'x-request-id', 'a4f64e6464ec-1'
]
const ADDRESS = { email: 'alice@example.com', email_verified: true }
const NOBODY = ['content-length', '0', 'x-authgear-session-valid', 'false']
/** Each user has an id of their own, as long as Authgear's. */
const identified = (token) => [
  'content-length',
  '0',
  ...IDENTITY.with(3, `a11ce000-0000-4000-8000-${token.slice(-12)}`)
]
const tokenOf = ({ headers: { authorization = '', cookie = '' } }) =>
  authorization.slice(7) || /session=([^;]*)/.exec(cookie)?.[1] || ''

export const handlers = {
  bare: (_request, response) => { response.writeHead(200, HEADERS); response.end() },
  /** Authgear's resolver at 0 ms: tokens that begin with "refused" are nobody's. */
  resolver: (request, response) => {
    const token = tokenOf(request)
    response.writeHead(200, token === '' || token.startsWith('refused') ? NOBODY : identified(token))
    response.end()
  },
  /** The resolver, and an Admin API whose users all have a verified address of example.com. */
  people: (request, response) => {
    if (request.method === 'GET') return handlers.resolver(request, response)
    let body = ''
    request.on('data', (data) => { body += data }).on('end', () => {
      const { ids = [] } = JSON.parse(body).variables
      const nodes = ids.map((id) => ({ id, isDisabled: false, standardAttributes: ADDRESS }))
      response.writeHead(200, ['content-type', 'application/json'])
      response.end(JSON.stringify({ data: { nodes } }))
    })
  },
  app: (_request, response) => { response.writeHead(200, ['content-length', '2']); response.end('ok') }
}

const [kind, port] = process.argv[1] === new URL(import.meta.url).pathname ? process.argv.slice(2) : []
if (kind === 'fastify') {
  const app = fastify()
  app.get('/verify', (_request, reply) => { reply.hijack(); reply.raw.writeHead(200, HEADERS); reply.raw.end() })
  await app.listen({ port: Number(port), host: '127.0.0.1' })
} else if (kind !== undefined) {
  createServer(handlers[kind]).listen(Number(port), '127.0.0.1')
}
