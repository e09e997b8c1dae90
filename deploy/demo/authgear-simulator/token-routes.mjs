// @ts-check
import { redeemCode, refresh, revoke } from './grant-tokens.mjs'
import { readForms } from './login-routes.mjs'
import { clientOf, refuse } from './oauth-query.mjs'
import { elsewhere } from './public-routes.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { OAuthClient } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const LIFE_SECONDS = 1800
const TOO_MANY = refuse('x_rate_limited', 'rate limit exceeded, please try again later.')
/**
 * Tokens as Authgear was recorded to give them (test/fixtures/m2m.json, own-session.json), their revocation, and the
 * registration of dynamic clients.
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function tokenRoutes (app, parts) {
  readForms(app)
  const { dynamicClients } = parts
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
    return say(reply, 429, TOO_MANY)
  }
  const answer = tokensFor(parts, request, form)
  const isRefused = 'error' in answer
  if (isRefused) tokenFaults.refused()
  if (failure !== 'lost') return say(reply, answer === TOO_MANY ? 429 : isRefused ? 400 : 200, answer)
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
      return problemOfCode(client, form) ?? redeemCode(parts, /** @type {OAuthClient} */ (client), form, iss)
    case 'refresh_token': {
      const asking = client ?? parts.dynamicClients.deleted(form.get('client_id') ?? '')
      if (asking === undefined) return refuse('invalid_client', 'invalid client ID')
      if (!form.get('refresh_token')) return refuse('invalid_request', 'refresh token is required')
      return refresh(parts, asking, form, iss)
    }
    case 'client_credentials':
      return accessTokenOf(parts, iss, tokenOfMachine(parts, form, request.headers.authorization))
    default:
      return isKnown(parts, client, form, request)
        ? refuse('unsupported_grant_type', 'grant type is not supported')
        : refuse('invalid_client', 'invalid client ID')
  }
}

/**
 * @param {Parts} parts @param {OAuthClient | undefined} client @param {URLSearchParams} form
 * @param {FastifyRequest} request
 */
function isKnown ({ options: { machines = [] } }, client, form, { headers }) {
  const [id] = credentialsOf(form, headers.authorization)
  return client !== undefined || machines.some((one) => one.id === id)
}

/** @param {OAuthClient | undefined} client @param {URLSearchParams} form */
function problemOfCode (client, form) {
  if (client === undefined) return refuse('invalid_client', 'invalid client ID')
  if (!form.get('code')) return refuse('invalid_request', 'code is required')
  if (client.type === undefined || client.type === 'spa' || client.type === 'traditional_webapp') {
    if (!form.get('code_verifier')) return refuse('invalid_request', 'PKCE code verifier is required')
  }
  return problemOfSecret(client, form)
}

/**
 * A wrong secret is an invalid request, none an invalid client.
 * @param {OAuthClient} client @param {URLSearchParams} form
 */
function problemOfSecret (client, form) {
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

/** @typedef {{ error: string, error_description: string } | { claims: object, scope: string }} Answer */

/**
 * @param {Parts} parts
 * @param {URLSearchParams} form
 * @param {string | undefined} authorization
 * @returns {Answer}
 */
function tokenOfMachine ({ options: { machines = [], resources = [] }, tokenFaults, clients }, form, authorization) {
  const [id, secret] = credentialsOf(form, authorization)
  const client = machines.find((one) => one.id === id)
  if (client === undefined && clients().some((one) => one.id === id)) {
    return refuse('unauthorized_client', 'grant type is not allowed for this client')
  }
  if (client === undefined) return refuse('invalid_client', 'invalid client ID')
  const uri = form.get('resource') // of several the first counts
  if (uri === null) return refuse('invalid_target', 'resource is required')
  if (secret === undefined) return refuse('invalid_client', 'client secret is required')
  if (tokenFaults.isMachineOverLimit(client.id)) return TOO_MANY
  if (secret !== client.secret) return refuse('invalid_request', 'invalid client secret')
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
