// @ts-check
import { readCredentials } from './credentials.mjs'
import { loginPage } from './login-page.mjs'
import { readOrigin } from './origin.mjs'

/** @import { FastifyInstance, FastifyRequest } from 'fastify' */

/**
 * A stand-in for Authgear's login: choose who you are, get the cookie. Signing in makes a new session, signing out ends
 * it.
 * @param {FastifyInstance} app
 * @param {import('./resolver.mjs').Parts} parts
 */
export async function loginRoutes (app, { options, directory, control, cookies }) {
  const path = options.loginPath ?? '/login'
  const sessionOf = (/** @type {FastifyRequest} */ request) =>
    readCredentials(request.raw.rawHeaders, options.cookiePrefix ?? '').session ?? ''
  const scheme = (/** @type {FastifyRequest} */ request) =>
    readOrigin(request.raw, options.trustProxy ?? true)?.scheme ?? 'http'

  readForms(app)

  app.get(path, (request, reply) => {
    const current = directory.find.byCookie(sessionOf(request))?.user.name
    return reply
      .type('text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .send(
        loginPage({
          path,
          users: [...directory.users.values()],
          current,
          back: backTo(field(request.query, 'rd'), path)
        })
      )
  })

  app.post(path, (request, reply) => {
    const user = directory.users.get(formField(request, 'user'))
    if (user === undefined || user.disabled) {
      return reply.code(403).type('text/plain').send('Authgear signs this user in no more.\n')
    }
    return reply.header('Set-Cookie', cookies.set(control.controls.signIn(user.name).cookie, scheme(request)))
      .redirect(backTo(formField(request, 'rd'), path), 303)
  })

  app.post(`${path}/logout`, (request, reply) => {
    control.controls.signOut(sessionOf(request))
    return reply
      .header('Set-Cookie', cookies.clear(scheme(request)))
      .redirect(backTo(formField(request, 'rd'), path), 303)
  })
}

/** @param {FastifyInstance} app */
export function readForms (app) {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4096 },
    (_, body, done) => {
      done(null, new URLSearchParams(String(body)))
    }
  )
}

/** @param {unknown} query @param {string} name */
function field (query, name) {
  const value = /** @type {Record<string, unknown>} */ (query)[name]
  return typeof value === 'string' ? value : ''
}

/** @param {FastifyRequest} request @param {string} name */
function formField (request, name) {
  return request.body instanceof URLSearchParams ? request.body.get(name) ?? '' : ''
}

/**
 * Only a path of this site: anything that a browser could read as another host goes back to the login page.
 * @param {string} wanted
 * @param {string} fallback
 */
export function backTo (wanted, fallback) {
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(wanted)) return fallback
  const url = new URL(wanted, 'http://same-site.invalid')
  // "/.//host" begins with one slash and ends up with two
  return url.pathname.startsWith('//') ? fallback : `${url.pathname}${url.search}`
}
