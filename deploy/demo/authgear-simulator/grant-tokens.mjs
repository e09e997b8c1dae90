// @ts-check
import { createHash } from 'node:crypto'
import { hasDynamicClients } from './dynamic-clients.mjs'
import { accessSeconds, sidOf } from './grants.mjs'
import { userClaims } from './issuer.mjs'
import { refuse } from './oauth-query.mjs'
import { randomOpaque } from './tokens.mjs'

/** @import { OAuthClient, Session } from './types.d.mts' */
/** @import { Grant } from './grants.mjs' */
/** @typedef {import('./resolver.mjs').Parts} Parts */
/**
 * @typedef {object} SignInCode what a browser that signed in brings back to its app
 * @property {string} redirectUri
 * @property {string} challenge
 * @property {string} nonce
 * @property {string} scope
 * @property {string | undefined} resource
 * @property {boolean} sso
 * @property {Session} session the browser's
 * @property {readonly string[] | undefined} amr of an interactive login
 * @property {Grant | undefined} grant whose owner signed in again: no new one is made
 * @property {number} endsAt
 */

const CODE_MS = 300_000
const OTHER_RESOURCE = refuse('invalid_target', 'resource not found')

/** @param {URLSearchParams} form @param {string} name */
const field = (form, name) => form.get(name) ?? ''

/**
 * A token has one resource: none is added later. A project without dynamic clients does not know what a resource is.
 * @param {Parts} parts @param {URLSearchParams} form @param {string | undefined} resource
 */
const isElsewhere = ({ options }, form, resource) =>
  hasDynamicClients(options) && form.has('resource') && form.get('resource') !== resource

/**
 * The code for a client's sign-in.
 * @param {Parts} parts
 * @param {URLSearchParams} query of the authorization request
 * @param {Pick<SignInCode, 'session' | 'amr' | 'grant'>} how
 * @returns {{ code: string }} parameters of the way back
 */
export function signInCode ({ options, signInCodes, now }, query, how) {
  const code = randomOpaque()
  signInCodes.set(code, {
    ...how,
    redirectUri: field(query, 'redirect_uri'),
    challenge: field(query, 'code_challenge'),
    nonce: field(query, 'nonce'),
    scope: field(query, 'scope'),
    resource: hasDynamicClients(options) ? query.get('resource') ?? undefined : undefined,
    sso: query.get('x_sso_enabled') === 'true',
    endsAt: now() + CODE_MS
  })
  return { code }
}

/**
 * Any client may redeem a code; PKCE and the redirect URI alone bind it, and wrong tries do not burn it.
 * @param {Parts} parts @param {OAuthClient} client @param {URLSearchParams} form @param {string} iss
 */
export function redeemCode (parts, client, form, iss) {
  const { signInCodes, grants, chronicle, now } = parts
  const code = signInCodes.get(field(form, 'code'))
  const challenge = createHash('sha256').update(field(form, 'code_verifier')).digest('base64url')
  const fits = code !== undefined && now() < code.endsAt && (code.challenge === '' || code.challenge === challenge)
  if (!fits) return refuse('invalid_grant', 'invalid authorization code')
  if (code.redirectUri !== form.get('redirect_uri')) return refuse('invalid_request', 'invalid redirect URI')
  if (isElsewhere(parts, form, code.resource)) return OTHER_RESOURCE
  signInCodes.delete(field(form, 'code'))
  const { session, amr, nonce, scope, sso, resource } = code
  const { user, authenticatedAt } = session
  const grant = code.grant ?? grants.open({
    client, user, authenticatedAt, idp: session, sso, scope, resource
  })
  if (code.grant !== undefined) {
    grant.session.authenticatedAt = authenticatedAt
    chronicle.reauthenticated(user, grant.id)
  }
  const isKept = scope.split(' ').includes('offline_access')
  return {
    ...tokensOf(parts, grant, iss, { nonce, ...(amr === undefined ? {} : { amr }) }),
    ...(isKept ? { refresh_token: grant.refreshToken } : {})
  }
}

/**
 * No client proves itself here: a refresh token is all that it takes.
 * @param {Parts} parts @param {OAuthClient} client @param {URLSearchParams} form @param {string} iss
 */
export function refresh (parts, client, form, iss) {
  const { grants } = parts
  const grant = grants.byRefreshToken(field(form, 'refresh_token'))
  if (grant === undefined) return refuse('invalid_grant', 'invalid refresh token')
  // even one that is refused in the end
  if (client.rotation) grants.rotate(grant)
  if (grant.client.id !== client.id) return refuse('invalid_request', 'client id doesn\'t match the refresh token')
  if (isElsewhere(parts, form, grant.resource)) return OTHER_RESOURCE
  grants.touch(grant)
  return {
    ...tokensOf(parts, grant, iss, {}),
    ...(client.rotation ? { refresh_token: grant.refreshToken } : {})
  }
}

/** @param {Parts} parts @param {Grant} grant @param {string} iss @param {object} claims of this ID token alone */
function tokensOf ({ grants, issuer }, grant, iss, claims) {
  const { client, session, scope, resource } = grant
  const own = {
    sub: session.user.id,
    auth_time: session.authenticatedAt,
    ...userClaims(session.user)
  }
  const token = client.jwt || resource !== undefined
    ? issuer.accessToken(iss, { ...own, aud: [resource ?? iss], client_id: client.id, scope }, accessSeconds(client))
    : randomOpaque()
  grants.addAccessToken(grant, token)
  return {
    access_token: token,
    expires_in: accessSeconds(client),
    id_token: issuer.idToken(iss, { ...own, aud: [client.id], sid: sidOf(grant.id), ...claims }),
    ...(resource === undefined ? {} : { scope }),
    token_type: 'Bearer'
  }
}

/**
 * A refresh token ends its grant, an opaque access token itself; a JWT says yes and goes on.
 * @param {Parts} parts @param {string} token
 */
export function revoke ({ grants, directory, chronicle }, token) {
  const grant = grants.byRefreshToken(token)
  if (grant === undefined) {
    if (!token.startsWith('eyJ')) grants.dropAccessToken(token)
    return
  }
  const { idp, sso, session: { user } } = grant
  // with x_sso_enabled the browser's session and its other apps end too
  const others = sso && idp !== undefined ? directory.endSessions(session => session === idp) : []
  grants.end(one => one === grant)
  chronicle.signedOut(user, others.length > 0 ? others : [{ id: grant.id, type: 'offline_grant' }])
}
