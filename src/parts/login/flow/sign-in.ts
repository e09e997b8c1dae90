import type { KeySet } from '../../../base/authgear/key-set.ts'
import type { LoginPage } from '../../../base/core/reason.ts'
import { claimsOf, type EpochMs } from '../../../base/core/token-expiry.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult } from '../../../base/http/types.ts'
import { SessionsUnreachable } from '../errors.ts'
import type { CodeLimits, UsedCodes } from '../oidc/codes.ts'
import type { IdTokenReading, SignedIn } from '../oidc/id-token.ts'
import type { TokenEndpoint, Tokens } from '../oidc/token-endpoint.ts'
import { credentialsOfCookie, ownCredentials } from '../sessions/cookie.ts'
import { isToken, type SessionRecord, type SessionRef } from '../sessions/record.ts'
import type { Refresh } from '../sessions/renewal.ts'
import type { Arrival, Begin, SessionKind } from './flow.ts'
import { endCookie, type OwnSignOutDeps } from './own-sign-out.ts'
import { whoOf } from './responses.ts'
import { readSessionCookie, sessionCookie } from './sites.ts'
import { browserCookie, returned } from './state.ts'

export type OwnLoginDeps = OwnSignOutDeps & Readonly<{
  refresh: Refresh
  tokens: Pick<TokenEndpoint, 'redeem' | 'revoke'>
  keySet: Pick<KeySet, 'keyOf'>
  /** LOGIN_CLIENT_ID: of an ID token. */
  clientId: string
  /** LOGIN_SSO */
  sso: boolean
  codeLimits: CodeLimits
  usedCodes: UsedCodes
}>

export type Redeemed = Readonly<{ tokens: Tokens, askedAt: EpochMs, reading: IdTokenReading }>

/** A code was redeemed, and its ID token is good. */
export type Finish = (
  arrival: Arrival,
  redeemed: Pick<Redeemed, 'tokens' | 'askedAt'>,
  signedIn: SignedIn
) => Promise<HandlerResult>

/** A new cookie of new random bits, whatever the browser brought. */
export function createSignIn (deps: OwnLoginDeps): Finish {
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
  deps: OwnLoginDeps,
  { site, returnTo, browser }: Pick<Arrival, 'site' | 'returnTo' | 'browser'>,
  value: string,
  userId: string
): HandlerResult {
  const { answers, clock, keyer } = deps
  const signedIn = { ...browser, signedInAt: clock.wall() }
  const cookies = [sessionCookie(site, value), browserCookie(deps, site, signedIn)]
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

/** An ID token that ends sooner is no hint: the person may take that long to type. */
const HINT_LIFE_SECONDS = 120

/**
 * Authgear asks the same person once more, by an ID token that has not ended; without a session it is a login. A
 * session without full access gets a grant that has it first, and the page sends the person here again: asked at once,
 * Authgear would begin a whole login, and end every other session of the browser.
 */
export function createStepUp (
  { answers, sessions, refresh, keyer, clock }: OwnLoginDeps, begin: Begin
): SessionKind['stepUp'] {
  const endOf = ({ idToken }: SessionRecord): number => Number(claimsOf(idToken)?.['exp'])
  return async (request, site, browser, { returnTo, locales }) => {
    const how = { returnTo, locales }
    const login = (): HandlerResult => begin(site, browser, { ...how, mode: 'silent' })
    const reading = readSessionCookie(request, site)
    if (reading.kind !== 'credentials') return login()
    const context = credentialContextOf(keyer, request, reading.credentials)
    const target: SessionRef = {
      cookieRef: reading.credentials.own ?? '',
      keys: context.cacheKeys(),
      digests: keyer.sentDigests(reading.credentials),
      trace: request.trace()
    }
    const found = await sessions.read(target.cookieRef)
    if (found.kind !== 'done') return answers.page('login_unavailable', request)
    if (found.value === undefined) return login()
    let record = found.value
    if (!(endOf(record) > clock.wall() / 1000 + HINT_LIFE_SECONDS)) {
      const refreshed = await refresh(target, record, true)
      if (refreshed.kind === 'unavailable') {
        return { ...answers.page('login_unavailable', request), error: refreshed.error }
      }
      if (refreshed.kind !== 'session') return login()
      record = refreshed.record
    }
    const sent = record.hasFullAccess === true
      ? begin(site, browser, { ...how, mode: 'step-up' }, record.idToken)
      : begin(site, browser, { ...how, mode: 'silent', isForStepUp: true }, record.idToken)
    return { ...sent, who: whoOf(keyer, reading.credentials, record.userId) }
  }
}

/** The same person in the same session, who was asked again: the old access token has the new time. */
export function createStepUpEnd (deps: OwnLoginDeps): Finish {
  const { answers, sessions, clock, keyer, stepped } = deps
  return async ({ request, site, browser, state, returnTo }, { tokens: { idToken = '' } }, signedIn) => {
    const refused = (page: LoginPage, why?: string, who?: HandlerResult['who']): HandlerResult => {
      stepped('refused')
      const error = page === 'session_not_kept' ? new SessionsUnreachable() : undefined
      return { ...answers.page(page, request, { returnTo }), tokenError: why, error, who }
    }
    const reading = readSessionCookie(request, site)
    if (reading.kind !== 'credentials') return refused('step_up_refused', 'no session')
    const cookieRef = reading.credentials.own ?? ''
    const found = await sessions.read(cookieRef)
    if (found.kind !== 'done') return refused('session_not_kept')
    const record = found.value
    if (record === undefined) return refused('step_up_refused', 'no session')
    const who = whoOf(keyer, credentialsOfCookie(cookieRef), record.userId)
    if (record.userId !== signedIn.userId) return refused('step_up_refused', 'sub', who)
    if (record.sid !== signedIn.sid) return refused('step_up_refused', 'sid', who)
    if (signedIn.authTime <= record.authTime) return refused('step_up_refused', 'auth_time', who)
    const replaced = await sessions.replace(cookieRef, signedIn, idToken)
    if (replaced.kind === 'gone') return refused('step_up_refused', 'no session', who)
    if (replaced.kind !== 'done') return refused('session_not_kept', undefined, who)
    stepped('stepped_up')
    // a page may ask for more than a step-up can give, again and again
    const seen = returned(browser, state, clock.wall())
    return sentBack(deps, { site, returnTo, browser: seen }, replaced.value, record.userId)
  }
}
