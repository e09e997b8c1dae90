import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { objectOf, parseJson } from '../../core/json.ts'
import { type AdminKeyFile, type Kind, parsed, problem, type ReadFile } from '../kind.ts'
import { MASK } from './values.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The certificates of a PEM text, in order; undefined when there is none or one of them is broken (TLS would silently
 * skip it).
 */
export function certificates (pem: string): readonly X509Certificate[] | undefined {
  try {
    const found = Array.from(pem.matchAll(BLOCK), ([block]) => new X509Certificate(block))
    return found.length === 0 ? undefined : found
  } catch {
    return undefined
  }
}

type FileRead = Readonly<{ text: string } | { problem: string }>

/** A file's text, or why there is none. U+FFFD stands for bytes that are no UTF-8, which would be lost. */
export function readText (path: string, readFile: ReadFile): FileRead {
  const read = readWhole(path, readFile)
  return 'text' in read && (read.text.includes('\uFFFD') || read.text.includes('\0'))
    ? { problem: 'names a file that is not text (encode it, for instance with base64)' }
    : read
}

/** The path is not repeated: instead of a path people write the secret itself. @param encoding `latin1`: its bytes */
export function readWhole (path: string, readFile: ReadFile, encoding?: 'latin1'): FileRead {
  try {
    return { text: readFile(path, encoding) }
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
    return { problem: `names a file that cannot be read (${code}): check path and permissions` }
  }
}

type FileKind = Readonly<{
  accepts: string
  /** @returns why such a content cannot be used */
  problemOf: (content: string) => string | undefined
  /** Handed over as its content; else as its path, since it is read again later. */
  asContent?: true
}>

export function file ({ accepts, problemOf, asContent }: FileKind): Kind<string> {
  return Object.freeze({
    accepts,
    parse: (path: string, readFile: ReadFile) => {
      const read = readText(path, readFile)
      if ('problem' in read) return problem(read.problem)
      const found = problemOf(read.text)
      return found === undefined ? parsed(asContent === true ? read.text : path, path) : problem(found)
    }
  })
}

const CERTIFICATES: FileKind = {
  accepts: 'the path of a PEM file with at least one certificate',
  problemOf: (pem) => certificates(pem) === undefined
    ? 'names a file without a readable PEM certificate (-----BEGIN CERTIFICATE-----)'
    : undefined
}

export const certificatesContent: Kind<string> = file({ ...CERTIFICATES, asContent: true })
export const certificatesPath: Kind<string> = file(CERTIFICATES)

export const privateKeyPath: Kind<string> = file({
  accepts: 'the path of a PEM file with a private key without passphrase',
  problemOf: (pem) => keyOf(pem) === undefined
    ? 'names a file without a readable PEM private key (a passphrase is not supported)'
    : undefined
})

function keyOf (key: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(key)
  } catch {
    return undefined
  }
}

/** The shortest key that RS256 takes. */
const MIN_BITS = 2048

/**
 * The private key of the secret `admin-api.auth`: in PEM, or a JWK, which names its own id. Its text is never shown.
 */
export const adminKey: Kind<AdminKeyFile> = Object.freeze({
  accepts: 'an RSA private key of 2048 bits or more, in PEM without passphrase or as a JWK',
  parse: (text: string) => {
    const jwk = objectOf(parseJson(text))
    // a variable often has its line breaks written as two characters
    const key = keyOf(jwk === undefined ? text.replaceAll('\\n', '\n') : { key: jwk, format: 'jwk' })
    if (key === undefined) {
      return problem(
        'is not a readable private key: give it as PEM (-----BEGIN PRIVATE KEY-----) without passphrase, or as ' +
          'one JWK, such as an element of `keys` in admin-api.auth'
      )
    }
    if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS) {
      return problem('is not an RSA key of 2048 bits or more: Authgear accepts only RS256')
    }
    return parsed(
      {
        pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
        keyId: typeof jwk?.['kid'] === 'string' ? jwk['kid'] : undefined
      },
      MASK
    )
  }
})
