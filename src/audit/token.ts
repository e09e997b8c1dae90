import { importPKCS8, SignJWT } from 'jose'
import type { Clock } from '../clock.ts'

export type AdminKey = Readonly<{
  /** RSA, PKCS#8 in PEM. */
  pem: string
  /** Authgear looks the key up by it. */
  keyId: string
}>

/** Seconds. Authgear tolerates five minutes both ways; a token that leaks is of no use after one. */
const LIFE = 60
const BACK = 30

/** Makes the bearer token of one request. */
export function createTokens ({ pem, keyId }: AdminKey, appId: string, clock: Pick<Clock, 'wall'>): () => Promise<string> {
  let key: ReturnType<typeof importPKCS8> | undefined
  return async () => {
    key ??= importPKCS8(pem, 'RS256')
    const issuedAt = Math.floor(clock.wall() / 1000) - BACK
    return await new SignJWT().setProtectedHeader({ alg: 'RS256', kid: keyId, typ: 'JWT' }).setAudience(appId).setIssuedAt(issuedAt).setExpirationTime(issuedAt + LIFE).sign(await key)
  }
}
