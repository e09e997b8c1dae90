import { X509Certificate } from 'node:crypto'
import type { EpochMs } from '../core/jwt.ts'

/**
 * When the first certificate of a PEM text ends: the leaf, which stands first in a chain.
 * @throws where there is none
 */
export function certificateExpiry (pem: string): EpochMs {
  return Date.parse(new X509Certificate(pem).validTo) as EpochMs
}
