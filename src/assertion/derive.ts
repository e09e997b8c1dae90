import { createECDH, createPrivateKey, hkdfSync, type KeyObject } from 'node:crypto'
import { createHmacSha256, type Hmac } from '../crypto/hmac.ts'
import { type Algorithm, type SigningKey, signingKeyOf } from './key.ts'

export const ROOT_BYTES = 32

/** Order of P-256 (FIPS 186-5, SP 800-186). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
/** 64 bits more than the order has, so that the remainder is not biased (FIPS 186-5, A.2.1). */
const SCALAR_BYTES = 48
const SEED_BYTES = 32
/** PKCS#8 of an Ed25519 key, up to its seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Periods of two lengths have no key in common. */
export type Period = Readonly<{ algorithm: Algorithm, rotationMs: number, number: number }>

/** The key of one period: all replicas that know the root have the same. */
export function deriveKey (root: Uint8Array, period: Period): SigningKey {
  const signing = signingKeyOf(deriveKeyObject(root, period))
  if (signing === undefined) throw new Error('a derived key is of another kind')
  return signing
}

function deriveKeyObject (root: Uint8Array, { algorithm, rotationMs, number }: Period): KeyObject {
  const derive = (bytes: number): Buffer => derived(root, `key ${algorithm} ${rotationMs} ${number}`, bytes)
  return algorithm === 'ES256' ? p256KeyOf(derive(SCALAR_BYTES)) : ed25519KeyOf(derive(SEED_BYTES))
}

/** Keys what an assertion says of a session. @param secret a root, or a private key */
export function deriveSidHmac (secret: Uint8Array): Hmac {
  return createHmacSha256(derived(secret, 'sid', 32))
}

function derived (secret: Uint8Array, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `authgear-forward-auth assertion ${purpose} v1`, bytes))
}

function p256KeyOf (random: Buffer): KeyObject {
  const scalar = BigInt(`0x${random.toString('hex')}`) % (ORDER - 1n) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const part = (bytes: Buffer): string => bytes.toString('base64url')
  const [x, y] = [part(point.subarray(1, 33)), part(point.subarray(33))]
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: part(d), x, y }, format: 'jwk' })
}

function ed25519KeyOf (seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
}
