import type { Clock } from '../clock.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import { claimsText, LIFE_SECONDS, MAX_LENGTH, subOf } from './claims.ts'
import type { SigningKey } from './key.ts'
import type { KeyRing } from './key-ring.ts'
import type { Assertions } from './types.ts'

/** Of either algorithm: 64 bytes as base64url. */
const SIGNATURE_LENGTH = 86

/** `no_key`: Redis was not reached yet. `unfit`: too large, or about nobody who can be named. */
export const SIGN_OUTCOMES = ['signed', 'no_key', 'unfit'] as const
export type SignOutcome = typeof SIGN_OUTCOMES[number]

export type AssertionsDeps = Readonly<{
  ring: Pick<KeyRing, 'signer' | 'sidHmac'>
  /** ASSERTION_ISSUER */
  issuer: string
  clock: Pick<Clock, 'wall'>
  told: (outcome: SignOutcome) => void
}>

export function createAssertions ({ ring, issuer, clock, told }: AssertionsDeps): Assertions {
  return Object.freeze({
    sign: (subject, audience = issuer) => {
      const now = clock.wall()
      const key = ring.signer()
      const sub = subOf(subject)
      const room = key === undefined ? 0 : MAX_LENGTH - key.header.length - SIGNATURE_LENGTH - 2
      const text = key && sub && claimsText(subject, sub, { issuer, audience, now }, ring.sidHmac(), room)
      if (key === undefined || text === undefined || text === '') {
        told(key === undefined ? 'no_key' : 'unfit')
        return undefined
      }
      told('signed')
      const issuedAt = Math.floor(now / 1000) * 1000 as EpochMs
      return { token: jwtOf(key, text), issuedAt, renewAt: issuedAt + LIFE_SECONDS * 500 as EpochMs }
    }
  } satisfies Assertions)
}

function jwtOf (key: SigningKey, claims: string): string {
  const input = `${key.header}.${Buffer.from(claims).toString('base64url')}`
  return `${input}.${key.sign(input)}`
}
