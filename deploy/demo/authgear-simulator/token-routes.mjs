// @ts-check
import { redeemCode, refresh, revoke } from './grant-tokens.mjs'
import { readForms } from './login-routes.mjs'
import { clientOf, refuse } from './oauth-query.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { OAuthClient } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const LIFE_SECONDS = 1800
const AUTHGEAR_SCOPE = 'https://authgear.com/scopes/'
/** As recorded; a client of MCP's newest specification asks for `offline_access` where it stands here. */
const SCOPES = [
  'offline_access', 'device_sso', 'openid', 'profile', 'email', 'address', 'phone',
  ...['full-access', 'full-userinfo', 'pre-authenticated-url'].map((name) => `${AUTHGEAR_SCOPE}${name}`)
]

/**
 * Tokens for resources as Authgear was recorded (test/fixtures/m2m.json): discovery, keys, the token endpoint for
 * machines; and the registration of dynamic clients.
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function tokenRoutes (app, parts) {
  readForms(app)
  const { issuer, browser, dynamicClients } = parts
  app.get('/oauth2/jwks', { exposeHeadRoute: false }, () => issuer.jwks())
  app.head('/oauth2/jwks', (_, reply) => reply.code(405).header('Allow', 'GET, OPTIONS').send())
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    app.get(`/.well-known/${name}`, { exposeHeadRoute: false }, (request, reply) =>
      elsewhere(parts, request, reply) ?? reply.send(discoveryOf(browser.origin(request), parts.options)))
  }
  app.post('/oauth2/register', (request, reply) => {
    const { status, answer } = dynamicClients.register(request.body)
    return reply.code(status).send(answer)
  })
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
  const isRefused = 'error' in answer
  if (isRefused) tokenFaults.refused()
  if (failure !== 'lost') return say(reply, isRefused ? 400 : 200, answer)
  if (!isRefused) tokenFaults.lost(form.get('refresh_token') ?? '')
  return cut(request, reply)
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
      return problemOfClient(client, form) ?? redeemCode(parts, /** @type {OAuthClient} */ (client), form, iss)
    case 'refresh_token': {
      const asking = client ?? parts.dynamicClients.deleted(form.get('client_id') ?? '')
      return asking === undefined ? refuse('invalid_client', 'invalid client ID') : refresh(parts, asking, form, iss)
    }
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

/** @param {string} origin @param {Parts['options']} options */
function discoveryOf (origin, { registration = 'off', clientDocuments }) {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/oauth2/authorize`,
    token_endpoint: `${origin}/oauth2/token`,
    ...(registration === 'off' ? {} : { registration_endpoint: `${origin}/oauth2/register` }),
    ...(clientDocuments === undefined ? {} : { client_id_metadata_document_supported: true }),
    revocation_endpoint: `${origin}/oauth2/revoke`,
    end_session_endpoint: `${origin}/oauth2/end_session`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    scopes_supported: SCOPES,
    jwks_uri: `${origin}/oauth2/jwks`,
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code', 'none'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic']
  }
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
