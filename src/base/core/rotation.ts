import type { CacheKeys, CredentialDigest, Digests, Keyer, SentDigests } from './cache-key.ts'
import type { Credentials } from './credentials.ts'

/**
 * In a process, a digest under CACHE_SECRET_PREVIOUS begins with this; base64url has no such character. What leaves the
 * process names the secret in another way: the sealing of an entry, `secret` of a log entry and of a cookie.
 */
const PREVIOUS_MARK = '~'

export const isOfPrevious = (digest: CredentialDigest): boolean => digest.startsWith(PREVIOUS_MARK)

export function markPrevious (digest: string): CredentialDigest {
  return `${PREVIOUS_MARK}${digest}` as CredentialDigest
}

export function unmarked (digest: CredentialDigest): CredentialDigest {
  return (isOfPrevious(digest) ? digest.slice(PREVIOUS_MARK.length) : digest) as CredentialDigest
}

/** @returns those of the one secret, as they leave the process */
export function digestsUnder (
  secret: 'current' | 'previous',
  digests: readonly CredentialDigest[]
): readonly CredentialDigest[] {
  return digests.filter((digest) => isOfPrevious(digest) === (secret === 'previous')).map(unmarked)
}

/**
 * A keyer while CACHE_SECRET is rotated: what memory holds has its names under both secrets, so that a revocation under
 * either of them voids it.
 * @param writesPrevious whether a replica may be left that does not know the current secret
 * @param namesPrevious whether apps may hold names that were made under the previous one alone: then revocations are
 * written under it until it is taken out
 */
export function createRotatingKeyer (
  current: Keyer,
  previous: Keyer,
  writesPrevious: () => boolean,
  namesPrevious = false
): Keyer {
  const marked: Digests = Object.freeze({
    digests: (credentials: Credentials) => previous.digests(credentials).map(markPrevious),
    wholeDigests: (credentials: Credentials) => previous.wholeDigests(credentials).map(markPrevious),
    sessionDigest: (sessionId: string) => markPrevious(previous.sessionDigest(sessionId))
  })
  const sentDigests = (credentials: Credentials): SentDigests => {
    const { all, whole } = current.sentDigests(credentials)
    return { all: [...all, ...marked.digests(credentials)], whole }
  }
  return Object.freeze({
    ...current,
    cacheKeys: (credentials: Credentials): CacheKeys =>
      ({ current: current.cacheKey(credentials), previous: previous.cacheKey(credentials) }),
    sentDigests,
    sessionDigests: (sessionId: string) => [current.sessionDigest(sessionId), marked.sessionDigest(sessionId)],
    digests: (credentials: Credentials) => sentDigests(credentials).all,
    revocable: () => namesPrevious || writesPrevious() ? marked : current.revocable()
  })
}

/** A digest as another replica can read it, whatever secrets that has. */
export type PortableDigest = Readonly<{ digest: string, secret: string }>

export type DigestForm = Readonly<{
  seal: (digest: CredentialDigest) => PortableDigest
  /** @returns undefined for one under a secret that this replica does not have */
  open: (portable: PortableDigest) => CredentialDigest | undefined
}>

/** @param secrets their ids (`secretIdOf`) */
export function createDigestForm (secrets: Readonly<{ current: string, previous: string | undefined }>): DigestForm {
  return Object.freeze({
    seal: (digest: CredentialDigest) =>
      ({ digest: unmarked(digest), secret: isOfPrevious(digest) ? secrets.previous ?? '' : secrets.current }),
    open: ({ digest, secret }: PortableDigest) =>
      secret === secrets.current
        ? digest as CredentialDigest
        : secret === secrets.previous ? markPrevious(digest) : undefined
  })
}
