import { hash, timingSafeEqual } from 'node:crypto'

/**
 * The one comparison of secrets, tags and signatures (a lint rule pins that): its time tells neither content nor
 * length.
 */
export function equalSecret (given: string | Uint8Array, expected: string | Uint8Array): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'))
}
