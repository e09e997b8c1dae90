import { hash } from 'node:crypto'
import type { EpochMs } from '../core/token-expiry.ts'
import type { Hmac } from '../crypto/hmac.ts'
import { deriveKey, deriveSidHmac } from './derive.ts'
import type { Algorithm, PrivateKey, SigningKey } from './key.ts'

/** What keys come from: a root that all replicas share, or one key of a file. */
export type KeySource = Readonly<{
  /** Tells nothing of the secret. */
  id: string
  keysAt: (now: EpochMs) => SourceKeys
  /** Of `sid`: the same on all replicas, and over a rotation of the keys. */
  sidHmac: Hmac
}>

export type SourceKeys = Readonly<{
  signing: SigningKey
  /** Begins with the one that signs. */
  published: readonly SigningKey[]
  /** When another one signs; Infinity for a key that stays. */
  until: number
}>

export type Schedule = Readonly<{ algorithm: Algorithm, rotationMs: number }>

/** Verifiers keep the key set for so long. */
export const MAX_AGE_SECONDS = 300
/** Of ASSERTION_KEY_ROTATION: clocks, key sets and assertions are younger than one period by far. */
export const MIN_ROTATION = '1h'

/**
 * A period's key is published for the whole period before it signs, and for the whole one after: neither a key set
 * that a verifier has kept nor a clock that is wrong by minutes makes a difference.
 */
export function rotatingSource (root: Uint8Array, { algorithm, rotationMs }: Schedule): KeySource {
  const known = new Map<number, SourceKeys>()
  const keyOf = (number: number): SigningKey => deriveKey(root, { algorithm, rotationMs, number })
  function make (number: number): SourceKeys {
    const [signing, next, last] = [keyOf(number), keyOf(number + 1), keyOf(number - 1)]
    return { signing, published: [signing, next, last], until: (number + 1) * rotationMs }
  }
  return Object.freeze({
    id: hash('sha256', Buffer.concat([Buffer.from('root id '), root]), 'base64url').slice(0, 16),
    keysAt (now: EpochMs): SourceKeys {
      const number = Math.floor(now / rotationMs)
      const keys = known.get(number) ?? make(number)
      if (!known.has(number)) {
        known.clear()
        known.set(number, keys)
      }
      return keys
    },
    sidHmac: deriveSidHmac(root)
  })
}

export function fixedSource ({ signing, key }: PrivateKey): KeySource {
  const keys = { signing, published: [signing], until: Infinity }
  return Object.freeze({
    id: signing.kid,
    keysAt: () => keys,
    sidHmac: deriveSidHmac(key.export({ format: 'der', type: 'pkcs8' }))
  })
}
