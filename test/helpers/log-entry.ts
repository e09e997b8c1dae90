import type { CredentialDigest } from '../../src/base/core/cache-key.ts'
import type { Affected } from '../../src/base/core/entry.ts'
import type { LogEntry } from '../../src/base/revocation/ledger.ts'
import type { Revocation, Target } from '../../src/base/revocation/types.ts'

export const digest = (text: string): CredentialDigest => text as CredentialDigest

export const user = (userId: string, quietMs = 0): Revocation => ({
  target: { kind: 'user', userId }, origin: 'webhook', quietMs
})
/** One of which apps are told: a sign-in has no quiet time. */
export const disabled = (userId: string): Revocation => user(userId, 2000)
export const credential = (text: string, quietMs = 0): Revocation => ({
  target: { kind: 'credential', digest: digest(text) }, origin: 'management', quietMs
})
export const EVERYTHING: Revocation = { target: { kind: 'everything' }, origin: 'management', quietMs: 0 }

/** Whom a resolution is about: a user, and the digests of what was sent. */
export const about = (userId: string | undefined, ...digests: string[]): Affected => ({
  userId, digests: digests.map(digest)
})

/** The n-th entry of a log: its id, nonce and name follow from n. */
export function logEntry (n: number, revocation: Revocation | undefined, some: Partial<LogEntry> = {}): LogEntry {
  return {
    id: `${n}-0`,
    nonce: `nonce ${n}`,
    previous: n === 1 ? '' : `nonce ${n - 1}`,
    generation: 'g1',
    of: `of ${n}`,
    revocation,
    ...some
  }
}

export const targetsOf = (revocations: Iterable<Revocation>): Target[] => [...revocations].map(({ target }) => target)
