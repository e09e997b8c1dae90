import { X509Certificate } from 'node:crypto'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The certificates of a PEM text, in order; undefined when there is none or one of them is broken (TLS would silently skip it). */
export function certificates (pem: string): readonly X509Certificate[] | undefined {
  try {
    const found = Array.from(pem.matchAll(BLOCK), ([block]) => new X509Certificate(block))
    return found.length === 0 ? undefined : found
  } catch {
    return undefined
  }
}
