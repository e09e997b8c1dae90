import type { CredentialDigest } from '../../src/core/cache-key.ts'
import type { Entry } from '../../src/core/entry.ts'
import { validResolution } from './identity.ts'
import { NOW } from './jwt.ts'

export function entryOf (some: Partial<Entry> = {}): Entry {
  return {
    resolution: validResolution(),
    stamp: { log: 'l1', at: '1795561910000-7' },
    digests: ['d1', 'd2'] as unknown as readonly CredentialDigest[],
    ttlMs: 27_345,
    sealedAt: NOW,
    ...some
  }
}
