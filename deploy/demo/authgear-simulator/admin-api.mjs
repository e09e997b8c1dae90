// @ts-check
import { text } from 'node:stream/consumers'
import { answerMutation } from './admin-mutations.mjs'
import { isAdmin } from './admin-token.mjs'
import { answerQuery } from './audit-query.mjs'
import { internalError, projectNotFound, send } from './answers.mjs'
import { isKnownHost } from './origin.mjs'
import { answerUserQuery } from './user-query.mjs'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { Answer } from './answers.mjs' */
/** @import { AdminApiOptions, AuditFailure } from './types.d.mts' */

const PATHS = new Set(['/graphql', '/_api/admin/graphql'])

const COMMON = /** @type {const} */ ([['Cache-Control', 'no-store'], ['X-Content-Type-Options', 'nosniff']])
/**
 * @param {number} status
 * @param {string} body
 * @param {readonly (readonly [string, string])[]} [more]
 * @returns {Answer}
 */
const plain = (status, body, more = []) => ({
  status,
  headers: [...more, ['Content-Type', 'text/plain; charset=utf-8'], ...COMMON],
  body
})
/** @param {object} body @returns {Answer} */
const json = (body) => ({
  status: 200,
  headers: [['Content-Type', 'application/json; charset=utf-8'], ...COMMON],
  body: JSON.stringify(body)
})

const forbidden = () => plain(403, 'Forbidden\n')
/** Not configured, missing, without tables, down: all the same. */
const noLog = () => json({ data: { auditLogs: null }, errors: [{ message: 'unexpected error', locations: [] }] })
const invalidJson = () => ({
  ...json({
    error: {
      name: 'BadRequest',
      reason: 'InvalidJSON',
      message: 'unexpected end of JSON input',
      code: 400,
      tracking_id: 'simulated'
    }
  }),
  status: 400
})

/** @type {Record<AuditFailure, (response: ServerResponse) => void>} */
const FAILURES = Object.freeze({
  unavailable: response => send(response, noLog()),
  error: response => send(response, internalError('inside')),
  forbidden: response => send(response, forbidden()),
  'not-found': response => send(response, plain(404, '404 page not found\n')),
  garbage: response => send(response, plain(200, 'this is a captive portal')),
  reset: response => { response.socket?.resetAndDestroy() },
  hang: () => {}
})

/**
 * Answers the Admin API's two paths; false where a request is for somebody else.
 * @param {import('./resolver.mjs').Parts} parts
 */
export function createAdminApi (parts) {
  const { options: { adminApi, hosts }, directory, audit, userQueries, closing, now } = parts
  const { log, control } = audit

  /** @param {string} body @param {string} type @returns {Answer} */
  function answer (body, type) {
    if (!/^application\/(json|graphql)\b/.test(type)) return plain(415, `invalid content type: ${type}\n`)
    const asked = type.startsWith('application/graphql') ? { query: body } : parse(body)
    if (asked === undefined) return invalidJson()
    if (Array.isArray(asked)) return internalError('inside')
    const query = String(asked.query ?? '')
    if (query.includes('nodes(')) return json(answerUserQuery(query, Object(asked.variables), directory.users.values()))
    const variables = Object(asked.variables)
    const result = answerMutation(query, variables, parts) ?? answerQuery(query, variables, log, control.hidden)
    return result === undefined ? internalError('inside') : json(result)
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response @param {AdminApiOptions} options */
  async function handle (request, response, options) {
    if (!isKnownHost(request.headers.host ?? '', hosts)) return send(response, projectNotFound())
    if (!isAdmin(request.headers.authorization, options, now())) return send(response, forbidden())
    const body = await text(request)
    if (body.includes('nodes(')) {
      const failure = await userQueries.arrived(parse(body)?.variables?.ids, closing)
      if (failure !== undefined) return FAILURES[failure](response)
    }
    const isLog = body.includes('auditLogs')
    control.arrived(isLog)
    if (isLog) await control.pass()
    await control.pause(closing)
    const failure = isLog || control.failsAll() ? control.next() : undefined
    if (failure !== undefined) return FAILURES[failure](response)
    send(response, answer(body, request.headers['content-type'] ?? ''))
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response */
  return function route (request, response) {
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (adminApi === undefined) return false
    if (path.endsWith('/') && PATHS.has(path.slice(0, -1))) {
      return done(send(response, { status: 307, headers: [['Location', path.slice(0, -1)]] }))
    }
    if (!PATHS.has(path)) return false
    if (request.method !== 'POST') {
      return done(send(response, plain(405, 'Method Not Allowed\n', [['Allow', 'GET, OPTIONS, POST']])))
    }
    handle(request, response, adminApi).catch(() => response.destroy())
    return true
  }
}

/** @param {void} _ */
const done = _ => true

/** @param {string} body @returns {any} */
function parse (body) {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
