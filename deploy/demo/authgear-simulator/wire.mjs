// @ts-check
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { methodNotAllowed } from './answers.mjs'
import { headerLines } from './credentials.mjs'

/** @import { IncomingMessage, RequestListener, ServerResponse } from 'node:http' */
/** @import { Duplex } from 'node:stream' */

/** Go's limit: 1 MiB and 4096 bytes. */
const MAX_HEADER_SIZE = 1024 * 1024 + 4096

/**
 * A server whose answers to broken and unusual requests are those of Go's net/http.
 * @param {RequestListener} listener
 * @param {{ key: string, cert: string } | undefined} tls
 */
export function createGoLikeServer (listener, tls) {
  const options = {
    maxHeaderSize: MAX_HEADER_SIZE,
    requireHostHeader: false,
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0
  }
  const checked = (
    /** @type {IncomingMessage} */ request,
    /** @type {ServerResponse<IncomingMessage> & { req: IncomingMessage }} */ response
  ) => {
    const problem = hostProblem(request)
    if (problem === undefined) listener(request, response)
    else request.socket.end(badRequest(problem))
  }
  const server = tls === undefined ? createServer(options, checked) : createTlsServer({ ...options, ...tls }, checked)
  server.on('clientError', (error, socket) => { refuse(error, socket) })
  // Go answers first and asks for the body only where the handler reads it
  server.on('checkContinue', checked)
  // node hands CONNECT over apart from all other methods
  server.on('connect', (_, socket) => { socket.end(plain(methodNotAllowed())) })
  return server
}

/** @param {IncomingMessage} request @returns {string | undefined} */
function hostProblem (request) {
  const hosts = headerLines(request.rawHeaders, 'host')
  if (hosts.length > 1) return ''
  return hosts.length === 0 && request.httpVersion === '1.1' ? ': missing required Host header' : undefined
}

/** @param {NodeJS.ErrnoException & { reason?: string }} error @param {Duplex} socket */
function refuse (error, socket) {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else socket.end(answerTo(error))
}

/** @param {NodeJS.ErrnoException & { reason?: string }} error node's parser error */
function answerTo ({ code, reason }) {
  if (code === 'HPE_HEADER_OVERFLOW') return refusal('431 Request Header Fields Too Large')
  // node's parser stops at methods that Go passes to the handler
  if (code === 'HPE_INVALID_METHOD') return plain(methodNotAllowed())
  if (code === 'HPE_PAUSED_H2_UPGRADE') return plain(methodNotAllowed(), 'Connection: close\r\n')
  return badRequest(
    code === 'HPE_INVALID_HEADER_TOKEN' && reason === 'Invalid header token' ? ': invalid header name' : ''
  )
}

/** @param {string} problem */
const badRequest = problem => refusal('400 Bad Request', problem)

/** @param {string} status @param {string} [problem] */
function refusal (status, problem = '') {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}${problem}`
}

/** @param {import('./answers.mjs').Answer} answer @param {string} [more] */
function plain ({ status, headers, body = '' }, more = '') {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.1 ${status} Method Not Allowed\r\n${lines}Date: ${new Date().toUTCString()}\r\nContent-Length: ` +
    `${body.length}\r\n${more}\r\n${body}`
}
