import type { CredentialDigest } from '../core/cache-key.ts'

/** What a revocation makes void: every resolution of a user, every one made with a credential, or all there are. */
export type Target =
  | Readonly<{ kind: 'user', userId: string }>
  | Readonly<{ kind: 'credential', digest: CredentialDigest }>
  | Readonly<{ kind: 'everything' }>

export const ORIGINS = ['webhook', 'management', 'audit', 'logout'] as const
export type Origin = (typeof ORIGINS)[number]

export type Revocation = Readonly<{
  target: Target
  origin: Origin
  /** Milliseconds in which a resolution that began after this was read is answered but not remembered. */
  quietMs: number
}>

/** The name under which a target is looked up; the three kinds never meet. */
export function nameOf (target: Target): string {
  switch (target.kind) {
    case 'user': return `u:${target.userId}`
    case 'credential': return `c:${target.digest}`
    case 'everything': return EVERYTHING
  }
}

export const EVERYTHING = '*'

/** Whom a resolution is about: any of these names makes it void. */
export function namesOf (userId: string | undefined, digests: readonly CredentialDigest[]): string[] {
  const names = digests.map((digest) => `c:${digest}`)
  if (userId !== undefined) names.push(`u:${userId}`)
  return names
}
