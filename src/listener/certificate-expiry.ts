import { X509Certificate } from 'node:crypto'
import type { EpochMs } from '../core/jwt.ts'

/**
 * When the first certificate of a PEM text ends: the leaf, which stands first in a chain.
 * @throws where there is none
 */
export function certificateExpiry (pem: string): EpochMs {
  return Date.parse(new X509Certificate(pem).validTo) as EpochMs
}

/** Milliseconds since 1970. */
export type CertificateLife = Readonly<{ from: number, to: number }>

/** The same certificate's whole life. */
export function certificateLife (pem: string): CertificateLife {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { from: Date.parse(validFrom), to: Date.parse(validTo) }
}
