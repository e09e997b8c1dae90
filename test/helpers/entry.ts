import type { CredentialDigest } from '../../src/base/core/cache-key.ts'
import type { Entry } from '../../src/base/core/entry.ts'
import { validResolution } from './identity.ts'
import { NOW } from './jwt.ts'

export function entryOf (some: Partial<Entry> = {}): Entry {
  return {
    resolution: validResolution(),
    stamp: { generation: 'g1', position: { id: '1795561910000-7', nonce: 'n1' } },
    digests: ['d1', 'd2'] as unknown as readonly CredentialDigest[],
    ttlMs: 27_345,
    sealedAt: NOW,
    ...some
  }
}
