import { type IdTokenReading, readIdToken, type SignedIn } from '../../authgear/id-token.ts'
import type { Tokens } from '../../authgear/token-endpoint.ts'
import { GrantRefused, IdTokenRefused, ResolverError, SessionsUnreachable } from '../../errors.ts'
import { credentialContextOf } from '../http/request.ts'
import type { Handler, HandlerResult, VerifyRequest } from '../http/types.ts'
import { credentialsOfCookie, ownCredentials } from '../../core/credentials.ts'
import type { LoginPage } from '../../core/reason.ts'
import { readNavigation } from '../login/redirect.ts'
import { whoOf } from '../login/who.ts'
import type { EpochMs } from '../../core/token-expiry.ts'
import { isToken } from '../../shared/own-session/record.ts'
import { endCookie } from './end-cookie.ts'
import { createBegin } from './login.ts'
import { readSessionCookie, sessionCookie, type Site } from './sites.ts'
import {
  type Browser, browserCookie, browserIdOf, isCurrent, openState, proofsOf, readBrowser, returnedTo, type State
} from './state.ts'
import type { OwnLoginDeps } from './types.ts'

/**
 * Authgear's answers to `prompt=none` that mean: it has to show something first; before a person gave consent it says
 * `access_denied` (docs/inside/authgear.md, "Sessions of apps").
 */
const NEEDS_A_PERSON = new Set([
  'login_required', 'interaction_required', 'consent_required', 'account_selection_required', 'access_denied'
])
const FAILED = new Set(['server_error', 'temporarily_unavailable'])
/** An error code that may stand in a log line. */
const ERROR_CODE = /^[a-z_]{1,40}$/
const CODE = /^[\x21-\x7e]{1,512}$/

/** One answer of Authgear's, of a state that is this browser's. */
type Arrival = Readonly<{
  request: VerifyRequest
  site: Site
  browser: Browser
  state: State
  /** Sealed, as it came. */
  sealed: string
  returnTo: string
}>

/** `/callback?code=…&state=…`: back from Authgear, with a code that is redeemed once. */
export function createOwnCallback (deps: OwnLoginDeps): Handler {
  const { answers, sites, seal, clock, stepped } = deps
  const begin = createBegin(deps)
  const arrive = createArrival(deps)
  return (request) => {
    if (!readNavigation(request.rawHeaders).isPage) return answers.page('not_a_page', request)
    const site = sites.ofRequest(request)
    if (site === undefined) return answers.page('host_unknown', request)
    const query = new URLSearchParams(request.query)
    const refused = (page: LoginPage, returnTo?: string, says?: string): HandlerResult => {
      stepped('refused')
      return answers.page(page, request, { returnTo, says })
    }
    const sealed = onlyOf(query, 'state') ?? ''
    const state = openState(seal, sealed)
    if (state === undefined || state.host !== site.name) return refused('state_unknown')
    const returnTo = site.returnUrls.read(state.returnTo) ?? site.returnUrls.fallback
    const browser = readBrowser(seal, request, site)
    if (browser === undefined) return refused('cookies_blocked', returnTo)
    if (browserIdOf(browser) !== state.browser || !isCurrent(state, clock.wall())) {
      // such as of tabs that were opened at once, of which one cookie is left: it is worth what /login?rd=… is
      if (state.isAgain === true) return refused('state_unknown', returnTo)
      return begin(site, browser, { returnTo, mode: 'silent', locales: state.locales, isAgain: true })
    }
    // RFC 9207, section 2.4: before the code goes anywhere
    if (query.getAll('iss').some((one) => one !== deps.issuer)) return refused('login_failed', returnTo)
    const error = query.get('error')
    if (error === null) return arrive({ request, site, browser, state, sealed, returnTo }, onlyOf(query, 'code') ?? '')
    if (state.mode === 'silent' && NEEDS_A_PERSON.has(error)) {
      return begin(site, browser, { returnTo, mode: 'interactive', locales: state.locales })
    }
    return refused(pageOf(error), returnTo, ERROR_CODE.test(error) ? error : undefined)
  }
}

