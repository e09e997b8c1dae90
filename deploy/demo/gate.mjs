// @ts-check
import { Agent, createServer, request as ask } from 'node:http'
import { CONFIRM } from './settings.mjs'

// The smallest proxy with forward auth, for machines that have neither Caddy nor Traefik. For the demo only.

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @typedef {string[]} RawHeaders name, value, name, value … */

const { PORT, VERIFY_URL = '', RESOURCE_URL = '', APP_URL = '' } = process.env
const { LOGIN_URL = '', LOGIN_PATH = '' } = process.env

/** The browser's way in and out: these four, and nothing else of the service. */
const LOGIN_ROUTES = ['login', 'callback', 'logout', 'logged-out'].map((route) => `${LOGIN_PATH}/${route}`)

const agent = new Agent({ keepAlive: true })

/** All that the service may read of the client's request. */
const QUESTION =
  /^(authorization|cookie|accept|accept-language|user-agent|sec-fetch-mode|sec-fetch-dest|sec-fetch-site|origin|sec-purpose|x-requested-with|x-request-id|mcp-.*|traceparent|tracestate)$/i
/** Between two neighbours only; Host and lengths are each connection's own. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|upgrade)$/i
/** The client's own copies in every spelling: X_Authgear_User_Id, Remote.User … */
const IDENTITY = /authgear|forward[-_.]?auth|^remote/i
/** What the service says of who is asking. */
const COPIED = /^(x-authgear-|remote-|x-forward-auth-(assertion|session|until)$)/i

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?')[0] ?? ''
  if (LOGIN_ROUTES.includes(path)) forward(request, response, LOGIN_URL, [])
  else verify(request, response)
})

/**
 * Only a 200 opens the way to the app; everything else is the client's answer.
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
function verify (request, response) {
  const url = urlOf(request.url ?? '')
  const headers = [
    'Host', new URL(url).host, ...only(request.rawHeaders, name => QUESTION.test(name)), ...locationOf(request)
  ]
  const question = ask(url, { agent, headers }, answer => {
    if (answer.statusCode !== 200) return relay(answer, response)
    answer.resume()
    forward(request, response, APP_URL, only(answer.rawHeaders, name => COPIED.test(name)))
  })
  question.once('error', () => fail(response)).end()
}

/** Where a login leads back to; no decision reads it. @param {IncomingMessage} request @returns {RawHeaders} */
function locationOf ({ method = '', url = '', headers: { host = '' } }) {
  return ['X-Forwarded-Method', method, 'X-Forwarded-Host', host, 'X-Forwarded-Uri', url]
}

/** @param {string} path as it came: on the safe side */
function urlOf (path) {
  if (/^\/mcp/i.test(path)) return RESOURCE_URL
  if (path.toLowerCase().includes(CONFIRM.path)) return `${VERIFY_URL}&max_age=${CONFIRM.maxAge}`
  return /admin/i.test(path) ? `${VERIFY_URL}&role=admin` : VERIFY_URL
}

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {string} target
 * @param {RawHeaders} identity
 */
function forward (request, response, target, identity) {
  const headers = [...only(request.rawHeaders, name => !HOP_BY_HOP.test(name) && !IDENTITY.test(name)), ...identity]
  const onward = ask(
    new URL(target),
    { agent, method: request.method ?? 'GET', path: request.url ?? '/', headers },
    (answer) => relay(answer, response)
  )
  onward.once('error', () => fail(response))
  request.pipe(onward)
}

/** @param {IncomingMessage} answer @param {ServerResponse} response */
function relay (answer, response) {
  response.writeHead(answer.statusCode ?? 502, only(answer.rawHeaders, name => !HOP_BY_HOP.test(name)))
  answer.pipe(response)
}

/** @param {ServerResponse} response */
function fail (response) {
  if (response.headersSent) response.destroy()
  else response.writeHead(502, { 'Content-Length': 0 }).end()
}

/** @param {readonly string[]} raw @param {(name: string) => boolean} wanted @returns {RawHeaders} */
function only (raw, wanted) {
  return raw.filter((_, i) => wanted(raw[i - i % 2] ?? ''))
}

server.listen(Number(PORT), '127.0.0.1')
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
    agent.destroy()
  })
}
