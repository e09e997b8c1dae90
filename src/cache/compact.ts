import type { CredentialDigest } from '../core/cache-key.ts'
import type { Entry, Stamp } from '../core/entry.ts'
import { IDENTITY_HEADERS, type Identity, type Resolution } from '../core/resolution.ts'

/** Values that many people have: the longest of them, in characters, and how many are remembered. */
const MAX_LENGTH = 256
const MAX_VALUES = 1000
/** A person's own: no other has the same. */
const OWN: ReadonlySet<string> = new Set(['x-authgear-user-id', 'x-authgear-session-authenticated-at'])

/** @returns what memory keeps of an entry: what many have is there once, so that a million sessions fit (docs/performance.md) */
export function createCompactor (): (entry: Entry) => Entry {
  const values = new Map<string, string>()
  let stamp: Stamp | undefined

  function shared (value: string): string {
    if (value.length > MAX_LENGTH) return value
    const known = values.get(value)
    if (known !== undefined) return known
    if (values.size >= MAX_VALUES) values.clear()
    values.set(value, value)
    return value
  }
  const identityOf = (identity: Identity): Identity =>
    Object.freeze(identity.map((value, index) => value === undefined || OWN.has(IDENTITY_HEADERS[index] ?? '') ? value : shared(value)))
  const resolutionOf = (resolution: Resolution): Resolution =>
    resolution.kind === 'valid' ? Object.freeze({ ...resolution, identity: identityOf(resolution.identity) }) : resolution
  const stampOf = (own: Stamp): Stamp => {
    stamp = stamp !== undefined && isSame(stamp, own) ? stamp : own
    return stamp
  }
  return ({ resolution, stamp, digests, ttlMs, sealedAt }) =>
    ({ resolution: resolutionOf(resolution), stamp: stampOf(stamp), digests: digests.map(flat), ttlMs, sealedAt })
}

function isSame (one: Stamp, other: Stamp): boolean {
  return one.generation === other.generation && one.position.id === other.position.id && one.position.nonce === other.position.nonce
}

/** A part of a longer string keeps the whole of it: a copy does not. */
function flat (digest: CredentialDigest): CredentialDigest {
  return Buffer.from(digest, 'latin1').toString('latin1') as CredentialDigest
}
