import { hash, hkdfSync, randomBytes } from 'node:crypto'
import type { Credentials } from './credentials.ts'
import { bytesOfText, createHmacSha256 } from '../crypto/hmac.ts'

/** Keyed digest of everything that can change Authgear's answer: 43 characters of base64url. */
export type CacheKey = string & { readonly __brand: 'CacheKey' }
/**
 * The same under a secret that this process made and that ends with it; for memory, at less than half the price and in
 * 22 characters (132 bits, of a secret hash: nobody can look for two credentials with one key).
 */
export type MemoryKey = string & { readonly __brand: 'MemoryKey' }
/** Keyed digest of one credential, or of the session id in one: what a revocation names. 22 characters of base64url. */
export type CredentialDigest = string & { readonly __brand: 'CredentialDigest' }

/** `of` derives the key of another purpose; nothing that was made under one can be joined with what another made. */
export type DerivedKeys =
  & Readonly<Record<'digest' | 'sealing' | 'log', Uint8Array>>
  & Readonly<{ of: (purpose: string) => Uint8Array }>

/** The names of an entry in Redis; `previous` only while CACHE_SECRET is rotated. */
export type CacheKeys = Readonly<{ current: CacheKey, previous: CacheKey | undefined }>

export type SentDigests = Readonly<{
  /**
   * One for each whole credential, which has its own few slots. Never of a session id, which is no secret: its owner
   * must share no slot with a stranger who sends that id.
   */
  whole: readonly CredentialDigest[]
  /** The same and the session ids: requests that share one fail as one, and a revocation may name each. */
  all: readonly CredentialDigest[]
}>

/** The digests that a revocation may name. */
export type Digests = Readonly<{
  digests: (credentials: Credentials) => readonly CredentialDigest[]
  wholeDigests: (credentials: Credentials) => readonly CredentialDigest[]
  /** The digest of the part of a `session` or `app_session` cookie before the dot. */
  sessionDigest: (sessionId: string) => CredentialDigest
}>

export type Keyer = Digests & Readonly<{
  /** Both at once: each costs two hashes. */
  sentDigests: (credentials: Credentials) => SentDigests
  memoryKey: (credentials: Credentials) => MemoryKey
  cacheKey: (credentials: Credentials) => CacheKey
  cacheKeys: (credentials: Credentials) => CacheKeys
  /** Names something remembered of a user. @param of tells values of one purpose apart, such as the host of sessions */
  userKey: (purpose: string, userId: string, of: string) => CacheKey
  /** The digests of a session id, under every secret that this replica knows. */
  sessionDigests: (sessionId: string) => readonly CredentialDigest[]
  /** The digests that a revocation names: under the secret that all replicas know (rotation.ts). */
  revocable: () => Digests
}>

/** The public secret of `CACHE_SECRET=none`: entries are keyed and sealed by it too. */
export function secretBytes (secret: string | undefined): Uint8Array {
  return Buffer.from(secret ?? 'none')
}

/** Names a secret in what was made under it; says nothing of the secret. */
export function secretIdOf (logKey: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', logKey, '', 'id', 8)).toString('hex')
}

const OWN_PURPOSES: ReadonlySet<string> = new Set(['digest', 'sealing', 'log'])

/** @param secret CACHE_SECRET; one purpose never learns the key of another */
export function deriveKeys (secret: Uint8Array): DerivedKeys {
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, '', `authgear-forward-auth ${purpose} v1`, 32))
  return {
    digest: derive('digest'),
    sealing: derive('sealing'),
    log: derive('log'),
    of (purpose) {
      if (OWN_PURPOSES.has(purpose)) throw new Error(`the key of "${purpose}" is not a part's: name another purpose`)
      return derive(purpose)
    }
  }
}

/**
 * @param project what names the Authgear project and its reading of cookies: two projects may share one Redis and one
 * token string (CVE-2026-33496)
 */
export function createKeyer (
  digestKey: Uint8Array,
  project: Readonly<{ endpoint: string, cookiePrefix: string }>
): Keyer {
  const hmac = createHmacSha256(digestKey)
  const scope = part(project.endpoint) + part(project.cookiePrefix)
  const secret = randomBytes(32).toString('base64url')
  const digest = (kind: string, text: string): CredentialDigest =>
    hmac(`${kind}:${scope}${part(text)}`).slice(0, 22) as CredentialDigest
  const cacheKey = (credentials: Credentials): CacheKey => hmac(`key:${scope}${textOf(credentials)}`) as CacheKey
  const sessionDigest = (sessionId: string): CredentialDigest => digest('session-id', sessionId)
  const sentDigests = (credentials: Credentials): SentDigests => {
    const all: CredentialDigest[] = []
    const whole: CredentialDigest[] = []
    for (const text of wholeTexts(credentials)) {
      const own = digest(...text)
      whole.push(own)
      const sessionId = sessionIdIn(text)
      all.push(own, ...(sessionId === undefined ? [] : [sessionDigest(sessionId)]))
    }
    return { all, whole }
  }
  const digests: Digests = Object.freeze({
    digests: (credentials: Credentials) => sentDigests(credentials).all,
    wholeDigests: (credentials: Credentials) => sentDigests(credentials).whole,
    sessionDigest
  })
  return Object.freeze({
    ...digests,
    sentDigests,
    sessionDigests: (sessionId: string) => [sessionDigest(sessionId)],
    memoryKey: (credentials: Credentials) =>
      hash('sha256', secret + textOf(credentials), 'base64url').slice(0, 22) as MemoryKey,
    cacheKey,
    userKey: (purpose: string, userId: string, of: string) =>
      hmac(`${purpose}:${scope}${part(of)}${part(bytesOfText(userId))}`) as CacheKey,
    cacheKeys: (credentials: Credentials) => ({ current: cacheKey(credentials), previous: undefined }),
    revocable: () => digests
  })
}

function textOf ({ bearer, appSession, appAccessToken, session, own }: Credentials): string {
  const ofAuthgear = part(bearer) + part(appSession) + part(appAccessToken) + part(session)
  return own === undefined ? ofAuthgear : `${ofAuthgear}own${part(own)}`
}

/** Length-prefixed, and an absent one marked, so that no two lists of parts give the same text. */
function part (text: string | undefined): string {
  return text === undefined ? '-' : `${text.length}:${text}`
}

/** A cleared cookie is empty: everybody may send it, so it names nobody. */
const isSent = (value: string | undefined): value is string => value !== undefined && value !== ''

type DigestText = readonly [kind: string, text: string]

/** A token is the same token in a header and in a cookie, so its digest does not say where it was sent. */
function wholeTexts ({ bearer, appSession, appAccessToken, session, own }: Credentials): readonly DigestText[] {
  const texts: DigestText[] = []
  if (isSent(own)) texts.push(['own', own])
  if (isSent(bearer)) texts.push(['token', bearer])
  if (isSent(appAccessToken) && appAccessToken !== bearer) texts.push(['token', appAccessToken])
  if (isSent(appSession)) texts.push(['app_session', appSession])
  if (isSent(session)) texts.push(['session', session])
  return texts
}

/** @returns the session id in a cookie, since Authgear names an ended session by its id */
function sessionIdIn ([kind, text]: DigestText): string | undefined {
  const dot = kind === 'token' || kind === 'own' ? -1 : text.indexOf('.')
  return dot > 0 ? text.slice(0, dot) : undefined
}
