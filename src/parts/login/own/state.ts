import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { VerifyRequest } from '../../../base/http/types.ts'
import { readCookie, type Seal } from '../state.ts'
import { shortCookie, type Site } from '../sites.ts'

/** How long a login may stay on Authgear's page: nothing of it is kept here. */
export const OWN_LOGIN_LIFETIME_MS = 60 * 60_000

/**
 * One browser at one host, told from others by a secret in a cookie: states are bound to it, and the verifier and the
 * nonce of each are made of both, so that nothing is kept for a login, however many tabs are at one.
 */
export type Browser = Readonly<{
  secret: string
  host: string
  /** Ways back from Authgear without a click, one after another, whatever pages they led to; epoch milliseconds. */
  returns?: Readonly<{ count: number, since: number }> | undefined
  /** When a person last signed in with it; epoch milliseconds. */
  signedInAt?: number
}>

/** A login under way. It comes back from Authgear as it was sent: sealed, so nobody but this service made it. */
export type State = Readonly<{
  /** Canonical; of this host. */
  returnTo: string
  host: string
  /** Names the browser's secret, and does not tell it. */
  browser: string
  mode: 'silent' | 'interactive' | 'step-up'
  locales: string | undefined
  /** True if Authgear was asked for full access; undefined in a state of a version that never did. */
  fullAccess?: boolean | undefined
  /** The session has no full access, and the page that it is for needs a step-up. */
  isForStepUp?: true
  /** The number of ways back when it was sent. */
  round: number
  /** A login that could not continue was restarted automatically. */
  isAgain?: true
  /** Epoch milliseconds. */
  issuedAt: number
}>

export const newBrowser = ({ name }: Site): Browser =>
  ({ secret: randomBytes(32).toString('base64url'), host: name })

/** @returns undefined for a browser that sent no cookie of ours, or another host's */
export function readBrowser (
  seal: Seal,
  { rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>,
  site: Site
): Browser | undefined {
  const text = readCookie(rawHeaders, site.cookies.login)
  const opened = text === undefined ? undefined : seal.open('own browser', text) as Browser | undefined
  return opened?.host === site.name ? opened : undefined
}

export function browserCookie (seal: Seal, site: Site, browser: Browser): string {
  return shortCookie(site, 'login', seal.seal('own browser', browser), OWN_LOGIN_LIFETIME_MS)
}

export const browserIdOf = ({ secret }: Browser): string =>
  createHash('sha256').update(`browser ${secret}`).digest('base64url').slice(0, 22)

/** True for a while after a sign-in: the browser's next code waits for no junk of its network. */
export const hasSignedIn = ({ signedInAt }: Browser, now: number): boolean =>
  signedInAt !== undefined && Math.abs(now - signedInAt) <= OWN_LOGIN_LIFETIME_MS

/** Random to everybody but this browser and this service. @param state sealed */
export function proofsOf ({ secret }: Browser, state: string): Readonly<{ verifier: string, nonce: string }> {
  const proof = (kind: string): string => createHmac('sha256', secret).update(`${kind} ${state}`).digest('base64url')
  return { verifier: proof('verifier'), nonce: proof('nonce') }
}

/** RFC 7636, section 4.2. */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** @returns undefined for what this service did not seal as a state */
export function openState (seal: Seal, text: string): State | undefined {
  return seal.open('own state', text) as State | undefined // authentic, so it has the form that we gave it
}

export const sealState = (seal: Seal, state: State): string => seal.seal('own state', state)

/** Nobody is sent to Authgear more often within a minute without a click. */
const MAX_RETURNS = 2
const RETURN_WINDOW_MS = 60_000

const recentReturns = ({ returns }: Browser, now: number): Browser['returns'] =>
  returns !== undefined && Math.abs(now - returns.since) <= RETURN_WINDOW_MS ? returns : undefined

export const roundOf = (browser: Browser, now: number): number => recentReturns(browser, now)?.count ?? 0

/** It was at Authgear and back that often, and comes once more. */
export const isCircling = (browser: Browser, now: number): boolean => roundOf(browser, now) >= MAX_RETURNS

/** One more way back. Tabs that were opened at once are of one round: a browser may restore ten of them. */
export function returned (browser: Browser, { round }: Pick<State, 'round'>, now: number): Browser {
  const known = recentReturns(browser, now)
  const returns = known === undefined
    ? { count: 1, since: now }
    : { ...known, count: Math.max(known.count, round + 1) }
  return { ...browser, returns }
}

/** A click on a page's link is no circle. */
export const clicked = (browser: Browser): Browser => ({ ...browser, returns: undefined })
