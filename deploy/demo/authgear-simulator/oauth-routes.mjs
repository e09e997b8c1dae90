// @ts-check
import { readCredentials } from './credentials.mjs'
import { endSessionRoutes } from './end-session-routes.mjs'
import { signInCode } from './grant-tokens.mjs'
import { hasDynamicClients } from './dynamic-clients.mjs'
import { readForms } from './login-routes.mjs'
import { accountPage, againPage, expiredPage, loginPage } from './oauth-pages.mjs'
import {
  carried, clientOf, hintOf, page, problemOf, problemOfResponseType, queryOf, refuse, sendBack
} from './oauth-query.mjs'
import { readOrigin } from './origin.mjs'
import { settingsRoutes } from './settings-routes.mjs'
import { nextStep, problemOfSignIn } from './sign-in.mjs'
import { findSession } from './verdict.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { Session } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const AUTHORIZE = '/oauth2/authorize'
const LOGIN_REQUIRED = refuse('login_required', 'authentication required')

/**
 * The browser's way in and out as Authgear was recorded (test/fixtures/oauth.json): authorize, the login page,
 * end_session. With `response_type=none` the result is the session's cookie, with `code` a code as well.
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function oauthRoutes (app, parts) {
  const { browser } = parts
  readForms(app)
  authorizeRoutes(app, parts, browser)
  pageRoutes(app, parts, browser)
  endSessionRoutes(app, parts, browser)
  settingsRoutes(app, parts, browser)
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
  const { cookies, clients, dynamicClients } = parts
  app.get(AUTHORIZE, { exposeHeadRoute: false }, authorize)
  app.post(AUTHORIZE, authorize)
  /** @param {FastifyRequest} request @param {FastifyReply} reply */
  function authorize (request, reply) {
    const query = queryOf(request)
    dynamicClients.resolve(query.get('client_id') ?? '')
    const problem = problemOf(query, clients(), browser.origin(request))
    if (problem !== undefined) {
      return reply.code(400).type('text/plain; charset=utf-8').send(`Invalid OAuth authorization request: ${problem}\n`)
    }
    const wrong = problemOfResponseType(query) ?? problemOfCode(parts, query)
    if (wrong !== undefined) return sendBack(reply, query, wrong)
    const session = browser.session(request)
    if (session === undefined && browser.cookie(request) !== undefined) {
      reply.header('Set-Cookie', cookies.clear(browser.scheme(request)))
    }
    if (query.get('prompt') === 'none') {
      const hint = hintOf(parts, query)
      const isTheirs = session !== undefined && (hint === 'none' || hint?.['sub'] === session.user.id)
      if (!isTheirs) return sendBack(reply, query, LOGIN_REQUIRED)
      const lacking = problemOfConsent(parts, query, session)
      if (lacking !== undefined) return sendBack(reply, query, lacking)
      return sendBack(reply, query, query.get('response_type') === 'code' ? codeOf(parts, request, session) : {})
    }
    return reply
      .header('Cache-Control', 'no-store')
      .redirect(`${browser.origin(request)}/_internals/oauth_entrypoint?${carried(query)}`, 302)
  }
  app.get('/_internals/oauth_entrypoint', (request, reply) =>
    reply.header('Set-Cookie', underWay(carried(queryOf(request)))).redirect(`/authflow/v2/select_account?${carried(queryOf(request))}`, 302)
  )
  app.get('/oauth2/consent', (request, reply) => {
    const query = queryOf(request)
    const session = browser.session(request)
    const problem = problemOf(query, clients(), browser.origin(request))
    if (problem !== undefined || session === undefined) return reply.code(400).send('')
    const client = clientOf(query, clients())
    if (client !== undefined) parts.consents.give(session.user, client, query.get('scope') ?? '')
    return sendBack(reply, query, query.get('response_type') === 'code' ? codeOf(parts, request, session) : {})
  })
}

/** @param {Parts} parts @param {URLSearchParams} query @param {Session} session */
function problemOfConsent ({ clients, consents }, query, { user }) {
  const client = clientOf(query, clients())
  return client && consents.problemOf(user, client, query.get('scope') ?? '')
}

/** @param {Parts} parts @param {URLSearchParams} query */
function problemOfCode (parts, query) {
  if (query.get('response_type') !== 'code') return undefined
  const client = clientOf(query, parts.clients())
  const { options } = parts
  return client && problemOfSignIn(client, query, hintOf(parts, query), resourcesOf(options))
}

