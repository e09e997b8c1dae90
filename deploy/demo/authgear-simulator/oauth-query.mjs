// @ts-check
import { formPage } from './oauth-pages.mjs'

/** @import { FastifyReply, FastifyRequest } from 'fastify' */
/** @import { OAuthClient } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

/** What of the question goes on from page to page, as at Authgear. */
const CARRIED = ['client_id', 'redirect_uri', 'state', 'prompt', 'max_age', 'ui_locales']
/** And where a client asks for a code: Authgear keeps these on its side. */
const OF_A_CODE = [
  'response_type', 'resource', 'scope', 'code_challenge', 'code_challenge_method', 'nonce', 'id_token_hint',
  'x_sso_enabled', 'response_mode'
]

/** An error of OAuth's. @param {string} error @param {string} description */
export const refuse = (error, description) => ({ error, error_description: description })

/** @param {URLSearchParams} query of a request, or its form @param {readonly OAuthClient[]} clients */
export const clientOf = (query, clients) => clients.find(({ id }) => id === query.get('client_id'))

/**
 * `openid` always, else what is allowed.
 * @param {URLSearchParams} query @param {(scope: string) => boolean} isAllowed
 */
export function problemOfScopes (query, isAllowed) {
  const asked = query.get('scope')?.split(' ') ?? []
  const wrong = asked.find((scope) => !isAllowed(scope))
  if (wrong !== undefined) return refuse('invalid_scope', `specified scope is not allowed: ${wrong}`)
  return asked.includes('openid') ? undefined : refuse('invalid_scope', "must request 'openid' scope")
}

/**
 * Why it is answered on the spot, since nobody may be sent to that redirect URI.
 * @param {URLSearchParams} query
 * @param {readonly OAuthClient[]} clients
 * @param {string} origin Authgear's own, where any address may be
 */
export function problemOf (query, clients, origin) {
  const client = clientOf(query, clients)
  if (client === undefined) return 'error: unauthorized_client error_description: invalid client ID'
  if (client.type === 'm2m') {
    return 'error: unauthorized_client error_description: m2m clients are not allowed to use the authorize endpoint'
  }
  const uri = query.get('redirect_uri') ?? ''
  return client.redirectUris.includes(uri) || uri.startsWith(`${origin}/`)
    ? undefined
    : 'error: invalid_request error_description: redirect URI is not allowed'
}

/**
 * @param {Pick<Parts, 'issuer'>} parts @param {URLSearchParams} query
 * @returns {Record<string, unknown> | undefined | 'none'} undefined: it is no ID token of ours
 */
export function hintOf ({ issuer }, query) {
  const hint = query.get('id_token_hint')
  return hint === null ? 'none' : issuer.read(hint)
}

/** A form is as good as a query. @param {FastifyRequest} request */
export function queryOf (request) {
  if (request.method === 'POST' && !request.url.includes('?') && request.body instanceof URLSearchParams) {
    return request.body
  }
  return new URL(request.url, 'http://simulator.invalid').searchParams
}

/** @param {URLSearchParams} query */
export function carried (query) {
  const names = query.get('response_type') === 'code' ? [...CARRIED, ...OF_A_CODE] : CARRIED
  return new URLSearchParams(
    Object.fromEntries(names.filter((name) => query.has(name)).map((name) => [name, query.get(name) ?? '']))
  ).toString()
}

const TYPES = new Set(['code', 'none', 'token'])

/** @param {URLSearchParams} query */
export function problemOfResponseType (query) {
  const type = query.get('response_type') ?? ''
  if (!TYPES.has(type)) return refuse('unauthorized_client', 'response type is not allowed for this client')
  if (type === 'token') return refuse('unsupported_response_type', 'response_type: token is not supported')
  return query.get('scope') === null ? refuse('invalid_request', 'scope is required') : undefined
}

/** @param {FastifyReply} reply @param {URLSearchParams} query @param {Record<string, string>} parameters */
export function sendBack (reply, query, parameters) {
  const state = query.get('state')
  const uri = query.get('redirect_uri') ?? ''
  const all = state === null ? parameters : { ...parameters, state }
  const mode = query.get('response_mode') ?? 'query'
  switch (mode) {
    case 'query': return seeOther(reply, withQuery(uri, all))
    // encoded twice, as there
    case 'fragment': return seeOther(reply, `${uri}#${new URLSearchParams(all).toString().replaceAll('%', '%25')}`)
    case 'form_post': return page(reply, formPage(uri, all))
    default: return reply.code(400).type('text/plain; charset=utf-8').send(`oauth: invalid response_mode ${mode}\n`)
  }
}

/** @param {string} uri @param {Record<string, string>} parameters */
export function withQuery (uri, parameters) {
  const query = new URLSearchParams(parameters).toString()
  return query === '' ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${query}`
}

/** Authgear's own way: a 303 with a page. @param {FastifyReply} reply @param {string} location */
export function seeOther (reply, location) {
  return reply
    .code(303)
    .header('Location', location)
    .header('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send('<!DOCTYPE html>\n')
}

/** @param {FastifyReply} reply @param {string} html */
export function page (reply, html) {
  return reply.type('text/html; charset=utf-8').header('Cache-Control', 'no-store').send(html)
}
