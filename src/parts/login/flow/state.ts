import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { createSealer, type Sealer } from '../../../base/crypto/sealing.ts'
import type { VerifyRequest } from '../../../base/http/types.ts'
import { cookieValues } from '../sessions/cookie.ts'
import { shortCookie, type Site } from './sites.ts'

/** How long a sign-out with its confirmation page may take, and a login that ends with Authgear's session. */
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

/** Another replica's clock may be ahead by this. */
const MAX_AHEAD_MS = 60_000

export function isCurrent (
  { issuedAt }: Readonly<{ issuedAt: number }>,
  now: number,
  lifeMs = LOGIN_LIFETIME_MS
): boolean {
  return now - issuedAt <= lifeMs && issuedAt - now <= MAX_AHEAD_MS
}

/** How long a login that ends with a session of our own may stay on Authgear's page: nothing of it is kept here. */
const OWN_LOGIN_LIFETIME_MS = 60 * 60_000

/**
 * One browser at one host, told from others by a secret in a cookie: states are bound to it, and the verifier and the
 * nonce of a code are made of both, so that nothing is kept for a login, however many tabs are at one.
 */
export type Browser = Readonly<{
  secret: string
  host: string
  /** Ways back from Authgear without a click, each within a minute of the one before; `since`: epoch milliseconds. */
  returns?: Readonly<{ count: number, since: number }> | undefined
  /** When a person last signed in with it; epoch milliseconds. */
  signedInAt?: number
}>

/** A login under way. It comes back from Authgear as it was sent: sealed, so nobody but this service made it. */
export type State = Readonly<{
  /** Canonical; was allowed when it was sealed. */
  returnTo: string
  host: string
  /** The name of the browser that it was made for. */
  browser: string
  /**
   * How Authgear was asked: without showing anything (`prompt=none`), with its login page, or with that page whatever
   * session there is.
   */
  mode: 'silent' | 'interactive' | 'step-up'
  maxAge?: number | undefined
  locales: string | undefined
  /** True if Authgear was asked for full access; undefined in a state of a version that never did. */
  fullAccess?: boolean | undefined
  /** The session has no full access, and the page that it is for needs a step-up. */
  isForStepUp?: true
  /** The number of ways back when it was sent, where that is written. */
  round?: number
  /** How often this login restarted automatically. */
  restarts: number
  /** Epoch milliseconds. */
  issuedAt: number
}>

type Form<Value> = Readonly<{
  seal: (seal: Seal, value: Value) => string
  /** @returns undefined for what this service did not seal for that */
  open: (seal: Seal, text: string, site: Site) => Value | undefined
}>

/**
 * What a kind of login writes of a state and of a browser. Releases beside this one read it, and have no number to tell
 * another form by: a form keeps its fields for ever, and a new one is optional.
 */
export type Forms = Readonly<{
  state: Form<State>
  browser: Form<Browser>
  /** What a state says of the browser that it is for. */
  nameOf: (browser: Browser) => string
  /** Milliseconds of a state, and of the browser's cookie. */
  lifeMs: number
}>

function createForm<Value, Written> (
  purpose: Purpose, write: (value: Value) => Written, read: (written: Written, site: Site) => Value
): Form<Value> {
  return {
    seal: (seal, value) => seal.seal(purpose, write(value)),
    open (seal, text, site) {
      const written = seal.open(purpose, text)
      // authentic, so it has the form that we gave it
      return written === undefined ? undefined : read(written as Written, site)
    }
  }
}

/** With Authgear's session there is one host. */
export type AuthgearsState = Pick<State, 'returnTo' | 'browser' | 'mode' | 'locales' | 'restarts' | 'issuedAt'> &
  Readonly<{ maxAge: number | undefined }>
export type AuthgearsBrowser = Readonly<{ id: string, returns: number, since: number }>

const NONE = { count: 0, since: 0 }

export const AUTHGEARS_FORMS: Forms = {
  state: createForm(
    'state',
    ({ returnTo, browser, mode, maxAge, locales, restarts, issuedAt }): AuthgearsState =>
      ({ returnTo, browser, mode, maxAge, locales, restarts, issuedAt }),
    (written, { name }) => ({ ...written, host: name })
  ),
  browser: createForm(
    'browser',
    ({ secret, returns: { count, since } = NONE }): AuthgearsBrowser => ({ id: secret, returns: count, since }),
    ({ id, returns, since }, { name }) => ({ secret: id, host: name, returns: { count: returns, since } })
  ),
  nameOf: ({ secret }) => secret,
  lifeMs: LOGIN_LIFETIME_MS
}

export type OwnState = Omit<State, 'maxAge' | 'restarts'> & Readonly<{ isAgain?: true }>

export const OWN_FORMS: Forms = {
  state: createForm(
    'own state',
    ({ maxAge: _, restarts, ...state }): OwnState => ({ ...state, ...restarts > 0 && { isAgain: true } }),
    ({ isAgain, ...state }) => ({ ...state, restarts: isAgain === true ? 1 : 0 })
  ),
  browser: createForm<Browser, Browser>('own browser', (browser) => browser, (browser) => browser),
  // the secret makes verifier and nonce: a state does not tell it
  nameOf: ({ secret }) => createHash('sha256').update(`browser ${secret}`).digest('base64url').slice(0, 22),
  lifeMs: OWN_LOGIN_LIFETIME_MS
}

const newSecret = (): string => randomBytes(32).toString('base64url')
export const newBrowser = ({ name }: Pick<Site, 'name'>): Browser => ({ secret: newSecret(), host: name })

/** The same one under a new secret, so that no earlier state counts again. */
export const renewed = (browser: Browser): Browser => ({ ...browser, secret: newSecret() })

/** How what is written of a login is sealed. */
type Written = Readonly<{ seal: Seal, forms: Forms }>

/** @returns undefined for a browser that sent no cookie of ours, or another host's */
export function readBrowser (
  { seal, forms }: Written, { rawHeaders }: Pick<VerifyRequest, 'rawHeaders'>, site: Site
): Browser | undefined {
  const text = readCookie(rawHeaders, site.cookies.login)
  const browser = text === undefined ? undefined : forms.browser.open(seal, text, site)
  return browser?.host === site.name ? browser : undefined
}

/** @returns a Set-Cookie line */
export function browserCookie ({ seal, forms }: Written, site: Site, browser: Browser): string {
  return shortCookie(site, 'login', forms.browser.seal(seal, browser), forms.lifeMs)
}

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

/** From one way back to the next: those of a slow line are as many. */
const RETURN_WINDOW_MS = 60_000

/** How often it was at Authgear and back without a click, until a moment ago. */
export const roundOf = ({ returns }: Browser, now: number): number =>
  returns !== undefined && Math.abs(now - returns.since) <= RETURN_WINDOW_MS ? returns.count : 0

/** One more way back. Tabs that were opened at once are of one round: a browser may restore ten of them. */
export function returned (browser: Browser, { round }: Pick<State, 'round'>, now: number): Browser {
  const known = roundOf(browser, now)
  return { ...browser, returns: { count: Math.max(known, (round ?? known) + 1), since: now } }
}

/** A click on a page's link is no circle. */
export const clicked = (browser: Browser): Browser => ({ ...browser, returns: undefined })
