import { createHash, randomBytes } from 'node:crypto'
import type { LoginSettings } from '../../../base/login/settings.ts'
import { createAuthgearUrls } from '../../../base/login/urls.ts'
import { cookieName } from '../../../base/own-login/sites.ts'
import { FULL_ACCESS } from '../../../base/own-login/urls.ts'
import { type Finding, found } from '../catalogue.ts'
import { type Context, looked, type Outcome, type Probe, skipped } from '../check.ts'
import { askPage, noPage, type Page } from '../page.ts'

type Login = Pick<LoginSettings, 'clientId' | 'path'>
type OwnSettings = NonNullable<LoginSettings['own']>
type Ask = (address: string) => ReturnType<typeof askPage>

/** As a browser without a session: what Authgear says before anybody signs in. */
export const login: Probe = {
  title: 'Authgear knows the client of the login, and its redirect URIs',
  needs: 'authgear',
  async run (context) {
    const { config: { login, authgear: { endpoint, ca } } } = context
    if (login === undefined) return skipped('LOGIN_CLIENT_ID is not set')
    if (login.own !== undefined) return await askAboutClient(context, login, login.own)
    const how = { mode: 'silent', maxAge: undefined, locales: undefined } as const
    const ask: Ask = (address) => askPage(address, {}, ca)
    const page = await askAuthorize(ask, createAuthgearUrls(endpoint.origin, login).authorize('doctor', how))
    if ('kind' in page) return page
    return looked(judgeAuthorize(page, login, `${login.publicUrl}${login.path}/callback`))
  }
}

/** Findings about the client, whatever its addresses. */
const ON_EVERY_ORIGIN = new Set(['login-client', 'login-machine', 'login-sso'])

/** Authgear's answers about the client and each origin, before anybody signs in. */
async function askAboutClient (
  { config: { authgear: { endpoint, ca } } }: Context,
  login: Login,
  own: OwnSettings
): Promise<Outcome> {
  const ask: Ask = (address) => askPage(address, {}, ca)
  const findings: Finding[] = []
  for (const origin of own.origins) {
    const callback = `${origin}${login.path}/callback`
    const page = await askAuthorize(ask, authorizeUrl(endpoint.origin, login, callback, own, []))
    if ('kind' in page) return page
    const finding = judgeAuthorize(page, login, callback) ?? await loggedOut(ask, endpoint.origin, login, origin, own)
    if (finding !== undefined) findings.push(finding)
    if (ON_EVERY_ORIGIN.has(finding?.id ?? '')) break
  }
  if (findings.length > 0) return looked(...findings)
  return looked(await clientType(ask, endpoint.origin, login, own))
}

/** @returns what it says, or why it says nothing */
async function askAuthorize (ask: Ask, address: string): Promise<Page | Outcome> {
  const page = await ask(address)
  const endpoint = address.replace(/\?.*/s, '')
  if ('code' in page) return skipped(`${endpoint} does not answer (${page.code})`)
  return page.status >= 500 ? skipped(`${endpoint} answers ${page.status}`) : page
}

/** As a login asks first, with nobody signed in. */
function authorizeUrl (
  authgear: string, { clientId }: Login, callback: string, { sso }: OwnSettings, scopes: readonly string[]
): string {
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    scope: ['openid', 'offline_access', ...scopes].join(' '),
    redirect_uri: callback,
    prompt: 'none',
    state: 'doctor',
    nonce: 'doctor',
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
    x_sso_enabled: String(sso)
  })
  return `${authgear}/oauth2/authorize?${query.toString()}`
}

type Said = Readonly<{ error: string | undefined, description: string }>

/** The answer that a browser is sent back with; undefined for a page of Authgear's own. */
function sentBack ({ status, location = '' }: Page, callback: string): Said | undefined {
  if (status < 300 || status >= 400 || !location.startsWith(`${callback}?`) || !URL.canParse(location)) return undefined
  const query = new URL(location).searchParams
  return { error: query.get('error') ?? undefined, description: query.get('error_description') ?? '' }
}