function pageOf (error: string): LoginPage {
  if (error === 'access_denied') return 'login_denied'
  return FAILED.has(error) ? 'login_failed' : 'login_misconfigured'
}

function onlyOf (query: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = query.getAll(name)
  return others.length === 0 ? value : undefined
}

type Arrive = (arrival: Arrival, code: string) => Promise<HandlerResult>

function createArrival (deps: OwnLoginDeps): Arrive {
  const { answers, codeLimits, stepped } = deps
  const goOn = createGoingOn(deps)
  const finish = createFinish(deps)
  const refused = (
    { request, returnTo }: Arrival,
    page: LoginPage,
    rest: Partial<HandlerResult> = {}
  ): HandlerResult => {
    stepped('refused')
    return { ...answers.page(page, request, { returnTo }), ...rest }
  }
  return async (arrival, code) => {
    if (!CODE.test(code)) return refused(arrival, 'state_unknown')
    try {
      const redeemed = await codeLimits.run(arrival.request.trace(), () => redeemOnce(deps, arrival, code))
      if (redeemed === 'too_many') return refused(arrival, 'too_many_codes')
      if (redeemed === 'used') return await goOn(arrival)
      if (redeemed.reading.kind === 'refused') {
        return refused(arrival, 'login_failed', { tokenError: redeemed.reading.why })
      }
      return await finish(arrival, redeemed, redeemed.reading.signedIn)
    } catch (error) {
      if (error instanceof GrantRefused) return await goOn(arrival)
      if (error instanceof IdTokenRefused) return refused(arrival, 'login_failed', { tokenError: error.why })
      if (!(error instanceof ResolverError)) throw error
      stepped('failed')
      const page = error.reason === 'authgear_misconfigured' ? 'login_misconfigured' : 'login_unavailable'
      return { ...answers.page(page, arrival.request, { returnTo: arrival.returnTo }), error }
    }
  }
}

type Redeemed = Readonly<{ tokens: Tokens, askedAt: EpochMs, reading: IdTokenReading }>

async function redeemOnce (deps: OwnLoginDeps, arrival: Arrival, code: string): Promise<Redeemed | 'used'> {
  if (!await deps.usedCodes.claim(code)) return 'used'
  try {
    return await redeem(deps, arrival, code)
  } catch (error) {
    if (error instanceof ResolverError) await deps.usedCodes.release(code) // it was not used up
    throw error
  }
}

async function redeem (
  { tokens, authgear, keySet, issuer, clientId, clock }: OwnLoginDeps,
  { request, site, browser, sealed }: Arrival,
  code: string
): Promise<Redeemed> {
  const { verifier, nonce } = proofsOf(browser, sealed)
  const askedAt = clock.wall()
  const answer = await tokens.redeem({ code, redirectUri: authgear.callback(site), verifier, nonce }, request.trace())
  const reading = await readIdToken(answer.idToken ?? '', { issuer, clientId, nonce }, keySet, clock)
  return { tokens: answer, askedAt, reading }
}

/** The code was used, as after Back: a browser with a session goes to the page. */
function createGoingOn (
  { answers, authenticator, keyer, stepped }: OwnLoginDeps
): (arrival: Arrival) => Promise<HandlerResult> {
  return async ({ request, site, returnTo }) => {
    const reading = readSessionCookie(request, site)
    const known = reading.kind === 'credentials'
      ? await authenticator.authenticate(credentialContextOf(keyer, request, reading.credentials))
      : undefined
    if (reading.kind === 'credentials' && known?.kind === 'resolved' && known.resolution.kind === 'valid') {
      const who = whoOf(keyer, reading.credentials, known.resolution.userId)
      return { ...answers.redirect('sent_back', returnTo), who }
    }
    stepped('refused')
    if (known?.kind === 'unavailable') return { ...answers.page('login_unavailable', request), error: known.error }
    return answers.page('state_unknown', request, { returnTo })
  }
}

