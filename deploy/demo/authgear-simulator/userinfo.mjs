// @ts-check
import { readCredentials } from './credentials.mjs'
import { readForms } from './login-routes.mjs'
import { createTrouble } from './trouble.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { Grant } from './grants.mjs' */
/** @import { Attributes, User, UserinfoCall, UserinfoControls, UserinfoFailure } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */
/** @typedef {{ at: number, verified: boolean, roles: readonly string[], attributes: Attributes }} Known */

const CLAIM = 'https://authgear.com/claims/user/'
const FULL = ['full-access', 'full-userinfo'].map(name => `https://authgear.com/scopes/${name}`)
/** Authgear's cache of a user, from which the ID token and the resolver answer, too. */
const CACHED_MS = 300_000
/** What a project keeps from bearers unless it says otherwise. */
const HIDDEN = new Set(['name', 'nickname', 'address', 'website'])
/** What a third-party client is told of by its scope. @type {Readonly<Record<string, readonly string[]>>} */
const BY_SCOPE = {
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  profile: ['preferred_username', 'given_name', 'family_name', 'picture', 'locale', 'zoneinfo', 'updated_at']
}

/** What a test may change about userinfo, and Authgear's cache behind it. @param {() => number} now */
export function createUserinfo (now) {
  const trouble = /** @type {typeof createTrouble<UserinfoFailure>} */ (createTrouble)()
  /** @type {UserinfoCall[]} */
  const calls = []
  /** @type {Map<string, Known>} */
  const cache = new Map()
  let hidesEmail = false

  /** @type {UserinfoControls} */
  const controls = {
    ...trouble.controls,
    hideEmail: hides => { hidesEmail = hides },
    get calls () { return calls }
  }
  return Object.freeze({
    controls: Object.freeze(controls),
    release: trouble.release,
    /** @param {UserinfoCall} call @param {AbortSignal} signal */
    async arrived (call, signal) {
      calls.push(call)
      await trouble.pass()
      await trouble.pause(signal)
      return trouble.next()
    },
    /** A page of Authgear's, and all but a verification by an administrator, forget it. @param {string} id */
    purge: id => { cache.delete(id) },
    /** @param {User} user @returns {Known} */
    read ({ id, verified, roles, attributes }) {
      const known = cache.get(id)
      if (known !== undefined && now() - known.at < CACHED_MS) return known
      const seen = Object.entries(attributes)
        .filter(([name]) => !HIDDEN.has(name) && !(hidesEmail && name === 'email'))
      const filled = { at: now(), verified, roles, attributes: Object.fromEntries(seen) }
      cache.set(id, filled)
      return filled
    }
  })
}

/** @typedef {ReturnType<typeof createUserinfo>} Userinfo */

/** `/oauth2/userinfo` as it was recorded. @param {FastifyInstance} app @param {Parts} parts */
export async function userinfoRoutes (app, parts) {
  readForms(app)
  app.get('/oauth2/userinfo', { exposeHeadRoute: false }, (request, reply) => answer(parts, request, reply))
  app.post('/oauth2/userinfo', (request, reply) => answer(parts, request, reply))
}

/** @param {Parts} parts @param {FastifyRequest} request @param {FastifyReply} reply */
async function answer (parts, request, reply) {
  const { userinfo, directory, closing } = parts
  const { session, grant } = askerOf(parts, request)
  const failure = await userinfo.arrived({
    user: session?.user.name,
    address: String(request.headers['x-forwarded-for'] ?? ''),
    userAgent: String(request.headers['user-agent'] ?? ''),
    hasCookie: request.headers.cookie !== undefined
  }, closing)
  if (failure === 'hang') return reply.hijack()
  if (failure === 'reset') { request.raw.socket.resetAndDestroy(); return reply.hijack() }
  if (failure === 'redirect') return reply.redirect('https://elsewhere.invalid/oauth2/userinfo', 307)
  if (failure === 'error') return reply.code(500).send({ error: { name: 'InternalError', code: 500 } })
  if (failure === 'garbage') return reply.type('text/html').send('<!doctype html><title>Hotel</title>')
  if (failure === 'endless') return reply.type('application/json').send(`{"sub":"${'x'.repeat(2 ** 20)}"}`)
  reply.headers({
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Set-Cookie': 'csp_nonce=simulated; Path=/; HttpOnly; Secure; SameSite=None',
    Vary: 'User-Agent, Origin',
    'X-Robots-Tag': 'noindex, nofollow'
  })
  if (session === undefined || session.user.outsideValidity || failure === 'refused') return refused(reply)
  if (grant !== undefined) parts.grants.touch(grant)
  const others = [...directory.users.values()].find(({ id }) => id !== session.user.id)
  const user = failure === 'foreign' && others !== undefined ? others : session.user
  return reply.header('Content-Type', 'application/json')
    .send(Buffer.from(JSON.stringify(claimsOf(user, userinfo.read(user), grant, session.isThirdParty))))
}

/** A bearer that is nobody's leaves the word to the cookie. @param {Parts} parts @param {FastifyRequest} request */
function askerOf ({ directory, grants, browser, options }, request) {
  const { bearer = '', session = '' } = readCredentials(request.raw.rawHeaders, options.cookiePrefix ?? '')
  const ofToken = directory.find.byAccessToken(bearer, browser.origin(request))
  return ofToken === undefined
    ? { session: directory.find.byCookie(session), grant: undefined }
    : { session: ofToken, grant: grants.byAccessToken(bearer) }
}

/** @param {FastifyReply} reply */
function refused (reply) {
  return reply.code(401)
    .header('WWW-Authenticate', 'Bearer error="invalid_grant", error_description="invalid session"')
    .type('text/plain; charset=utf-8')
    .send(JSON.stringify({ error: 'invalid_grant', error_description: 'invalid session' }))
}

/** @param {User} user @param {Known} known @param {Grant | undefined} grant @param {boolean} isThirdParty */
function claimsOf (user, { verified, roles, attributes }, grant, isThirdParty) {
  const scopes = grant?.scope.split(' ') ?? []
  const isFull = FULL.some(scope => scopes.includes(scope))
  const always = {
    sub: user.id,
    [`${CLAIM}is_anonymous`]: user.anonymous,
    [`${CLAIM}is_verified`]: verified,
    [`${CLAIM}can_reauthenticate`]: user.canReauthenticate,
    [`${CLAIM}roles`]: roles,
    ...(isFull ? { [`${CLAIM}authenticators`]: [], [`${CLAIM}identities`]: [] } : {})
  }
  if (!isThirdParty) return { ...always, ...attributes, updated_at: 1796008359, custom_attributes: {}, x_web3: {} }
  // without offline_access nothing
  const told = scopes.includes('offline_access') ? scopes.flatMap(scope => BY_SCOPE[scope] ?? []) : []
  return { ...always, ...Object.fromEntries(Object.entries(attributes).filter(([name]) => told.includes(name))) }
}
