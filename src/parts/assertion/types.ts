import type { Credentials } from '../../base/core/credentials.ts'
import type { EpochMs } from '../../base/core/token-expiry.ts'
import type { Algorithm } from './key.ts'

/** On every 200 with ASSERTION=on, empty for nobody. */
export const ASSERTION_HEADER = 'x-forward-auth-assertion'
/** No verify route of any proxy can name it, nor any path of the login's. */
export const JWKS_PATH = '/.well-known/forward-auth/jwks.json'

/** `no_key`: Redis was not reached yet. `unfit`: too large, or about nobody who can be named. */
export const SIGN_OUTCOMES = ['signed', 'no_key', 'unfit'] as const
export type SignOutcome = typeof SIGN_OUTCOMES[number]

/** The person, or the machine, that an assertion speaks of. */
export type AssertionSubject = Readonly<{
  /** Undefined for a machine, whose `sub` is its client. */
  userId: string | undefined
  roles: readonly string[]
  email: string | undefined
  name: string | undefined
  /** The client and scopes of a resource token. */
  grant: Readonly<{ clientId: string, scopes: readonly string[] }> | undefined
  /** They name the session: `sid` is a keyed digest of one. */
  credentials: Credentials
  /** `x-forward-auth-session`, which is the `sid` with LISTEN_EVENTS. */
  session?: string | undefined
}>

export type AssertionSettings = Readonly<{
  issuer: string
  /** Replaces keys that replicas make; its first key says which algorithm. */
  keyFile: string | undefined
  algorithm: Algorithm
  rotationMs: number
}>

export type Assertion = Readonly<{
  /** A JWT in compact form. */
  token: string
  /** The half of its life: it goes out from `issuedAt` until then, and another one afterwards. */
  issuedAt: EpochMs
  renewAt: EpochMs
}>

export type Assertions = Readonly<{
  /**
   * Signs at once.
   * @param audience by the route; undefined: ASSERTION_ISSUER
   * @returns undefined while this replica has no key, since Redis was not reached yet; and for what cannot be asserted:
   * nobody, or a name that is longer than an assertion may be
   */
  sign: (subject: AssertionSubject, audience: string | undefined) => Assertion | undefined
}>
