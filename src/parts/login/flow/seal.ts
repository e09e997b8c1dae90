import { hkdfSync } from 'node:crypto'
import { createSealer, type Sealer } from '../../../base/crypto/sealing.ts'
import { cookieValues } from '../sessions/cookie.ts'

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
export type Purpose = 'state' | 'browser' | 'logout' | 'own state' | 'own browser' | 'own logout'

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
