import { createHash, randomBytes } from 'node:crypto'
import { ownCookieName } from '../../base/core/credentials.ts'
import type { Asked, At, Checked, CommonFinding, Found } from '../../base/parts/findings.ts'
import type { FindingId } from './findings.ts'
import { createAuthgearUrls, FULL_ACCESS } from './flow/urls.ts'
import { LOGIN_LIFETIME_MS } from './flow/state.ts'
import { siteOf } from './flow/sites.ts'
import type { LoginSettings, SignInSettings } from './variables.ts'

type Login = Pick<LoginSettings, 'clientId' | 'path'>
type OwnSettings = NonNullable<LoginSettings['own']>
type Ask = At['ask']
type Finding = Found<FindingId | CommonFinding>
type Page = Extract<Asked, { kind: 'answered' }>
type Outcome = Checked<FindingId>

const found = (id: FindingId | CommonFinding, what: string): Finding => [id, what]
const skipped = (why: string): Outcome => ({ kind: 'skipped', why })
const looked = (...findings: ReadonlyArray<Finding | undefined>): Outcome =>
  ({ kind: 'looked', findings: findings.filter((finding) => finding !== undefined) })

/** Asks as a browser without a session: the answer is what Authgear says before anybody signs in. */
export async function checkClient ({ login }: SignInSettings, { ask, authgear }: At): Promise<Outcome> {
  if (login === undefined) return skipped('LOGIN_CLIENT_ID is not set')
  const { endpoint: { origin } } = authgear
  if (login.own !== undefined) return await askAboutClient(ask, origin, login, login.own)
  const how = { mode: 'silent', locales: undefined } as const
  const nobody = { secret: '', host: '' }
  const { authorize } = createAuthgearUrls(origin, login)
  const page = await askAuthorize(ask, authorize(siteOf(login, true), nobody, 'doctor', how))
  if (page.kind !== 'answered') return page
  return looked(judgeAuthorize(page, login, `${login.publicUrl}${login.path}/callback`))
}

/** Findings about the client, whatever its addresses. */
const ON_EVERY_ORIGIN = new Set(['login-client', 'login-machine', 'login-sso'])

/** Authgear's answers about the client and each origin, before anybody signs in. */
async function askAboutClient (ask: Ask, authgear: string, login: Login, own: OwnSettings): Promise<Outcome> {
  const findings: Finding[] = []
  for (const origin of own.origins) {
    const callback = `${origin}${login.path}/callback`
    const page = await askAuthorize(ask, authorizeUrl(authgear, login, callback, own, []))
    if (page.kind !== 'answered') return page
    const finding = judgeAuthorize(page, login, callback) ?? await loggedOut(ask, authgear, login, origin, own)
    if (finding !== undefined) findings.push(finding)
    if (ON_EVERY_ORIGIN.has(finding?.[0] ?? '')) break
  }
  if (findings.length > 0) return looked(...findings)
  return looked(await clientType(ask, authgear, login, own))
}

/** @returns its answer, or why there is none */
async function askAuthorize (ask: Ask, address: string): Promise<Page | Outcome> {
  const page = await ask(address)
  const endpoint = address.replace(/\?.*/s, '')
  if (page.kind !== 'answered') return skipped(`${endpoint} does not answer (${page.code})`)
  return page.status >= 500 ? skipped(`${endpoint} answers ${page.status}`) : page
}

/** The address that a login asks first, with nobody signed in. */
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

/**
 * Judges the address after a sign-out: with nobody signed in, end_session leads to a registered address at once, and to
 * Authgear's settings else.
 */
async function loggedOut (
  ask: Ask, authgear: string, { clientId, path }: Login, origin: string, { hasLogoutUri }: OwnSettings
): Promise<Finding | undefined> {
  if (hasLogoutUri) return undefined // LOGOUT_REDIRECT_URI is a page of the operator's own
  const uri = `${origin}${path}/logged-out`
  const page = await ask(
    `${authgear}/oauth2/end_session?${new URLSearchParams({ post_logout_redirect_uri: uri }).toString()}`
  )
  if (page.kind !== 'answered' || page.status < 300 || page.status >= 400 || page.location?.startsWith(uri) === true) {
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
  if (page.kind !== 'answered' || sentBack(page, callback)?.error !== 'invalid_scope') return undefined
  return found('login-client-type', `the client ${login.clientId} has a secret, or is a third party's`)
}

const BROWSER = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
const PROGRAM = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: 'application/json' }

/** Asks as a stranger: the login's route leads here, says its own host, and the cookie comes through. */
export async function checkWay ({ login }: SignInSettings, { url, echo, ask, authgear }: At): Promise<Outcome> {
  if (login?.own === undefined) return skipped('LOGIN_SESSION is not own')
  if (url === undefined) return skipped('--url says where clients reach the app')
  const origin = new URL(url).origin
  if (!login.own.origins.includes(origin)) return looked(found('login-origin', `${origin} is not in LOGIN_PUBLIC_URL`))
  const begun = await ask(`${origin}${login.path}/login`, BROWSER)
  if (begun.kind !== 'answered') {
    return looked(found(begun.kind === 'unbelieved' ? 'app-certificate' : 'app-unreachable', begun.what))
  }
  const route = judgeRoute(begun, `${origin}${login.path}/`, authgear.endpoint.origin)
  if (route !== undefined) return looked(route)
  const cookie = `${ownCookieName(origin.startsWith('https:'))}=${randomBytes(32).toString('base64url')}`
  return looked(judgeCookie(await ask(`${url}${echo}`, { ...PROGRAM, cookie }), url))
}

/** It sends the browser to Authgear, which sends it back to this very host. */
function judgeRoute (page: Page, base: string, authgear: string): Finding | undefined {
  const { status, location = '' } = page
  if (status !== 302 || !location.startsWith(`${authgear}/oauth2/authorize?`)) {
    return found('login-route', `${base}login answers ${status}, and does not lead to Authgear`)
  }
  const uri = new URL(location).searchParams.get('redirect_uri') ?? ''
  return uri === `${base}callback` ? undefined : found('login-route', `${base}login returns to ${printable(uri)}`)
}

/** A session that is none is refused as such; where a cookie or the host was lost, as nobody's. */
function judgeCookie (page: Asked, url: string): Finding | undefined {
  return page.kind === 'answered' && page.status === 401 && /no_credentials/.test(page.body)
    ? found('login-cookie-lost', `a request with a session's cookie to ${url} is one without to this service`)
    : undefined
}

/** Nothing says how far a rollout is. */
export async function checkRotation ({ login }: SignInSettings): Promise<Outcome> {
  if (login?.previousSecret === undefined) return skipped('LOGIN_SECRET_PREVIOUS is not set')
  return looked(found(
    'rotation',
    `LOGIN_SECRET_PREVIOUS is needed until ${LOGIN_LIFETIME_MS / 60_000} minutes after the rollout of LOGIN_SECRET ` +
      'has ended'
  ))
}
