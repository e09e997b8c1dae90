// @ts-check
import { findSession } from './verdict.mjs'
import { readCredentials } from './credentials.mjs'
import { readForms } from './login-routes.mjs'
import { readOrigin } from './origin.mjs'
import { accountPage, loginPage, logoutPage } from './oauth-pages.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { OAuthClient } from './types.d.mts' */

const AUTHORIZE = '/oauth2/authorize'
const END_SESSION = '/oauth2/end_session'
/** What of the question goes on from page to page, as at Authgear. */
const CARRIED = ['client_id', 'redirect_uri', 'state', 'prompt', 'max_age', 'ui_locales']

/**
 * The browser's way in and out, as Authgear was recorded (shared/data/oauth.json): authorize, the login page, end_session.
 * Only `response_type=none`: the result is the session's cookie.
 * @param {FastifyInstance} app
 * @param {import('./resolver.mjs').Parts} parts
 */
export async function oauthRoutes (app, { options, directory, control, cookies }) {
  const clients = new Map((options.clients ?? []).map(client => [client.id, client]))
  const prefix = options.cookiePrefix ?? ''
  const originOf = (/** @type {FastifyRequest} */ { raw }) => {
    const { scheme, host } = readOrigin(raw, options.trustProxy ?? true) ?? { scheme: 'http', host: '' }
    return `${scheme}://${host}`
  }
  const schemeOf = (/** @type {FastifyRequest} */ request) => originOf(request).startsWith('https:') ? 'https' : 'http'
  const cookieOf = (/** @type {FastifyRequest} */ request) => readCredentials(request.raw.rawHeaders, prefix).session
  const sessionOf = (/** @type {FastifyRequest} */ request) => findSession({ bearer: undefined, appSession: undefined, appAccessToken: undefined, session: cookieOf(request) }, directory, '')

  readForms(app)

  app.get(AUTHORIZE, { exposeHeadRoute: false }, (request, reply) => {
    const query = queryOf(request)
    const problem = problemOf(query, clients)
    if (problem !== undefined) return reply.code(400).type('text/plain; charset=utf-8').send(`Invalid OAuth authorization request: ${problem}\n`)
    if (query.get('scope') === null) return sendBack(reply, query, { error: 'invalid_request', error_description: 'scope is required' })
    const session = sessionOf(request)
    if (session === undefined && cookieOf(request) !== undefined) reply.header('Set-Cookie', cookies.clear(schemeOf(request)))
    if (query.get('prompt') === 'none') return sendBack(reply, query, session === undefined ? { error: 'login_required', error_description: 'authentication required' } : {})
    return reply.header('Cache-Control', 'no-store').redirect(`${originOf(request)}/_internals/oauth_entrypoint?${carried(query)}`, 302)
  })
  app.head(AUTHORIZE, (_, reply) => reply.code(405).header('Allow', 'GET, OPTIONS, POST').send())

  app.get('/_internals/oauth_entrypoint', (request, reply) => reply.redirect(`/authflow/v2/select_account?${carried(queryOf(request))}`, 302))

  app.get('/authflow/v2/select_account', (request, reply) => {
    const query = queryOf(request)
    const session = sessionOf(request)
    const isForced = query.get('prompt') === 'login' || query.get('max_age') === '0'
    if (session === undefined || isForced) return reply.redirect(`/login-page?${carried(query)}`, 302)
    return page(reply, accountPage(session.user.name, carried(query)))
  })

  app.get('/login-page', (request, reply) => page(reply, loginPage([...directory.users.values()], carried(queryOf(request)), queryOf(request).get('ui_locales') ?? '')))

  app.post('/login-page', (request, reply) => {
    const query = queryOf(request)
    const user = directory.users.get(request.body instanceof URLSearchParams ? request.body.get('user') ?? '' : '')
    if (problemOf(query, clients) !== undefined) return reply.code(400).send('')
    if (user === undefined || user.disabled) return sendBack(reply, query, { error: 'access_denied', error_description: 'the user cancelled' })
    const scheme = schemeOf(request)
    reply.header('Set-Cookie', [cookies.set(control.knobs.signIn(user.name).cookie, scheme), cookies.setStrict(scheme)])
    return reply.redirect(`/oauth2/consent?${carried(query)}`, 303)
  })

  app.get('/oauth2/consent', (request, reply) => {
    const query = queryOf(request)
    return problemOf(query, clients) === undefined && sessionOf(request) !== undefined ? sendBack(reply, query, {}) : reply.code(400).send('')
  })

  app.get(END_SESSION, (request, reply) => {
    const query = queryOf(request)
    const session = sessionOf(request)
    if (session !== undefined && !/(?:^|[;, ])\w*same_site_strict=true(?:;|$)/.test(request.headers.cookie ?? '')) {
      const redirect = new URLSearchParams({ redirect_uri: `${originOf(request)}${request.url}` })
      return reply.header('Cache-Control', 'no-store').redirect(`${originOf(request)}/logout?${redirect}`, 302)
    }
    if (session !== undefined) endSession(request, reply)
    return sendOut(reply, query, originOf(request))
  })

  app.get('/logout', (request, reply) => page(reply, logoutPage(new URLSearchParams({ redirect_uri: queryOf(request).get('redirect_uri') ?? '' }).toString())))

  app.post('/logout', (request, reply) => {
    endSession(request, reply)
    const wanted = queryOf(request).get('redirect_uri') ?? ''
    const query = wanted.startsWith(`${originOf(request)}${END_SESSION}?`) ? new URL(wanted).searchParams : new URLSearchParams()
    return sendOut(reply, query, originOf(request))
  })

  /** @param {FastifyRequest} request @param {FastifyReply} reply */
  function endSession (request, reply) {
    control.knobs.signOut(cookieOf(request) ?? '')
    const scheme = schemeOf(request)
    reply.header('Set-Cookie', [cookies.clear(scheme), cookies.clearStrict(scheme)])
  }

  /** @param {FastifyReply} reply @param {URLSearchParams} query @param {string} origin */
  function sendOut (reply, query, origin) {
    const to = query.get('post_logout_redirect_uri') ?? ''
    if (![...clients.values()].some(client => client.postLogoutRedirectUris.includes(to))) return reply.header('Cache-Control', 'no-store').redirect(`${origin}/settings`, 302)
    const state = query.get('state')
    return seeOther(reply, withQuery(to, state === null ? {} : { state }))
  }
}

