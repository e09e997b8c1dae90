// @ts-check
import { readCredentials } from './credentials.mjs'
import { readForms } from './login-routes.mjs'
import { accountPage, expiredPage, loginPage, logoutPage } from './oauth-pages.mjs'
import { carried, page, problemOf, queryOf, seeOther, sendBack, withQuery } from './oauth-query.mjs'
import { readOrigin } from './origin.mjs'
import { codeFor, scopeProblem } from './token-routes.mjs'
import { findSession } from './verdict.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const AUTHORIZE = '/oauth2/authorize'
const END_SESSION = '/oauth2/end_session'

/**
 * The browser's way in and out as Authgear was recorded (test/fixtures/oauth.json): authorize, the login page,
 * end_session. Only `response_type=none`: the result is the session's cookie.
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function oauthRoutes (app, parts) {
  const { browser } = parts
  readForms(app)
  authorizeRoutes(app, parts, browser)
  pageRoutes(app, parts, browser)
  endSessionRoutes(app, parts, browser)
}

/** @typedef {ReturnType<typeof readBrowser>} Browser */

/** What a request says of its browser. @param {Pick<Parts, 'options' | 'directory'>} parts */
export function readBrowser ({ options, directory }) {
  const cookie = (/** @type {FastifyRequest} */ request) =>
    readCredentials(request.raw.rawHeaders, options.cookiePrefix ?? '').session
  const origin = (/** @type {FastifyRequest} */ { raw }) => {
    const { scheme, host } = readOrigin(raw, options.trustProxy ?? true) ?? { scheme: 'http', host: '' }
    return `${scheme}://${host}`
  }
  return Object.freeze({
    cookie,
    origin,
    scheme: (/** @type {FastifyRequest} */ request) => (origin(request).startsWith('https:') ? 'https' : 'http'),
    session: (/** @type {FastifyRequest} */ request) =>
      findSession(
        { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: cookie(request) },
        directory,
        ''
      )
  })
}

/** @param {FastifyInstance} app @param {Parts} parts @param {Browser} browser */
function authorizeRoutes (app, parts, browser) {
  const { cookies, clients } = parts
  app.get(AUTHORIZE, { exposeHeadRoute: false }, (request, reply) => {
    const query = queryOf(request)
    const problem = problemOf(query, clients())
    if (problem !== undefined) {
      return reply.code(400).type('text/plain; charset=utf-8').send(`Invalid OAuth authorization request: ${problem}\n`)
    }
    if (query.get('scope') === null) {
      return sendBack(reply, query, { error: 'invalid_request', error_description: 'scope is required' })
    }
    const wrong = query.get('response_type') === 'code' ? scopeProblem(parts.options, query) : undefined
    if (wrong !== undefined) return sendBack(reply, query, wrong)
    const session = browser.session(request)
    if (session === undefined && browser.cookie(request) !== undefined) {
      reply.header('Set-Cookie', cookies.clear(browser.scheme(request)))
    }
    if (query.get('prompt') === 'none') {
      return sendBack(
        reply,
        query,
        session === undefined ? { error: 'login_required', error_description: 'authentication required' } : {}
      )
    }
    return reply
      .header('Cache-Control', 'no-store')
      .redirect(`${browser.origin(request)}/_internals/oauth_entrypoint?${carried(query)}`, 302)
  })
  app.head(AUTHORIZE, (_, reply) => reply.code(405).header('Allow', 'GET, OPTIONS, POST').send())
  app.get('/_internals/oauth_entrypoint', (request, reply) =>
    reply.header('Set-Cookie', underWay(carried(queryOf(request)))).redirect(`/authflow/v2/select_account?${carried(queryOf(request))}`, 302)
  )
  app.get('/oauth2/consent', (request, reply) => {
    const query = queryOf(request)
    const session = browser.session(request)
    if (problemOf(query, clients()) !== undefined || session === undefined) return reply.code(400).send('')
    return sendBack(reply, query, query.get('response_type') === 'code' ? codeFor(parts, request, session.user) : {})
  })
}

/**
 * A browser has one login under way, the newest: of two tabs the first to sign in goes on with the other's state, and
 * the other finds that it is over (recorded: `two-tabs` in test/fixtures/resolver-2.json).
 */
