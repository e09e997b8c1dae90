// @ts-check

/** @import { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify' */
/** @typedef {import('./resolver.mjs').Parts} Parts */

const AUTHGEAR_SCOPE = 'https://authgear.com/scopes/'
/** As recorded; a client of MCP's newest specification asks for `offline_access` where it stands here. */
const SCOPES = [
  'offline_access', 'device_sso', 'openid', 'profile', 'email', 'address', 'phone',
  ...['full-access', 'full-userinfo', 'pre-authenticated-url'].map((name) => `${AUTHGEAR_SCOPE}${name}`)
]

const CLAIMS = [
  'iss', 'aud', 'iat', 'exp', 'sub', 'email', 'email_verified', 'phone_number', 'phone_number_verified',
  'preferred_username', 'family_name', 'given_name', 'middle_name', 'name', 'nickname', 'picture', 'profile', 'website',
  'gender', 'birthdate', 'zoneinfo', 'locale', 'address', 'updated_at'
]

/**
 * What anybody may read: discovery, keys, and whether there is a page to sign up.
 * @param {FastifyInstance} app
 * @param {Parts} parts
 */
export async function publicRoutes (app, parts) {
  const { issuer, browser } = parts
  app.get('/oauth2/jwks', { exposeHeadRoute: false }, () => issuer.jwks())
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    app.get(`/.well-known/${name}`, { exposeHeadRoute: false }, (request, reply) =>
      elsewhere(parts, request, reply) ??
        json(reply, JSON.stringify(discoveryOf(browser.origin(request), parts.options))))
  }
  app.get('/signup', { exposeHeadRoute: false }, (_request, reply) => parts.options.publicSignUp === true
    ? reply.type('text/html').send('<!doctype html><title>Sign up</title>')
    : reply.redirect('/login', 302))
}

/** Go writes no charset; any page may read it. @param {FastifyReply} reply @param {string} text */
const json = (reply, text) => reply
  .header('Content-Type', 'application/json')
  .header('Access-Control-Allow-Origin', '*')
  .send(Buffer.from(text))

/**
 * Only its public origin answers; who asks by another is sent there.
 * @param {Parts} parts @param {FastifyRequest} request @param {FastifyReply} reply
 */
export function elsewhere ({ options: { publicOrigin }, browser }, request, reply) {
  if (publicOrigin === undefined || browser.origin(request) === publicOrigin) return undefined
  return reply.redirect(`${publicOrigin}${request.url}`, 307)
}

/** @param {string} origin @param {Parts['options']} options */
function discoveryOf (origin, { registration = 'off', clientDocuments }) {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/oauth2/authorize`,
    token_endpoint: `${origin}/oauth2/token`,
    ...(registration === 'off' ? {} : { registration_endpoint: `${origin}/oauth2/register` }),
    ...(clientDocuments === undefined ? {} : { client_id_metadata_document_supported: true }),
    userinfo_endpoint: `${origin}/oauth2/userinfo`,
    revocation_endpoint: `${origin}/oauth2/revoke`,
    end_session_endpoint: `${origin}/oauth2/end_session`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    scopes_supported: SCOPES,
    jwks_uri: `${origin}/oauth2/jwks`,
    code_challenge_methods_supported: ['S256'],
    claims_supported: CLAIMS,
    dpop_signing_alg_values_supported: ['ES256', 'RS256'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code', 'urn:authgear:params:oauth:response-type:settings-action', 'none'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'client_secret_basic']
  }
}