type Finish = (
  arrival: Arrival,
  redeemed: Pick<Redeemed, 'tokens' | 'askedAt'>,
  signedIn: SignedIn
) => Promise<HandlerResult>

function createFinish (deps: OwnLoginDeps): Finish {
  const signIn = createSignIn(deps)
  const stepUp = createStepUpEnd(deps)
  return (arrival, ...rest) => arrival.state.mode === 'step-up' ? stepUp(arrival, ...rest) : signIn(arrival, ...rest)
}

/** A new cookie of new random bits, whatever the browser brought. */
function createSignIn (deps: OwnLoginDeps): Finish {
  const { answers, changes, clock, keyer, seal, sso, tokens: endpoint, stepped } = deps
  return async ({ request, site, browser, state, returnTo }, { tokens, askedAt }, signedIn) => {
    const { refreshToken, accessToken, idToken } = tokens
    if (!isToken(refreshToken) || !isToken(accessToken) || !isToken(idToken)) {
      stepped('failed')
      return { ...answers.page('login_misconfigured', request, { returnTo }), tokenError: 'refresh_token' }
    }
    const created = await changes.create(site.name, tokens, signedIn, askedAt)
    if (created.kind !== 'done') {
      stepped('failed')
      return { ...answers.page('session_not_kept', request, { returnTo }), error: new SessionsUnreachable() }
    }
    const reading = readSessionCookie(request, site)
    if (reading.kind === 'credentials') {
      const replaced = await endCookie(deps, request, reading.credentials.own ?? '')
      // with SSO Authgear would end the new session with it
      if (!sso && replaced.kind === 'done' && replaced.value !== undefined) {
        endpoint.revoke(replaced.value.refreshToken).catch(() => {})
      }
    }
    stepped('signed_in')
    const seen = state.mode === 'silent' ? returnedTo(browser, returnTo, clock.wall()) : browser
    const sentBack = answers.redirect('sent_back', returnTo, [
      sessionCookie(site, created.value), browserCookie(seal, site, seen)
    ])
    return { ...sentBack, who: whoOf(keyer, ownCredentials(site.name, created.value), signedIn.userId) }
  }
}

/** The same person in the same session, who was asked again: the old access token has the new time. */
function createStepUpEnd ({ answers, changes, keyer, stepped }: OwnLoginDeps): Finish {
  return async ({ request, site, returnTo }, { tokens: { idToken = '' } }, signedIn) => {
    const refused = (page: LoginPage, why?: string, who?: HandlerResult['who']): HandlerResult => {
      stepped('refused')
      const error = page === 'session_not_kept' ? new SessionsUnreachable() : undefined
      return { ...answers.page(page, request, { returnTo }), tokenError: why, error, who }
    }
    const reading = readSessionCookie(request, site)
    if (reading.kind !== 'credentials') return refused('step_up_refused', 'no session')
    const own = reading.credentials.own ?? ''
    const found = await changes.read(own)
    if (found.kind !== 'done') return refused('session_not_kept')
    const record = found.value
    if (record === undefined) return refused('step_up_refused', 'no session')
    const who = whoOf(keyer, credentialsOfCookie(own), record.userId)
    if (record.userId !== signedIn.userId) return refused('step_up_refused', 'sub', who)
    if (record.sid !== signedIn.sid) return refused('step_up_refused', 'sid', who)
    if (signedIn.authTime <= record.authTime) return refused('step_up_refused', 'auth_time', who)
    const replaced = await changes.replace(own, signedIn, idToken)
    if (replaced.kind === 'gone') return refused('step_up_refused', 'no session', who)
    if (replaced.kind !== 'done') return refused('session_not_kept', undefined, who)
    stepped('stepped_up')
    const sentBack = answers.redirect('sent_back', returnTo, sessionCookie(site, replaced.value))
    return { ...sentBack, who: whoOf(keyer, ownCredentials(site.name, replaced.value), record.userId) }
  }
}
