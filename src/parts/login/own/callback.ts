import { setTimeout as sleep } from 'node:timers/promises'
import { readIdToken } from '../grants/id-token.ts'
import { AuthgearStatus, ResolverError, TokenCallFailed } from '../../../base/errors.ts'
import { GrantRefused, IdTokenRefused } from '../errors.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult } from '../../../base/http/types.ts'
import type { LoginPage } from '../../../base/core/reason.ts'
import { pageOf, whoOf } from '../responses.ts'
import { isCurrent } from '../state.ts'
import { onlyOf } from '../urls.ts'
import { createBegin } from './login.ts'
import { type Arrival, createFinish, dropGrant, type Redeemed } from './sign-in.ts'
import { readSessionCookie } from '../sites.ts'
import {
  browserIdOf, hasSignedIn, openState, OWN_LOGIN_LIFETIME_MS, proofsOf, readBrowser, returned
} from './state.ts'
import type { OwnLoginDeps, SiteHandler } from './types.ts'

/**
 * Authgear's answers to `prompt=none` that mean: it has to show something first; before a person gave consent it says
 * `access_denied` (docs/inside/authgear.md, "Sessions of apps").
 */
const NEEDS_A_PERSON = new Set([
  'login_required', 'interaction_required', 'consent_required', 'account_selection_required', 'access_denied'
])
const CODE = /^[\x21-\x7e]{1,512}$/

/** `/callback?code=…&state=…`: back from Authgear, with a code that is redeemed once. */
export function createOwnCallback (deps: OwnLoginDeps): SiteHandler {
  const { answers, seal, clock, stepped } = deps
  const begin = createBegin(deps)
  const arrive = createArrival(deps)
  /** An answer that cannot be taken up, as of tabs that share one cookie, is worth what /login?rd=… is. */
  const beginAgain = ({ site, browser, state, returnTo }: Arrival, isAnothers: boolean): HandlerResult => {
    // such tabs are of one round, as those of a browser with a cookie are
    const seen = isAnothers ? browser : returned(browser, state, clock.wall())
    return begin(site, seen, { returnTo, mode: 'silent', locales: state.locales, isAgain: true })
  }
  return (request, site) => {
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
    const arrival = { request, site, browser, state, sealed, returnTo }
    const isAnothers = browserIdOf(browser) !== state.browser
    if (isAnothers || !isCurrent(state, clock.wall(), OWN_LOGIN_LIFETIME_MS)) {
      return state.isAgain === true ? refused('state_unknown', returnTo) : beginAgain(arrival, isAnothers)
    }
    // RFC 9207, section 2.4: before the code goes anywhere
    if (query.getAll('iss').some((one) => one !== deps.issuer)) return refused('login_failed', returnTo)
    const error = query.get('error')
    if (error === null) return arrive(arrival, onlyOf(query, 'code') ?? '')
    const { mode, locales, fullAccess } = state
    if (error === 'invalid_scope' && fullAccess === true) {
      if (state.isForStepUp === true) return refused('step_up_off', returnTo, error)
      return { ...begin(site, browser, { returnTo, mode, locales, fullAccess: false }), authgearError: error }
    }
    if (mode === 'silent' && NEEDS_A_PERSON.has(error)) {
      return begin(site, browser, { returnTo, mode: 'interactive', locales, fullAccess })
    }
    const { page, says } = pageOf(error)
    return refused(page, returnTo, says)
  }
}

type Arrive = (arrival: Arrival, code: string) => Promise<HandlerResult>

function createArrival (deps: OwnLoginDeps): Arrive {
  const goOn = createGoingOn(deps)
  const finish = createFinish(deps)
  return async (arrival, code) => {
    if (!CODE.test(code)) return refusedAt(deps, arrival, 'state_unknown')
    try {
      const { browser: known } = arrival
      const browser = { id: browserIdOf(known), hasSignedIn: hasSignedIn(known, deps.clock.wall()) }
      const redeem = (): Promise<Redeemed | 'used'> => redeemOnce(deps, arrival, code)
      const redeemed = await deps.codeLimits.run(arrival.request.trace(), browser, redeem)
      if (redeemed === 'too_many') return refusedAt(deps, arrival, 'too_many_codes')
      if (redeemed === 'used') return await goOn(arrival)
      if (redeemed.reading.kind === 'refused') {
        dropGrant(deps, redeemed.tokens)
        return refusedAt(deps, arrival, 'login_failed', redeemed.reading.why)
      }
      return await finish(arrival, redeemed, redeemed.reading.signedIn)
    } catch (error) {
      if (error instanceof GrantRefused) return await goOn(arrival)
      if (error instanceof IdTokenRefused) return refusedAt(deps, arrival, 'login_failed', error.why)
      if (error instanceof ResolverError) return failedAt(deps, arrival, error)
      throw error
    }
  }
}

function refusedAt (
  { answers, stepped }: OwnLoginDeps,
  { request, returnTo }: Arrival,
  page: LoginPage,
  tokenError?: string
): HandlerResult {
  stepped('refused')
  return { ...answers.page(page, request, { returnTo }), tokenError }
}

function failedAt (
  { answers, stepped }: OwnLoginDeps,
  { request, returnTo }: Arrival,
  error: ResolverError
): HandlerResult {
  stepped('failed')
  const page = error.reason === 'authgear_misconfigured' ? 'login_misconfigured' : 'login_unavailable'
  return { ...answers.page(page, request, { returnTo }), error }
}

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
  deps: OwnLoginDeps,
  { request, site, browser, sealed }: Arrival,
  code: string
): Promise<Redeemed> {
  const { tokens, authgear, keySet, issuer, clientId, clock } = deps
  const { verifier, nonce } = proofsOf(browser, sealed)
  const askedAt = clock.wall()
  const redemption = { code, redirectUri: authgear.callback(site), verifier, nonce }
  const answer = await onceMoreWhereLimited(() => tokens.redeem(redemption, request.trace()))
  try {
    const reading = await readIdToken(answer.idToken ?? '', { issuer, clientId, nonce }, keySet, clock)
    return { tokens: answer, askedAt, reading }
  } catch (error) {
    dropGrant(deps, answer) // its code is used up
    throw error
  }
}

/** Authgear's limit is of an address, which many people may share, and gives back two calls a second. */
const LIMITED_PAUSE_MS = 1000

async function onceMoreWhereLimited<T> (ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const cause = error instanceof TokenCallFailed ? error.cause : undefined
    if (!(cause instanceof AuthgearStatus) || cause.status !== 429) throw error
    await sleep(LIMITED_PAUSE_MS)
    return await ask()
  }
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
