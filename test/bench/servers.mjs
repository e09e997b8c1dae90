// The servers beside this service, each a process of its own. Usage: node servers.mjs KIND PORT [ANSWER]
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import fastify from 'fastify'
import { framed } from './grpc-frame.mjs'

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
export const HEADERS = [
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

/** Reads a document of JSON with each request, and answers with this one. */
const checking = (answer) => (request, response) => {
  let body = ''
  request.on('data', (data) => { body += data }).on('end', () => {
    JSON.parse(body)
    response.writeHead(200, ['content-type', 'application/json; charset=utf-8', 'content-length', answer.length])
    response.end(answer)
  })
}

/** A call of gRPC: reads its message, and answers with this one. */
function answerCall (stream, message) {
  stream.resume().on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'OK' }))
    stream.end(message)
  })
}

const isMain = process.argv[1] === new URL(import.meta.url).pathname
const [kind, port, answer] = isMain ? process.argv.slice(2) : []
if (kind === 'fastify') {
  const app = fastify()
  app.get('/verify', (_request, reply) => { reply.hijack(); reply.raw.writeHead(200, HEADERS); reply.raw.end() })
  await app.listen({ port: Number(port), host: '127.0.0.1' })
} else if (kind === 'grpc') {
  const message = framed(Buffer.from(answer, 'base64'))
  createHttp2Server().on('stream', (stream) => answerCall(stream, message)).listen(Number(port), '127.0.0.1')
} else if (kind === 'checking') {
  createServer(checking(answer)).listen(Number(port), '127.0.0.1')
} else if (kind !== undefined) {
  createServer(handlers[kind]).listen(Number(port), '127.0.0.1')
}
