// @ts-check
import { sessionsPage } from './oauth-pages.mjs'
import { page } from './oauth-query.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { Browser } from './oauth-routes.mjs' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

/**
 * Authgear's page where people see their sessions. Visitors without one sign in first.
 * @param {FastifyInstance} app @param {Pick<Parts, 'options'>} parts @param {Browser} browser
 */
export function settingsRoutes (app, { options }, browser) {
  const show = (/** @type {FastifyRequest} */ request, /** @type {FastifyReply} */ reply) => {
    const session = browser.session(request)
    if (session !== undefined) return page(reply, sessionsPage(session.user.name))
    return reply.redirect(`${options.loginPath ?? '/login'}?${new URLSearchParams({ rd: request.url })}`, 302)
  }
  app.get('/settings', show)
  app.get('/settings/sessions', show)
}
