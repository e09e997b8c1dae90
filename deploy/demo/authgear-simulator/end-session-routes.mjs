// @ts-check
import { logoutPage } from './oauth-pages.mjs'
import { hintOf, page, queryOf, seeOther, withQuery } from './oauth-query.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { Browser } from './oauth-routes.mjs' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const END_SESSION = '/oauth2/end_session'

/** @param {FastifyInstance} app @param {Parts} parts @param {Browser} browser */
export function endSessionRoutes (app, parts, browser) {
  const { control, cookies, clients } = parts
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
    if (!clients().some((client) => client.postLogoutRedirectUris.includes(to))) {
      return reply.header('Cache-Control', 'no-store').redirect(`${origin}/settings`, 302)
    }
    return seeOther(reply, withQuery(to, state === null ? {} : { state }))
  }
  app.get(END_SESSION, (request, reply) => {
    const origin = browser.origin(request)
    const isSignedIn = browser.session(request) !== undefined
    const hint = hintOf(parts, queryOf(request))
    // an expired hint is a good one; that of somebody else's session is none
    const isHinted = hint !== 'none' && hint?.['sub'] === browser.session(request)?.user.id
    if (isSignedIn && !isHinted && !/same_site_strict=true(?:;|$)/.test(request.headers.cookie ?? '')) {
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
