import type { KeySet } from '../../../base/authgear/key-set.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import type { HandlerResult } from '../../../base/http/types.ts'
import { SessionsUnreachable } from '../errors.ts'
import type { CodeLimits } from '../grants/code-limits.ts'
import type { IdTokenReading, SignedIn } from '../grants/id-token.ts'
import type { TokenEndpoint, Tokens } from '../grants/token-endpoint.ts'
import { whoOf } from '../responses.ts'
import { ownCredentials } from '../sessions/cookie.ts'
import { isToken } from '../sessions/record.ts'
import type { Refresh } from '../sessions/renewal.ts'
import type { UsedCodes } from '../sessions/used-codes.ts'
import { readSessionCookie, sessionCookie } from '../sites.ts'
import type { Arrival } from './flow.ts'
import { endCookie, type OwnSignOutDeps } from './own-sign-out.ts'
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
export function sentBack (
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
