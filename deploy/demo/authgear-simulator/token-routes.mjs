// @ts-check
import { createHash, randomBytes } from 'node:crypto'
import { redeemCode, refresh, revoke } from './grant-tokens.mjs'
import { userClaims } from './issuer.mjs'
import { readForms } from './login-routes.mjs'
import { clientOf, problemOfScopes, queryOf, refuse } from './oauth-query.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { OAuthClient, User } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */
/**
 * @typedef {{ clientId: string, redirectUri: string, challenge: string, resource: string, scope: string, user: User }}
 *   Code
 */

const LIFE_SECONDS = 1800
const OF_SIGNING_IN = new Set(['openid', 'offline_access', 'profile', 'email'])

/**
 * Tokens for resources as Authgear was recorded (test/fixtures/m2m.json): discovery, keys, the token endpoint for
 * machines; and for dynamic clients by authorization code with PKCE, as its specification says (not recorded).
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function tokenRoutes (app, parts) {
  readForms(app)
  const { issuer, browser } = parts
  app.get('/oauth2/jwks', { exposeHeadRoute: false }, () => issuer.jwks())
  app.head('/oauth2/jwks', (_, reply) => reply.code(405).header('Allow', 'GET, OPTIONS').send())
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    app.get(`/.well-known/${name}`, { exposeHeadRoute: false }, (request, reply) =>
      elsewhere(parts, request, reply) ?? reply.send(discoveryOf(browser.origin(request))))
  }
  app.post('/oauth2/register', (request, reply) => register(parts, request, reply))
  app.post('/oauth2/token', (request, reply) => answerToken(parts, request, reply))
  app.post('/oauth2/revoke', (request, reply) => {
    const moved = elsewhere(parts, request, reply)
    if (moved !== undefined) return moved
    revoke(parts, formOf(request).get('token') ?? '')
    return reply.header('Cache-Control', 'no-store').send('')
  })
}

/** @param {FastifyRequest} request */
const formOf = ({ body }) => body instanceof URLSearchParams ? body : new URLSearchParams()

/**
 * Only its public origin answers; who asks by another is sent there.
 * @param {Parts} parts @param {FastifyRequest} request @param {FastifyReply} reply
 */
function elsewhere ({ options: { publicOrigin }, browser }, request, reply) {
  if (publicOrigin === undefined || browser.origin(request) === publicOrigin) return undefined
  return reply.redirect(`${publicOrigin}${request.url}`, 307)
}

/** @param {Parts} parts @param {FastifyRequest} request @param {FastifyReply} reply */
async function answerToken (parts, request, reply) {
  const { tokenFaults, closing, grants } = parts
  const form = formOf(request)
  const moved = elsewhere(parts, request, reply)
  if (moved !== undefined) return moved
  const failure = await tokenFaults.arrived(form.get('grant_type') === 'refresh_token', closing)
  if (failure === 'hang') return reply.hijack()
  if (failure === 'reset') return cut(request, reply)
  if (failure === 'redirect') return reply.redirect('https://elsewhere.invalid/oauth2/token', 307)
  if (failure === 'error') return say(reply, 500, refuse('server_error', 'internal server error'))
  const userId = grants.byRefreshToken(form.get('refresh_token') ?? '')?.session.user.id
  if (failure === 'rate-limited' || tokenFaults.isOverLimit(addressOf(request), userId)) {
    return say(reply, 429, refuse('x_rate_limited', 'rate limit exceeded, please try again later.'))
  }
  const answer = tokensFor(parts, request, form)
  if ('error' in answer) tokenFaults.refused()
  return failure === 'lost' ? cut(request, reply) : say(reply, 'error' in answer ? 400 : 200, answer)
}

/** @param {FastifyReply} reply @param {number} status @param {object} answer */
const say = (reply, status, answer) => reply.code(status).header('Cache-Control', 'no-store').send(answer)

/** @param {FastifyRequest} request @param {FastifyReply} reply */
function cut (request, reply) {
  request.raw.socket.resetAndDestroy()
  return reply.hijack()
}

