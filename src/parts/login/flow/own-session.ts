import { setTimeout as sleep } from 'node:timers/promises'
import { readIdToken } from '../oidc/id-token.ts'
import { AuthgearStatus, ResolverError, TokenCallFailed } from '../../../base/errors.ts'
import { GrantRefused, IdTokenRefused } from '../errors.ts'
import { credentialContextOf } from '../../../base/http/request.ts'
import type { HandlerResult } from '../../../base/http/types.ts'
import type { LoginPage } from '../../../base/core/reason.ts'
import { whoOf } from './responses.ts'
import { readSessionCookie } from './sites.ts'
import { type Arrival, createBegin, type SessionKind } from './flow.ts'
import { onlyOf } from './urls.ts'
import { createSignIn, dropGrant, type OwnLoginDeps, type Redeemed } from './sign-in.ts'
import { hasSignedIn, proofsOf } from './state.ts'
import { createStepUp, createStepUpEnd } from './sign-in.ts'

/**
 * Authgear's answers to `prompt=none` that mean: it has to show something first; before a person gave consent it says
 * `access_denied` (docs/inside/authgear.md, "Sessions of apps").
 */
const NEEDS_A_PERSON = new Set([
  'login_required', 'interaction_required', 'consent_required', 'account_selection_required', 'access_denied'
])
const CODE = /^[\x21-\x7e]{1,512}$/

/** A login that ends with a session of this service: a code is redeemed once. */
export function createOwnSession (deps: OwnLoginDeps): SessionKind {
  const { answers, stepped } = deps
  const begin = createBegin(deps)
  const arrive = createArrival(deps)
  return {
    maxReturns: 2,
    restarts: { known: 1, unknown: 0 },
    needsAPerson: NEEDS_A_PERSON,
    stepUp: createStepUp(deps, begin),
    failed ({ request, site, browser, state, returnTo }, error) {
      const { mode, locales, fullAccess, isForStepUp } = state
      if (error !== 'invalid_scope' || fullAccess !== true) return undefined
      if (isForStepUp !== true) {
        return { ...begin(site, browser, { returnTo, mode, locales, fullAccess: false }), authgearError: error }
      }
      stepped('refused')
      return answers.page('step_up_off', request, { returnTo, says: error })
    },
    arrived: (arrival, query) => arrive(arrival, onlyOf(query, 'code') ?? '')
  }
}

type Arrive = (arrival: Arrival, code: string) => Promise<HandlerResult>

function createArrival (deps: OwnLoginDeps): Arrive {
  const goOn = createGoingOn(deps)
  const signIn = createSignIn(deps)
  const stepUp = createStepUpEnd(deps)
  return async (arrival, code) => {
    if (!CODE.test(code)) return refusedAt(deps, arrival, 'state_unknown')
    try {
      const { browser: known } = arrival
      const browser = { id: deps.forms.nameOf(known), hasSignedIn: hasSignedIn(known, deps.clock.wall()) }
      const redeem = (): Promise<Redeemed | 'used'> => redeemOnce(deps, arrival, code)
      const redeemed = await deps.codeLimits.run(arrival.request.trace(), browser, redeem)
      if (redeemed === 'too_many') return refusedAt(deps, arrival, 'too_many_codes')
      if (redeemed === 'used') return await goOn(arrival)
      if (redeemed.reading.kind === 'refused') {
        dropGrant(deps, redeemed.tokens)
        return refusedAt(deps, arrival, 'login_failed', redeemed.reading.why)
      }
      const finish = arrival.state.mode === 'step-up' ? stepUp : signIn
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
