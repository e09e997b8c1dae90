import type { CryptoKey } from 'jose'
import type { Clock } from '../../clock.ts'

export type AdminKey = Readonly<{
  /** RSA, PKCS#8 in PEM. */
  pem: string
  /** Authgear looks the key up by it. */
  keyId: string
}>

/** Authgear tolerates five minutes both ways; a token that leaks is of no use after one. */
const LIFE_SECONDS = 60
const BACK_SECONDS = 30

/** Makes the bearer token of one request. */
export function createTokens (
  { pem, keyId }: AdminKey,
  appId: string,
  clock: Pick<Clock, 'wall'>
): () => Promise<string> {
  let key: Promise<CryptoKey> | undefined
  return async () => {
    const { importPKCS8, SignJWT } = await import('jose') // 8 MB for those alone who use the Admin API
    key ??= importPKCS8(pem, 'RS256')
    const issuedAt = Math.floor(clock.wall() / 1000) - BACK_SECONDS
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256', kid: keyId, typ: 'JWT' })
      .setAudience(appId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIFE_SECONDS)
      .sign(await key)
  }
}