/** @param {FastifyRequest} request */
const addressOf = (request) => String(request.headers['x-forwarded-for'] ?? request.ip).split(',')[0]?.trim() ?? ''

/** @param {Parts} parts @param {FastifyRequest} request @param {URLSearchParams} form @returns {object} */
function tokensFor (parts, request, form) {
  const iss = parts.browser.origin(request)
  const client = clientOf(form, parts.clients())
  switch (form.get('grant_type')) {
    case 'authorization_code':
      if (parts.codes.has(form.get('code') ?? '')) return accessTokenOf(parts, iss, tokenOfCode(parts, form))
      return problemOfClient(client, form) ?? redeemCode(parts, /** @type {OAuthClient} */ (client), form, iss)
    case 'refresh_token':
      if (client === undefined) return refuse('invalid_client', 'invalid client ID')
      return refresh(parts, client, form, iss)
    default: return accessTokenOf(parts, iss, tokenOfMachine(parts.options, form, request.headers.authorization))
  }
}

/**
 * A wrong secret is an invalid request, none an invalid client.
 * @param {OAuthClient | undefined} client @param {URLSearchParams} form
 */
function problemOfClient (client, form) {
  if (client === undefined) return refuse('invalid_client', 'invalid client ID')
  if (client.secret === undefined || form.get('client_secret') === client.secret) return undefined
  return form.has('client_secret')
    ? refuse('invalid_request', 'invalid client secret')
    : refuse('invalid_client', 'client secret is required')
}

/** @param {Parts} parts @param {string} iss @param {Answer} answer */
function accessTokenOf ({ issuer }, iss, answer) {
  if ('error' in answer) return answer
  const { claims, scope } = answer
  return {
    access_token: issuer.accessToken(iss, { ...claims, scope }, LIFE_SECONDS),
    expires_in: LIFE_SECONDS,
    scope,
    token_type: 'Bearer'
  }
}

/** @param {string} origin */
function discoveryOf (origin) {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/oauth2/authorize`,
    token_endpoint: `${origin}/oauth2/token`,
    registration_endpoint: `${origin}/oauth2/register`,
    revocation_endpoint: `${origin}/oauth2/revoke`,
    end_session_endpoint: `${origin}/oauth2/end_session`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    jwks_uri: `${origin}/oauth2/jwks`,
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code', 'none'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic']
  }
}

/**
 * RFC 7591, for public clients only, and only where the project opened it.
 * @param {Parts} parts
 * @param {FastifyRequest} request
 * @param {FastifyReply} reply
 */
function register ({ dynamicClients, options }, request, reply) {
  const { registration = 'off' } = options
  if (registration === 'off') {
    return reply.code(403).send(refuse('access_denied', 'dynamic client registration is not enabled'))
  }
  if (registration === 'by-token') {
    return reply.code(401).send(refuse('invalid_initial_access_token', 'an initial access token is required'))
  }
  const body = /** @type {Record<string, unknown>} */ (request.body ?? {})
  const uris = Array.isArray(body['redirect_uris']) ? body['redirect_uris'].map(String) : []
  const isNative = body['application_type'] === 'native'
  if (uris.length === 0 || body['token_endpoint_auth_method'] === 'client_secret_post') {
    return reply.code(400).send(refuse('invalid_client_metadata', 'redirect_uris, token_endpoint_auth_method'))
  }
  if (!uris.every((uri) => mayLeadTo(uri, isNative))) {
    return reply.code(400).send(refuse('invalid_redirect_uri', 'dcr: invalid redirect_uri'))
  }
  const client = { id: `dynamic-${randomBytes(8).toString('hex')}`, redirectUris: uris, postLogoutRedirectUris: [] }
  dynamicClients.push(client)
  return reply.code(201).send({ ...body, client_id: client.id, token_endpoint_auth_method: 'none' })
}

/** A program's own page is `http://localhost` or a scheme of its own. @param {string} uri @param {boolean} isNative */
function mayLeadTo (uri, isNative) {
  if (uri.startsWith('https://')) return true
  return isNative && (uri.startsWith('http:') ? new URL(uri).hostname === 'localhost' : true)
}

/** @typedef {{ error: string, error_description: string } | { claims: object, scope: string }} Answer */

/**
 * @param {Parts['options']} options
 * @param {URLSearchParams} form
 * @param {string | undefined} authorization
 * @returns {Answer}
 */
function tokenOfMachine ({ machines = [], resources = [] }, form, authorization) {
  const [id, secret] = credentialsOf(form, authorization)
  const client = machines.find((one) => one.id === id)
  if (client === undefined) return refuse('invalid_client', 'invalid client ID')
  if (secret === undefined) return refuse('invalid_client', 'client secret is required')
  if (secret !== client.secret) return refuse('invalid_request', 'invalid client secret')
  if (form.get('grant_type') !== 'client_credentials') {
    return refuse('unsupported_grant_type', 'grant type is not supported')
  }
  const uri = form.get('resource') // of several the first counts
  if (uri === null) return refuse('invalid_target', 'resource is required')
  const resource = resources.find((one) => one.uri === uri)
  if (resource === undefined) return refuse('invalid_target', 'resource not found')
  const allowed = resource.scopes.filter((scope) => client.scopes.includes(scope))
  const asked = form.get('scope')?.split(' ') ?? allowed
  const wrong = asked.find((scope) => !allowed.includes(scope))
  if (wrong !== undefined) return refuse('invalid_scope', `specified scope is not allowed: ${wrong}`)
  return { claims: { aud: [uri], client_id: client.id, sub: `client_id_${client.id}` }, scope: asked.join(' ') }
}

/** In the body, or Basic. @param {URLSearchParams} form @param {string | undefined} authorization */
function credentialsOf (form, authorization) {
  const [, basic] = /^Basic (.+)$/.exec(authorization ?? '') ?? []
  if (basic !== undefined) return Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent)
  return [form.get('client_id') ?? undefined, form.get('client_secret') ?? undefined]
}