/** Authgear answers 400 itself where it may send nobody back, and else sends the browser back with an error. */
function judgeAuthorize (page: Page, { clientId }: Login, callback: string): Finding | undefined {
  const { status, body } = page
  if (status === 400 && /invalid client ID/i.test(body)) {
    return found('login-client', `Authgear has no client ${clientId}`)
  }
  if (status === 400 && /m2m clients/i.test(body)) {
    return found('login-machine', `the client ${clientId} is a machine's`)
  }
  if (status === 400 && /redirect URI/i.test(body)) {
    return found('login-redirect-uri', `${callback} is not registered for the client ${clientId}`)
  }
  const said = sentBack(page, callback)
  if (said === undefined && status >= 300 && status < 400) return undefined // its own login page
  const { error, description } = said ?? { error: undefined, description: '' }
  if (error === 'login_required' || error === 'interaction_required') return undefined
  if (/sso_enabled/.test(description)) return found('login-sso', `the client ${clientId} refuses x_sso_enabled`)
  return found('login-refused', printable(`authorize answers ${status} ${error ?? ''} ${description}`))
}

/** Another program's words. */
const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '').trim().slice(0, 200)

/** With nobody signed in, end_session leads to a registered address at once, and to Authgear's settings else. */
async function loggedOut (
  ask: Ask, authgear: string, { clientId, path }: Login, origin: string, { hasLogoutUri }: OwnSettings
): Promise<Finding | undefined> {
  if (hasLogoutUri) return undefined // LOGOUT_REDIRECT_URI is a page of the operator's own
  const uri = `${origin}${path}/logged-out`
  const page = await ask(
    `${authgear}/oauth2/end_session?${new URLSearchParams({ post_logout_redirect_uri: uri }).toString()}`
  )
  if ('code' in page || page.status < 300 || page.status >= 400 || page.location?.startsWith(uri) === true) {
    return undefined
  }
  return found('login-logout-uri', `${uri} is perhaps not registered for the client ${clientId}`)
}

/** A client with a secret could not redeem what its login brings; full access is refused to it, before a login. */
async function clientType (
  ask: Ask, authgear: string, login: Login, own: OwnSettings
): Promise<Finding | undefined> {
  const callback = `${own.origins[0] ?? ''}${login.path}/callback`
  const page = await ask(authorizeUrl(authgear, login, callback, own, [FULL_ACCESS]))
  if ('code' in page || sentBack(page, callback)?.error !== 'invalid_scope') return undefined
  return found('login-client-type', `the client ${login.clientId} has a secret, or is a third party's`)
}

const BROWSER = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
const PROGRAM = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: 'application/json' }

/** As a stranger: the login's route leads here, says its own host, and the cookie comes through. */
export const ownSession: Probe = {
  title: 'the proxy leads to the login, and passes its cookie on',
  async run ({ config: { login, authgear: { endpoint, ca } }, options: { url, echo } }) {
    if (login?.own === undefined) return skipped('LOGIN_SESSION is not own')
    if (url === undefined) return skipped('--url says where clients reach the app')
    const origin = new URL(url).origin
    if (!login.own.origins.includes(origin)) {
      return looked(found('login-origin', `${origin} is not in LOGIN_PUBLIC_URL`))
    }
    const begun = await askPage(`${origin}${login.path}/login`, BROWSER, ca)
    if ('code' in begun) return looked(noPage(url, begun))
    const route = judgeRoute(begun, `${origin}${login.path}/`, endpoint.origin)
    if (route !== undefined) return looked(route)
    const cookie = `${cookieName(origin.startsWith('https:'))}=${randomBytes(32).toString('base64url')}`
    return looked(judgeCookie(await askPage(`${url}${echo}`, { ...PROGRAM, cookie }, ca), url))
  }
}

/** It sends the browser to Authgear, which sends it back to this very host. */
function judgeRoute (page: Page, base: string, authgear: string): Finding | undefined {
  const { status, location = '' } = page
  if (status !== 302 || !location.startsWith(`${authgear}/oauth2/authorize?`)) {
    return found('login-route', `${base}login answers ${status}, and does not lead to Authgear`)
  }
  const uri = new URL(location).searchParams.get('redirect_uri') ?? ''
  return uri === `${base}callback` ? undefined : found('login-route', `${base}login leads back to ${printable(uri)}`)
}

/** A session that is none is refused as such; where a cookie or the host was lost, as nobody's. */
function judgeCookie (
  page: Readonly<{ status: number }> & Partial<Page>, url: string
): Finding | undefined {
  return page.status === 401 && /no_credentials/.test(page.body ?? '')
    ? found('login-cookie-lost', `a request with a session's cookie to ${url} is one without to this service`)
    : undefined
}