/** @param {URLSearchParams} query @param {ReadonlyMap<string, OAuthClient>} clients */
function problemOf (query, clients) {
  const client = clients.get(query.get('client_id') ?? '')
  if (client === undefined) return 'error: unauthorized_client error_description: invalid client ID'
  return client.redirectUris.includes(query.get('redirect_uri') ?? '') ? undefined : 'error: invalid_request error_description: redirect URI is not allowed'
}

/** @param {FastifyRequest} request */
function queryOf (request) {
  return new URL(request.url, 'http://simulator.invalid').searchParams
}

/** @param {URLSearchParams} query */
function carried (query) {
  return new URLSearchParams(Object.fromEntries(CARRIED.filter(name => query.has(name)).map(name => [name, query.get(name) ?? '']))).toString()
}

/** @param {FastifyReply} reply @param {URLSearchParams} query @param {Record<string, string>} parameters */
function sendBack (reply, query, parameters) {
  const state = query.get('state')
  return seeOther(reply, withQuery(query.get('redirect_uri') ?? '', state === null ? parameters : { ...parameters, state }))
}

/** @param {string} uri @param {Record<string, string>} parameters */
function withQuery (uri, parameters) {
  const query = new URLSearchParams(parameters).toString()
  return query === '' ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${query}`
}

/** Authgear's own way: a 303 with a page that leads there too. @param {FastifyReply} reply @param {string} location */
function seeOther (reply, location) {
  return reply.code(303).header('Location', location).header('Cache-Control', 'no-store').type('text/html; charset=utf-8').send('<!DOCTYPE html>\n')
}

/** @param {FastifyReply} reply @param {string} html */
function page (reply, html) {
  return reply.type('text/html; charset=utf-8').header('Cache-Control', 'no-store').send(html)
}
