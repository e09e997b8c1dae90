import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { AdminKey } from '../types.ts'
import { type Kind, parsed, problem } from '../kind.ts'
import { MASK } from './secret.ts'

/** What RS256 takes. */
const MIN_BITS = 2048

/** The private key of the secret `admin-api.auth`: in PEM, or a JWK, which names its own id. Its text is never shown. */
export const adminKey: Kind<AdminKey> = Object.freeze({
  accepts: 'an RSA private key of 2048 bits or more, in PEM without passphrase or as a JWK',
  parse: (text: string) => {
    const jwk = jwkOf(text)
    const key = keyOf(text, jwk)
    if (key === undefined) return problem('is no private key that can be read: give it in PEM (-----BEGIN PRIVATE KEY-----) without passphrase, or as one JWK, such as an element of `keys` in admin-api.auth')
    if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS) return problem('is not an RSA key of 2048 bits or more: Authgear takes RS256 alone')
    return parsed({ pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), keyId: typeof jwk?.['kid'] === 'string' ? jwk['kid'] : undefined }, MASK)
  }
})

function jwkOf (text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : undefined
  } catch {
    return undefined
  }
}

/** A variable often has its line breaks written as two characters. */
function keyOf (text: string, jwk: Readonly<Record<string, unknown>> | undefined): KeyObject | undefined {
  try {
    return jwk === undefined ? createPrivateKey(text.replaceAll('\\n', '\n')) : createPrivateKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}