/** @param {Parts['options']} options */
const resourcesOf = (options) => hasDynamicClients(options) ? options.resources ?? [] : undefined

/** @param {Parts} parts @param {FastifyRequest} request @param {Session} session */
function codeOf (parts, request, session) {
  const query = queryOf(request)
  const again = parts.askedAgain.get(session)
  parts.askedAgain.delete(session)
  const isNew = query.get('scope')?.split(' ').includes('offline_access')
  const isInteractive = query.get('prompt') !== 'none'
  return signInCode(parts, query, {
    session,
    amr: isInteractive ? session.amr : undefined,
    grant: isNew ? undefined : again
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
function pageRoutes (app, parts, browser) {
  const { clients, directory, control, cookies, now } = parts
  app.get('/authflow/v2/select_account', (request, reply) => {
    const query = queryOf(request)
    const session = browser.session(request)
    switch (session === undefined ? 'login' : stepOf(parts, query, session)) {
      case 'login': return reply.redirect(`/login-page?${carried(query)}`, 302)
      case 'through': return reply.redirect(`/oauth2/consent?${carried(query)}`, 302)
      case 'again': return page(reply, againPage(session?.user.name ?? '', carried(query)))
      case 'account': return page(reply, accountPage(session?.user.name ?? '', carried(query)))
    }
  })
  app.post('/reauth', (request, reply) => {
    const query = queryOf(request)
    const session = browser.session(request)
    const hint = hintOf(parts, query)
    if (session === undefined || hint === 'none' || hint === undefined) return page(reply, expiredPage())
    signInAgain(parts, session, hint, Math.floor(now() / 1000))
    return reply.redirect(`/oauth2/consent?${carried(query)}`, 303)
  })
  app.get('/login-page', (request, reply) => {
    const query = queryOf(request)
    return page(reply, loginPage([...directory.users.values()], carried(query), query.get('ui_locales') ?? ''))
  })
  app.post('/login-page', (request, reply) => {
    const newest = queryUnderWay(request)
    if (newest === undefined) return page(reply, expiredPage())
    const query = new URLSearchParams(newest)
    if (problemOf(query, clients(), browser.origin(request)) !== undefined) return reply.code(400).send('')
    const user = directory.users.get(request.body instanceof URLSearchParams ? request.body.get('user') ?? '' : '')
    if (user === undefined || user.disabled) {
      return sendBack(reply, query, refuse('access_denied', 'the user cancelled'))
    }
    const scheme = browser.scheme(request)
    // the browser's old session ends with its apps', and nothing says so
    const old = browser.session(request)
    directory.endSessions(session => session === old)
    reply.header('Set-Cookie', [
      OVER,
      cookies.set(control.controls.signIn(user.name).cookie, scheme),
      cookies.setStrict(scheme)
    ])
    return reply.redirect(`/oauth2/consent?${carried(query)}`, 303)
  })
}

/** @param {Parts} parts @param {URLSearchParams} query @param {Session} session */
function stepOf (parts, query, session) {
  const client = clientOf(query, parts.clients())
  const hint = hintOf(parts, query)
  if (query.get('response_type') === 'code' && client !== undefined) {
    const claims = hint === 'none' ? undefined : hint
    return nextStep({ query, session, hint: claims, grant: grantOf(parts, claims) }, Math.floor(parts.now() / 1000))
  }
  return query.get('prompt') === 'login' || query.get('max_age') === '0' ? 'login' : 'account'
}

/** That an ID token names. @param {Pick<Parts, 'grants'>} parts @param {Record<string, unknown> | undefined} hint */
const grantOf = ({ grants }, hint) =>
  grants.byId(Buffer.from(String(hint?.['sid']), 'base64url').toString().replace('offline_grant:', ''))

/**
 * The session of the browser is as of now, that of the app once its code is redeemed; other apps keep their old time.
 * @param {Parts} parts @param {Session} session @param {Record<string, unknown>} hint @param {number} now
 */
function signInAgain (parts, session, hint, now) {
  const grant = grantOf(parts, hint)
  if (grant === undefined) return
  session.authenticatedAt = now
  parts.askedAgain.set(session, grant)
}
