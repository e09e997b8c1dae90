// @ts-check
import { problemOfScopes, refuse } from './oauth-query.mjs'

/** @import { OAuthClient, ResourceEntry, Session } from './types.d.mts' */
/** @import { Grant } from './grants.mjs' */

const FULL_ACCESS = 'https://authgear.com/scopes/full-access'
const SCOPES = new Set([
  'openid', 'offline_access', 'profile', 'email', 'address', 'phone', FULL_ACCESS,
  'https://authgear.com/scopes/full-userinfo'
])

/** Clients without a secret, on whose pages people may be asked again. @param {OAuthClient} client */
const isPublic = ({ type = 'traditional_webapp' }) => type === 'spa' || type === 'traditional_webapp'

/**
 * What is wrong with a request for a code to sign in, as recorded (docs/inside/authgear.md, "Sessions of apps").
 * @param {OAuthClient} client @param {URLSearchParams} query
 * @param {Record<string, unknown> | undefined | 'none'} hint undefined: it is no ID token of ours
 * @param {readonly ResourceEntry[] | undefined} resources what the project opened to dynamic clients, each with its
 *   scopes; undefined where there are no such clients
 */
export function problemOfSignIn (client, query, hint, resources) {
  const uri = query.get('resource') // of several the first counts
  const resource = resources?.find((one) => one.uri === uri)
  if (resources !== undefined && uri !== null && (resource === undefined || client.source === undefined)) {
    return refuse('invalid_target', 'resource not found')
  }
  return problemOfPrompt(query) ?? problemOfPkce(client, query) ??
    problemOfScopes(query, (scope) => SCOPES.has(scope) || resource?.scopes.includes(scope) === true) ??
    problemOfFullAccess(client, query) ?? problemOfHints(client, query, hint)
}

/** @param {OAuthClient} client @param {URLSearchParams} query */
function problemOfPkce (client, query) {
  if (!query.has('code_challenge')) {
    return isPublic(client) || client.source !== undefined
      ? refuse('invalid_request', 'PKCE code challenge is required for public clients')
      : undefined
  }
  if (query.get('code_challenge_method') === 'S256') return undefined
  return refuse('invalid_request', 'only \'S256\' PKCE transform is supported')
}

/** @param {OAuthClient} client @param {URLSearchParams} query */
function problemOfFullAccess (client, query) {
  const { refusesFullAccess = !isPublic(client) } = client
  if (!refusesFullAccess || !hasFullAccess(query.get('scope') ?? '')) return undefined
  return refuse('invalid_scope', 'full access is not allowed for this client')
}

/** @param {URLSearchParams} query */
function problemOfPrompt (query) {
  const prompts = query.get('prompt')?.split(' ') ?? []
  if (!prompts.includes('none')) return undefined
  if (prompts.length > 1) return refuse('invalid_request', 'prompt cannot have other values when none is set')
  if (!query.has('max_age')) return undefined
  return refuse(
    'invalid_request',
    'max_age could imply prompt=login so max_age cannot be present when prompt=none'
  )
}

/**
 * @param {OAuthClient} client @param {URLSearchParams} query
 * @param {Record<string, unknown> | undefined | 'none'} hint
 */
function problemOfHints (client, query, hint) {
  if (hint === undefined) return refuse('server_error', 'internal server error')
  const login = query.get('login_hint')
  if (login !== null && !login.startsWith('https://authgear.com/login_hint?')) {
    return refuse('invalid_request', `invalid login_hint: ${login}`)
  }
  if (query.get('x_sso_enabled') !== 'true' || !client.isAlone) return undefined
  return refuse('invalid_request', '\'sso_enabled\' must be false if config \'x_max_concurrent_session\' is 1')
}

/** @param {string} scope @returns {boolean} */
const hasFullAccess = (scope) => scope.split(' ').includes(FULL_ACCESS)

/**
 * What a signed-in browser sees next: nothing (`through`), *Continue as* (`account`), the page that asks the same
 * person again (`again`), the login. Asked again is only whose ID token has not ended and names a living grant of that
 * very client with full access.
 * @param {{
 *   query: URLSearchParams, session: Session, hint: Record<string, unknown> | undefined, grant: Grant | undefined
 * }} asked
 * @param {number} now seconds
 * @returns {'through' | 'account' | 'again' | 'login'}
 */
export function nextStep ({ query, session, hint, grant }, now) {
  const maxAge = query.get('max_age')
  const isTheirs = hint !== undefined && hint['sub'] === session.user.id
  // without a hint any max_age is a new login
  const isForced = query.get('prompt') === 'login' ||
    (maxAge !== null && (!isTheirs || maxAge === '0' || now - session.authenticatedAt > Number(maxAge)))
  if (!isForced) return isTheirs ? 'through' : 'account'
  const isFresh = isTheirs && Number(hint['exp']) > now
  const mayBeAsked = grant !== undefined && grant.client.id === query.get('client_id') && hasFullAccess(grant.scope)
  return isFresh && mayBeAsked ? 'again' : 'login'
}
