import type { IdTokenReading, SignedIn } from '../grants/id-token.ts'
import type { Tokens } from '../grants/token-endpoint.ts'
import { credentialsOfCookie, ownCredentials } from '../sessions/cookie.ts'
import type { LoginPage } from '../../../base/core/reason.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import { SessionsUnreachable } from '../errors.ts'
import { isToken } from '../sessions/record.ts'
import type { HandlerResult, VerifyRequest } from '../../../base/http/types.ts'
import { whoOf } from '../responses.ts'
import { endCookie } from './end-cookie.ts'
import { readSessionCookie, sessionCookie, type Site } from '../sites.ts'
import { type Browser, browserCookie, returned, type State } from './state.ts'
import type { OwnLoginDeps } from './types.ts'

/** One answer of Authgear's, of a state that is this browser's. */
export type Arrival = Readonly<{
  request: VerifyRequest
  site: Site
  browser: Browser
  state: State
  /** Sealed, as it came. */
  sealed: string
  returnTo: string
}>

export type Redeemed = Readonly<{ tokens: Tokens, askedAt: EpochMs, reading: IdTokenReading }>

type Finish = (
  arrival: Arrival,
  redeemed: Pick<Redeemed, 'tokens' | 'askedAt'>,
  signedIn: SignedIn
) => Promise<HandlerResult>

/** A code was redeemed, and its ID token is good. */
export function createFinish (deps: OwnLoginDeps): Finish {
  const signIn = createSignIn(deps)
  const stepUp = createStepUpEnd(deps)
  return (arrival, ...rest) => arrival.state.mode === 'step-up' ? stepUp(arrival, ...rest) : signIn(arrival, ...rest)
}

/** A new cookie of new random bits, whatever the browser brought. */
function createSignIn (deps: OwnLoginDeps): Finish {
  const { answers, sessions, clock, stepped } = deps
  return async ({ request, site, browser, state, returnTo }, { tokens, askedAt }, signedIn) => {
    const { refreshToken, accessToken, idToken } = tokens
    if (!isToken(refreshToken) || !isToken(accessToken) || !isToken(idToken)) {
      stepped('failed')
      dropGrant(deps, tokens)
      return { ...answers.page('login_misconfigured', request, { returnTo }), tokenError: 'refresh_token' }
    }
    const grant = { ...tokens, hasFullAccess: state.fullAccess === true }
    const reading = readSessionCookie(request, site)
    const before = reading.kind === 'credentials' ? reading.credentials.own : undefined
    const created = await sessions.create(site.name, grant, signedIn, askedAt, before)
    if (created.kind !== 'done') {
      stepped('failed')
      dropGrant(deps, tokens)
      return { ...answers.page('session_not_kept', request, { returnTo }), error: new SessionsUnreachable() }
    }
    if (before !== undefined) {
      const replaced = await endCookie(deps, request, before)
      if (replaced.kind === 'done' && replaced.value !== undefined) dropGrant(deps, replaced.value)
    }
    stepped('signed_in')
    // a person who came back from Authgear's login page goes round in no circle
    const seen = state.mode === 'silent' ? returned(browser, state, clock.wall()) : browser
    return sentBack(deps, { site, returnTo, browser: seen }, created.value, signedIn.userId)
  }
}

/** Sends the browser to the page, with the session's new cookie. */
function sentBack (
  { answers, clock, keyer, seal }: OwnLoginDeps,
  { site, returnTo, browser }: Pick<Arrival, 'site' | 'returnTo' | 'browser'>,
  value: string,
  userId: string
): HandlerResult {
  const signedIn = { ...browser, signedInAt: clock.wall() }
  const cookies = [sessionCookie(site, value), browserCookie(seal, site, signedIn)]
  const who = whoOf(keyer, ownCredentials(site.name, value), userId)
  return { ...answers.redirect('sent_back', returnTo, cookies), who }
}

/**
 * Nobody will use it any more: best effort, and nobody waits. With SSO Authgear would end all sessions of the browser
 * with it, so there it stays until it expires.
 */
export function dropGrant (
  { sso, tokens }: Pick<OwnLoginDeps, 'sso' | 'tokens'>,
  { refreshToken }: Readonly<{ refreshToken: string | undefined }>
): void {
  if (!sso && isToken(refreshToken)) tokens.revoke(refreshToken).catch(() => {})
}

/** The same person in the same session, who was asked again: the old access token has the new time. */
function createStepUpEnd (deps: OwnLoginDeps): Finish {
  const { answers, sessions, clock, keyer, stepped } = deps
  return async ({ request, site, browser, state, returnTo }, { tokens: { idToken = '' } }, signedIn) => {
    const refused = (page: LoginPage, why?: string, who?: HandlerResult['who']): HandlerResult => {
      stepped('refused')
      const error = page === 'session_not_kept' ? new SessionsUnreachable() : undefined
      return { ...answers.page(page, request, { returnTo }), tokenError: why, error, who }
    }
    const reading = readSessionCookie(request, site)
    if (reading.kind !== 'credentials') return refused('step_up_refused', 'no session')
    const own = reading.credentials.own ?? ''
    const found = await sessions.read(own)
    if (found.kind !== 'done') return refused('session_not_kept')
    const record = found.value
    if (record === undefined) return refused('step_up_refused', 'no session')
    const who = whoOf(keyer, credentialsOfCookie(own), record.userId)
    if (record.userId !== signedIn.userId) return refused('step_up_refused', 'sub', who)
    if (record.sid !== signedIn.sid) return refused('step_up_refused', 'sid', who)
    if (signedIn.authTime <= record.authTime) return refused('step_up_refused', 'auth_time', who)
    const replaced = await sessions.replace(own, signedIn, idToken)
    if (replaced.kind === 'gone') return refused('step_up_refused', 'no session', who)
    if (replaced.kind !== 'done') return refused('session_not_kept', undefined, who)
    stepped('stepped_up')
    // a page may ask for more than a step-up can give, again and again
    const seen = returned(browser, state, clock.wall())
    return sentBack(deps, { site, returnTo, browser: seen }, replaced.value, record.userId)
  }
}
