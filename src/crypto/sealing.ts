import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createHmacSha256 } from './hmac.ts'

/** AES-256-GCM. Layout: format byte, nonce, ciphertext, tag. */
const CIPHER = 'aes-256-gcm'
const FORMAT = 1
const NONCE = 12
const TAG = 16

export type Sealer = Readonly<{
  seal: (key: string, plain: Uint8Array) => Buffer
  /** @returns undefined for what was not sealed under this secret and this very key */
  open: (key: string, sealed: Uint8Array) => Buffer | undefined
}>

/**
 * Each entry has a key of its own, HMAC(sealing key, name): moved to another name (a cache key, a purpose) it opens
 * nowhere.
 */
export function createSealer (sealingKey: Uint8Array): Sealer {
  const hmac = createHmacSha256(sealingKey)
  const entryKey = (key: string): Buffer => Buffer.from(hmac(key), 'base64url')
  return Object.freeze({
    seal (key: string, plain: Uint8Array): Buffer {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv(CIPHER, entryKey(key), nonce, { authTagLength: TAG })
      const body = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.getAuthTag()])
    },
    open (key: string, sealed: Uint8Array): Buffer | undefined {
      if (sealed[0] !== FORMAT || sealed.length < 1 + NONCE + TAG) return undefined
      const decipher = createDecipheriv(CIPHER, entryKey(key), sealed.subarray(1, 1 + NONCE), { authTagLength: TAG })
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE, sealed.length - TAG)), decipher.final()])
      } catch {
        return undefined
      }
    }
  })
}
