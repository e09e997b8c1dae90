import { createPrivateKey } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { createHmacSha256 } from '../../base/crypto/hmac.ts'
import { type SigningKey, signingKeyOf } from './key.ts'
import { type KeySet, PUBLISH_AHEAD_MS, publishedAt, type Schedule, signingAt, type StoredKey } from './key-set.ts'

export type KeyRing = ReturnType<typeof createKeyRing>

/**
 * The keys of one replica. The set says which one signs, but a key that this replica learned of late, as where replicas
 * were apart or a file changed, is published first.
 */
export function createKeyRing (clock: Clock, schedule: Schedule) {
  let set: KeySet = { since: 0, sid: '', keys: [] }
  let knownSince: ReadonlyMap<string, number> = new Map()
  let readyAt = 0
  let hmac = createHmacSha256(Buffer.of())
  let signing: StoredKey | undefined
  /** Made once: it takes 200 µs. */
  const made = new Map<string, SigningKey>()

  function find (stored: StoredKey): SigningKey | undefined {
    const key = made.get(stored.pkcs8) ?? readSigningKey(stored)
    if (key !== undefined) made.set(stored.pkcs8, key)
    return key
  }
  function signingKey (stored: StoredKey): SigningKey {
    const key = find(stored)
    if (key === undefined) throw new Error('a key of the set cannot sign')
    return key
  }
  function current (): StoredKey | undefined {
    const wanted = signingAt(set, schedule.algorithm, clock.wall())
    if (wanted === undefined) return signing
    const now = clock.monotonic()
    const waitedMs = now - (knownSince.get(wanted.pkcs8) ?? now)
    if (signing === undefined ? now >= readyAt : waitedMs >= PUBLISH_AHEAD_MS) signing = wanted
    return signing
  }
  return Object.freeze({
    /** @param waitMs for how long it must have been known where nothing has signed yet */
    use (next: KeySet, waitMs: number): void {
      const now = clock.monotonic()
      if (next.sid !== set.sid) {
        readyAt = now + waitMs
        hmac = createHmacSha256(Buffer.from(next.sid))
      }
      for (const known of made.keys()) if (!next.keys.some(({ pkcs8 }) => pkcs8 === known)) made.delete(known)
      knownSince = new Map(next.keys.map(({ pkcs8 }) => [pkcs8, knownSince.get(pkcs8) ?? now]))
      set = next
    },
    /** @returns undefined as long as nothing may sign */
    signer (): SigningKey | undefined {
      const key = current()
      return key && signingKey(key)
    },
    /** Begins with the one that signs. */
    published (): readonly SigningKey[] {
      const first = current()
      const others = publishedAt(set, schedule, clock.wall()).filter(({ pkcs8 }) => pkcs8 !== first?.pkcs8)
      return (first === undefined ? others : [first, ...others]).map(signingKey)
    },
    /** True for a private key of the kind that it says. */
    canSign: (stored: StoredKey) => find(stored) !== undefined,
    /** Keys `sid`: the same on all replicas, and over a rotation of the keys. */
    sidHmac: () => hmac,
    /** When another one signs; undefined: never, as far as is known. */
    nextAt: () => set.keys.find(({ from, until, algorithm }) =>
      until === undefined && algorithm === schedule.algorithm && from > clock.wall())?.from
  })
}

/** @returns undefined where it is no private key, or of another kind than it says */
function readSigningKey ({ pkcs8, algorithm }: StoredKey): SigningKey | undefined {
  try {
    const key = signingKeyOf(createPrivateKey({ key: Buffer.from(pkcs8, 'base64url'), format: 'der', type: 'pkcs8' }))
    return key?.algorithm === algorithm ? key : undefined
  } catch {
    return undefined
  }
}