/** @param {Parts} parts @param {URLSearchParams} form @returns {Answer} */
function tokenOfCode ({ codes }, form) {
  const code = codes.get(form.get('code') ?? '')
  codes.delete(form.get('code') ?? '')
  const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url')
  if (
    code === undefined || code.challenge !== challenge || code.clientId !== form.get('client_id') ||
    code.redirectUri !== form.get('redirect_uri')
  ) {
    return refuse('invalid_grant', 'invalid code')
  }
  const { clientId, resource, scope, user } = code
  const claims = {
    aud: [resource],
    client_id: clientId,
    sub: user.id,
    auth_time: Math.floor(Date.now() / 1000),
    ...userClaims(user)
  }
  return { claims, scope }
}

/**
 * The code that a signed-in browser brings back to its client.
 * @param {Parts} parts
 * @param {FastifyRequest} request
 * @param {User} user
 * @returns {Record<string, string>} parameters of the way back
 */
export function codeFor ({ codes, options }, request, user) {
  const query = queryOf(request)
  const uri = query.get('resource') ?? ''
  const resource = options.resources?.find((one) => one.uri === uri)
  if (resource === undefined) return refuse('invalid_target', 'resource not found')
  if (query.get('code_challenge_method') !== 'S256') return refuse('invalid_request', 'PKCE is required')
  const code = randomBytes(16).toString('hex')
  codes.set(code, {
    clientId: query.get('client_id') ?? '',
    redirectUri: query.get('redirect_uri') ?? '',
    challenge: query.get('code_challenge') ?? '',
    resource: uri,
    scope: query.get('scope') ?? '',
    user
  })
  return { code }
}

/**
 * What a client that a person lets in may ask for: `openid` always, else what the resource opened to such clients.
 * @param {Parts['options']} options
 * @param {URLSearchParams} query
 */
export function scopeProblem ({ resources = [] }, query) {
  const open = resources.find(({ uri }) => uri === query.get('resource'))?.scopes ?? []
  return problemOfScopes(query, (scope) => OF_SIGNING_IN.has(scope) || open.includes(scope))
}
