import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { createHmacSha256 } from './hmac.ts'

/** AES-256-GCM. Layout: format byte, nonce, ciphertext, tag. */
const CIPHER = 'aes-256-gcm'
const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

export type Sealer = Readonly<{
  seal: (key: string, plain: Uint8Array) => Buffer
  /** @returns undefined for what was not sealed under this secret and this very key */
  open: (key: string, sealed: Uint8Array) => Buffer | undefined
}>

/** Seals a kind of value in Redis: under CACHE_SECRET, and CACHE_SECRET_PREVIOUS while there is one. */
export type Sealing = Readonly<{
  sealer: Sealer
  previous: Sealer | undefined
  /** True while a replica may be left that knows CACHE_SECRET_PREVIOUS alone. */
  writesPrevious: () => boolean
}>

/**
 * Each entry has a key of its own, HMAC(sealing key, name), so it does not open under another name (a cache key, a
 * purpose).
 */
export function createSealer (sealingKey: Uint8Array): Sealer {
  const hmac = createHmacSha256(sealingKey)
  // Node 24 takes 20 µs to make a key from bytes implicitly, and 1 µs by createSecretKey (docs/inside/performance.md)
  const entryKey = (key: string): KeyObject => createSecretKey(Buffer.from(hmac(key), 'base64url'))
  return Object.freeze({
    seal (key: string, plain: Uint8Array): Buffer {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, entryKey(key), nonce, { authTagLength: TAG_BYTES })
      const body = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.getAuthTag()])
    },
    open (key: string, sealed: Uint8Array): Buffer | undefined {
      if (sealed[0] !== FORMAT || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) return undefined
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
      const body = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)
      const decipher = createDecipheriv(CIPHER, entryKey(key), nonce, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      try {
        const plain = decipher.update(body)
        decipher.final() // checks the tag; GCM has no last block
        return plain
      } catch {
        return undefined
      }
    }
  })
}
