import { createPrivateKey, createPublicKey, hash, type JsonWebKey, type KeyObject, sign } from 'node:crypto'

/** ES256: P-256 with SHA-256 (RFC 7518). EdDSA: Ed25519 (RFC 8037). */
export const ALGORITHMS = ['ES256', 'EdDSA'] as const
export type Algorithm = typeof ALGORITHMS[number]

export type SigningKey = Readonly<{
  algorithm: Algorithm
  kid: string
  /** Its public half, for the key set. */
  jwk: Readonly<Record<string, string>>
  /** The JWT's first part. */
  header: string
  /** @param input header and claims, joined by a dot; @returns base64url */
  sign: (input: string) => string
}>

/** Members of a thumbprint in their order (RFC 7638, section 3.2; RFC 8037, section 2). */
const THUMBPRINT_MEMBERS = { ES256: ['crv', 'kty', 'x', 'y'], EdDSA: ['crv', 'kty', 'x'] } as const

/** @returns undefined for a key of another kind than P-256 and Ed25519 */
export function signingKeyOf (key: KeyObject): SigningKey | undefined {
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) return undefined
  const open = publicMembers(createPublicKey(key).export({ format: 'jwk' }), algorithm)
  const kid = hash('sha256', JSON.stringify(open), 'base64url')
  const header = JSON.stringify({ alg: algorithm, kid, typ: 'JWT' })
  // not jose: it signs asynchronously, and a hit that begins another half life must not wait
  const digest = algorithm === 'ES256' ? 'sha256' : null
  return Object.freeze({
    algorithm,
    kid,
    jwk: { ...open, kid, alg: algorithm, use: 'sig' },
    header: Buffer.from(header).toString('base64url'),
    sign: (input: string) => sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  })
}

function algorithmOf (key: KeyObject): Algorithm | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined
}

function publicMembers (jwk: JsonWebKey, algorithm: Algorithm): Record<string, string> {
  return Object.fromEntries(THUMBPRINT_MEMBERS[algorithm].map((name) => [name, String(jwk[name])]))
}

/** A file never holds more. */
export const MAX_KEYS = 8
const PRIVATE_BLOCK = /-----BEGIN (?:EC )?PRIVATE KEY-----[^-]+-----END (?:EC )?PRIVATE KEY-----/g

export type KeyFileContent = Readonly<
  | { kind: 'keys', keys: readonly PrivateKey[] }
  | { kind: 'problem', problem: string }
>
/** A key with what signs by it; secrets are derived from the key itself. */
export type PrivateKey = Readonly<{ signing: SigningKey, key: KeyObject }>

/** PEM blocks, a JWK, or a JWK set: the first key signs, all are published. */
export function readKeys (text: string): KeyFileContent {
  const found = objectsOf(text)
  if (found === undefined || found.length === 0) {
    return {
      kind: 'problem',
      problem: 'has no private key that can be read: PEM (-----BEGIN PRIVATE KEY-----) without passphrase, a JWK or ' +
        'a JWK set; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`'
    }
  }
  const keys = found.flatMap((key) => {
    const signing = signingKeyOf(key)
    return signing === undefined ? [] : [{ signing, key }]
  })
  if (keys.length < found.length) return { kind: 'problem', problem: 'has a key that is neither P-256 nor Ed25519' }
  if (keys.length > MAX_KEYS) return { kind: 'problem', problem: `has more than ${MAX_KEYS} keys` }
  const isRepeated = new Set(keys.map(({ signing: { kid } }) => kid)).size < keys.length
  return isRepeated ? { kind: 'problem', problem: 'has one key twice' } : { kind: 'keys', keys }
}

/** @returns undefined where one of them cannot be read */
function objectsOf (text: string): readonly KeyObject[] | undefined {
  try {
    const isJson = text.trimStart().startsWith('{')
    if (!isJson) return Array.from(text.matchAll(PRIVATE_BLOCK), ([pem]) => createPrivateKey(pem))
    const json = JSON.parse(text) as JsonWebKey & { keys?: readonly JsonWebKey[] }
    return (json.keys ?? [json]).map((key) => createPrivateKey({ key, format: 'jwk' }))
  } catch {
    return undefined
  }
}
