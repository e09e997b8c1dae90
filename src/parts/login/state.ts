import { hkdfSync, randomBytes } from 'node:crypto'
import { cookieValues } from './sessions/cookie.ts'
import { createSealer, type Sealer } from '../../base/crypto/sealing.ts'
import type { VerifyRequest } from '../../base/http/types.ts'
import { shortCookie, type Site } from './sites.ts'

/** How long a login, or a sign-out with its confirmation page, may take. */
export const LOGIN_LIFETIME_MS = 10 * 60_000

/**
 * @param rawHeaders as they arrived;
 * @returns undefined where there is none, or more than one: then one of them is not ours
 */
export function readCookie (rawHeaders: readonly string[], name: string): string | undefined {
  const [value, ...others] = cookieValues(rawHeaders, name)
  return others.length === 0 ? value : undefined
}

/** A text that was sealed for one purpose opens for no other. */
type Purpose = 'state' | 'browser' | 'logout' | 'own state' | 'own browser' | 'own logout'

export type Seal = Readonly<{
  /** @returns base64url */
  seal: (purpose: Purpose, value: unknown) => string
  /** @returns the value; undefined for what was not sealed with this secret for this purpose, down to the last bit */
  open: (purpose: Purpose, text: string) => unknown
}>

/** Characters of a sealed cookie: with its name browsers keep 4,096 (RFC 6265bis, section 5.6). */
const MAX_COOKIE = 3500

/** Characters; our own are below 3,500. */
const FORM = /^[A-Za-z0-9_-]{1,4096}$/

function sealerOf (secret: string): Sealer {
  return createSealer(new Uint8Array(hkdfSync('sha256', secret, '', 'authgear-forward-auth login v1', 32)))
}

/**
 * AES-256-GCM under keys that HKDF derives from LOGIN_SECRET.
 * @param previous LOGIN_SECRET_PREVIOUS: what it sealed is opened too
 */
export function createSeal (secret: string, previous?: string): Seal {
  const { seal, open } = sealerOf(secret)
  const older = previous === undefined ? undefined : sealerOf(previous)
  return Object.freeze({
    seal: (purpose: Purpose, value: unknown) => seal(purpose, Buffer.from(JSON.stringify(value))).toString('base64url'),
    open (purpose: Purpose, text: string): unknown {
      if (!FORM.test(text)) return undefined
      const bytes = Buffer.from(text, 'base64url')
      // base64 has several spellings of some bytes: only ours counts
      const isOurs = bytes.toString('base64url') === text
      const plain = isOurs ? open(purpose, bytes) ?? older?.open(purpose, bytes) : undefined
      return plain === undefined ? undefined : JSON.parse(plain.toString())
    }
  })
}

/** One browser, told from others by its cookie; it says nothing about the user. */
export type Browser = Readonly<{
  id: string
  /** The times that it was sent back to where it came from, each within a minute of the time before. */
  returns: number
  /** The time of the last return, or of its first login; epoch milliseconds. */
  since: number
}>

/**
 * From one return to the next, and how many such in a row: no person signs in nine times like that, but two servers
 * that disagree do, on a slow line too.
 */
const RETURN_WINDOW_MS = 60_000
const MAX_RETURNS = 8

const newId = (): string => randomBytes(16).toString('base64url')

export function newBrowser (now: number): Browser {
  return { id: newId(), returns: 0, since: now }
}

/** @returns undefined for a browser that sent no cookie of ours */
export function readBrowser (
  seal: Seal, { rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>, site: Site, now: number
): Browser | undefined {
  const text = readCookie(rawHeaders, site.cookies.login)
  const opened = text === undefined ? undefined : seal.open('browser', text)
  if (opened === undefined) return undefined
  const browser = opened as Browser // authentic, so it has the form that we gave it
  return Math.abs(now - browser.since) > RETURN_WINDOW_MS ? { ...browser, returns: 0, since: now } : browser
}

/** A new id, so that no earlier state counts again. */
export function returned (browser: Browser, now: number): Browser {
  return { id: newId(), returns: browser.returns + 1, since: now }
}

export function isRedirectLoop ({ returns }: Browser): boolean {
  return returns >= MAX_RETURNS
}

/** @returns a Set-Cookie line */
export function browserCookie (seal: Seal, site: Site, browser: Browser): string {
  return shortCookie(site, 'login', seal.seal('browser', browser), LOGIN_LIFETIME_MS)
}

/** A login under way. It comes back from Authgear as it was sent: sealed, so nobody but this service made it. */
export type State = Readonly<{
  /** Canonical; was allowed when it was sealed. */
  returnTo: string
  /** The browser it was made for (its cookie's id). */
  browser: string
  /**
   * How Authgear was asked: without showing anything (`prompt=none`), with its login page, or with that page whatever
   * session there is.
   */
  mode: 'silent' | 'interactive' | 'step-up'
  maxAge: number | undefined
  locales: string | undefined
  /** How often this login restarted automatically. */
  restarts: number
  /** Epoch milliseconds. */
  issuedAt: number
}>

/** Another replica's clock may be ahead by this. */
const MAX_AHEAD_MS = 60_000

export function sealState (seal: Seal, state: State): string {
  return seal.seal('state', state)
}

/** @returns undefined for what this service did not seal as a state */
export function openState (seal: Seal, text: string): State | undefined {
  const opened = seal.open('state', text)
  // authentic, so it has the form that we gave it
  return opened === undefined ? undefined : opened as State
}

export function isCurrent (
  { issuedAt }: Readonly<{ issuedAt: number }>,
  now: number,
  lifeMs = LOGIN_LIFETIME_MS
): boolean {
  return now - issuedAt <= lifeMs && issuedAt - now <= MAX_AHEAD_MS
}

/** The value that travels to `/logged-out`, where the kind of session has more to say than this. */
type SignedOut = Readonly<{
  /** Validated; the page after the next sign-in, with another account. */
  returnTo?: string | undefined
  issuedAt: number
}>
type SignedOutPurpose = 'logout' | 'own logout'

/** @returns a Set-Cookie line; an address that makes it too long gives way to the site's first page */
export function signedOutCookie (seal: Seal, site: Site, purpose: SignedOutPurpose, signedOut: SignedOut): string {
  const sealed = seal.seal(purpose, signedOut)
  const isTooLong = signedOut.returnTo !== undefined && sealed.length > MAX_COOKIE
  const fitting = isTooLong ? seal.seal(purpose, { ...signedOut, returnTo: site.returnUrls.fallback }) : sealed
  return shortCookie(site, 'logout', fitting, LOGIN_LIFETIME_MS)
}

/** @returns undefined for what this service did not seal for that, whenever it was */
export function readSignedOut (
  seal: Seal, { rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>, site: Site, purpose: SignedOutPurpose
): unknown {
  const text = readCookie(rawHeaders, site.cookies.logout)
  return text === undefined ? undefined : seal.open(purpose, text)
}
