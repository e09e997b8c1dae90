import { hash } from 'node:crypto'

const BLOCK = 64
const DIGEST = 32

export type HmacEncoding = 'base64url' | 'buffer'

/**
 * HMAC-SHA-256 by two one-shot hashes: on the hot path `createHmac` costs more than twice as much (docs/performance.md).
 * A test compares it with `createHmac` over random keys and messages.
 */
export type Hmac = (write: (target: Buffer, offset: number) => number, capacity: number) => string

/** @param key any length; @returns base64url of the MAC over what `write` puts from `offset` on (it returns the end) */
export function createHmacSha256 (key: Uint8Array): Hmac {
  const padded = Buffer.alloc(BLOCK)
  padded.set(key.length > BLOCK ? hash('sha256', key, 'buffer') : key)
  const outer = Buffer.concat([padded.map((byte) => byte ^ 0x5c), Buffer.alloc(DIGEST)])
  const innerPad = padded.map((byte) => byte ^ 0x36)
  let scratch = Buffer.concat([innerPad, Buffer.alloc(4096)])
  return (write, capacity) => {
    if (scratch.length < BLOCK + capacity) scratch = Buffer.concat([innerPad, Buffer.alloc(capacity * 2)])
    const end = write(scratch, BLOCK)
    outer.set(hash('sha256', scratch.subarray(0, end), 'buffer'), BLOCK)
    return hash('sha256', outer, 'base64url')
  }
}