const UNDER_WAY = 'oauth_under_way'
const OVER = `${UNDER_WAY}=; Path=/; Max-Age=0; HttpOnly`

/** @param {string} query */
const underWay = (query) => `${UNDER_WAY}=${encodeURIComponent(query)}; Path=/; HttpOnly`

/** @param {FastifyRequest} request */
function queryUnderWay ({ headers }) {
  const [, query] = new RegExp(`(?:^|; )${UNDER_WAY}=([^;]+)`).exec(headers.cookie ?? '') ?? []
  return query === undefined ? undefined : decodeURIComponent(query)
}

/** @param {FastifyInstance} app @param {Parts} parts @param {Browser} browser */
function pageRoutes (app, { clients, directory, control, cookies }, browser) {
  app.get('/authflow/v2/select_account', (request, reply) => {
    const query = queryOf(request)
    const session = browser.session(request)
    const isForced = query.get('prompt') === 'login' || query.get('max_age') === '0'
    return session === undefined || isForced
      ? reply.redirect(`/login-page?${carried(query)}`, 302)
      : page(reply, accountPage(session.user.name, carried(query)))
  })
  app.get('/login-page', (request, reply) => {
    const query = queryOf(request)
    return page(reply, loginPage([...directory.users.values()], carried(query), query.get('ui_locales') ?? ''))
  })
  app.post('/login-page', (request, reply) => {
    const newest = queryUnderWay(request)
    if (newest === undefined) return page(reply, expiredPage())
    const query = new URLSearchParams(newest)
    if (problemOf(query, clients()) !== undefined) return reply.code(400).send('')
    const user = directory.users.get(request.body instanceof URLSearchParams ? request.body.get('user') ?? '' : '')
    if (user === undefined || user.disabled) {
      return sendBack(reply, query, { error: 'access_denied', error_description: 'the user cancelled' })
    }
    const scheme = browser.scheme(request)
    reply.header('Set-Cookie', [
      OVER,
      cookies.set(control.controls.signIn(user.name).cookie, scheme),
      cookies.setStrict(scheme)
    ])
    return reply.redirect(`/oauth2/consent?${carried(query)}`, 303)
  })
}

/** @param {FastifyInstance} app @param {Parts} parts @param {Browser} browser */
function endSessionRoutes (app, { options, control, cookies }, browser) {
  const end = (/** @type {FastifyRequest} */ request, /** @type {FastifyReply} */ reply) => {
    control.controls.signOut(browser.cookie(request) ?? '')
    const scheme = browser.scheme(request)
    reply.header('Set-Cookie', [cookies.clear(scheme), cookies.clearStrict(scheme)])
  }
  const sendOut = (
    /** @type {FastifyReply} */ reply,
    /** @type {URLSearchParams} */ query,
    /** @type {string} */ origin
  ) => {
    const to = query.get('post_logout_redirect_uri') ?? ''
    const state = query.get('state')
    if (!options.clients?.some((client) => client.postLogoutRedirectUris.includes(to))) {
      return reply.header('Cache-Control', 'no-store').redirect(`${origin}/settings`, 302)
    }
    return seeOther(reply, withQuery(to, state === null ? {} : { state }))
  }
  app.get(END_SESSION, (request, reply) => {
    const origin = browser.origin(request)
    const isSignedIn = browser.session(request) !== undefined
    if (isSignedIn && !/same_site_strict=true(?:;|$)/.test(request.headers.cookie ?? '')) {
      return reply
        .header('Cache-Control', 'no-store')
        .redirect(`${origin}/logout?${new URLSearchParams({ redirect_uri: `${origin}${request.url}` })}`, 302)
    }
    if (isSignedIn) end(request, reply)
    return sendOut(reply, queryOf(request), origin)
  })
  app.get('/logout', (request, reply) =>
    page(
      reply,
      logoutPage(new URLSearchParams({ redirect_uri: queryOf(request).get('redirect_uri') ?? '' }).toString())
    )
  )
  app.post('/logout', (request, reply) => {
    end(request, reply)
    const origin = browser.origin(request)
    const wanted = queryOf(request).get('redirect_uri') ?? ''
    return sendOut(
      reply,
      wanted.startsWith(`${origin}${END_SESSION}?`) ? new URL(wanted).searchParams : new URLSearchParams(),
      origin
    )
  })
}
