// @ts-check
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto'
import { readForms } from './login-routes.mjs'
import { queryOf } from './oauth-query.mjs'

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @import { User } from './types.d.mts' */
/** @typedef {import('./resolver.mjs').Parts} Parts */
/**
 * @typedef {{ clientId: string, redirectUri: string, challenge: string, resource: string, scope: string, user: User }}
 *   Code
 */

const LIFE_SECONDS = 1800
const OF_SIGNING_IN = new Set(['openid', 'offline_access', 'profile', 'email'])
const USER_CLAIM = 'https://authgear.com/claims/user/'

/**
 * Tokens for resources as Authgear was recorded (test/fixtures/m2m.json): discovery, keys, the token endpoint for
 * machines; and for dynamic clients by authorization code with PKCE, as its specification says (not recorded).
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function tokenRoutes (app, parts) {
  readForms(app)
  const issuer = createIssuer()
  app.get('/oauth2/jwks', { exposeHeadRoute: false }, () => issuer.jwks)
  app.head('/oauth2/jwks', (_, reply) => reply.code(405).header('Allow', 'GET, OPTIONS').send())
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    app.get(`/.well-known/${name}`, (request) => discoveryOf(parts.browser.origin(request)))
  }
  app.post('/oauth2/register', (request, reply) => register(parts, request, reply))
  app.post('/oauth2/token', (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const answer = form.get('grant_type') === 'authorization_code'
      ? tokenOfCode(parts, form)
      : tokenOfMachine(parts.options, form, request.headers.authorization)
    if ('error' in answer) return reply.code(400).header('Cache-Control', 'no-store').send(answer)
    const { claims, scope } = answer
    return reply.header('Cache-Control', 'no-store').send({
      access_token: issuer.token(parts.browser.origin(request), { ...claims, scope }),
      expires_in: LIFE_SECONDS,
      scope,
      token_type: 'Bearer'
    })
  })
}

/** One RSA key, made at the start. */
function createIssuer () {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const key = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    jwks: { keys: [{ ...key, created_at: Math.floor(Date.now() / 1000) }] },
    token (/** @type {string} */ iss, /** @type {object} */ claims) {
      const iat = Math.floor(Date.now() / 1000)
      const own = { iss, iat, exp: iat + LIFE_SECONDS, jti: randomBytes(32).toString('hex') }
      const text = `${part({ alg: 'RS256', kid, typ: 'at+jwt' })}.${part({ ...claims, ...own })}`
      return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
    }
  }
}

/** @param {string} origin */
function discoveryOf (origin) {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/oauth2/authorize`,
    token_endpoint: `${origin}/oauth2/token`,
    registration_endpoint: `${origin}/oauth2/register`,
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

/** @param {string} error @param {string} description */
const refuse = (error, description) => ({ error, error_description: description })

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
    [`${USER_CLAIM}roles`]: user.roles,
    [`${USER_CLAIM}is_anonymous`]: user.anonymous,
    [`${USER_CLAIM}is_verified`]: user.verified,
    [`${USER_CLAIM}can_reauthenticate`]: user.canReauthenticate
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
  if (resource === undefined) return { error: 'invalid_target', error_description: 'resource not found' }
  if (query.get('code_challenge_method') !== 'S256') {
    return { error: 'invalid_request', error_description: 'PKCE is required' }
  }
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
  const asked = (query.get('scope') ?? '').split(' ')
  const open = resources.find(({ uri }) => uri === query.get('resource'))?.scopes ?? []
  const wrong = asked.find((scope) => !OF_SIGNING_IN.has(scope) && !open.includes(scope))
  if (wrong !== undefined) return refuse('invalid_scope', `specified scope is not allowed: ${wrong}`)
  return asked.includes('openid') ? undefined : refuse('invalid_scope', "must request 'openid' scope")
}
