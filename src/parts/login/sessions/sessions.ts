import { randomBytes } from 'node:crypto'
import type { SignedIn } from '../oidc/id-token.ts'
import type { Tokens } from '../oidc/token-endpoint.ts'
import type { Clock } from '../../../base/clock.ts'
import type { CacheKeys, CredentialDigest, Keyer, SentDigests } from '../../../base/core/cache-key.ts'
import { sessionIdOf } from '../../../base/core/session-id.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import { AuthgearGarbage, type ResolverError } from '../../../base/errors.ts'
import type { SignedIn as Ending, SignOuts } from './sign-out-budget.ts'
import { credentialsOfCookie } from './cookie.ts'
import type { SessionLease } from './lease.ts'
import type { CookieNames, SessionRecord, SessionRef } from './record.ts'
import { type Refresh, type Refreshed, unreachable } from './renewal.ts'
import type { RecordStore } from './store.ts'
import type { UserSessions } from './users.ts'

type Opened =
  /** Its access token can be asked about. */
  | Readonly<{ kind: 'session', record: SessionRecord }>
  /** Nobody's, for certain. */
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

/** A grant's tokens, and whether its login asked for full access. */
type GrantTokens = Tokens & Pick<SessionRecord, 'hasFullAccess'>

/** `unreachable`: Redis did not take it, and nothing has changed. */
type Changed<T> = Readonly<{ kind: 'done', value: T }> | Readonly<{ kind: 'unreachable' }>
type Replaced = Changed<string> | Readonly<{ kind: 'gone' }>

export type OwnSessionsDeps = Readonly<{
  store: RecordStore
  refresh: Refresh
  lease: SessionLease
  users: UserSessions
  keyer: Pick<Keyer, 'cacheKeys' | 'revocable' | 'sentDigests' | 'sessionDigests'>
  clock: Clock
  /** Nothing of a cookie is remembered while it ends, which takes no longer than its quiet time. */
  signOuts: SignOuts
  /** Milliseconds: longest wait for a refresh that is under way. */
  timeoutMs: number
  /** The resolver said that a session's tokens are another user's. */
  wasTaken: () => void
  /** The oldest session of a user ended, since there was one too many; undefined: its record could not be read. */
  hadTooMany: (oldest: SessionRecord | undefined) => void
}>

/** Our own sessions: as a resolution needs them, and their changes by a login, step-up and sign-out. Never rejects. */
export type OwnSessions = ReturnType<typeof createOwnSessions>

export const createOwnSessions = (deps: OwnSessionsDeps) =>
  Object.freeze({ ...createOpening(deps), ...createChanges(deps) })

/** @param cookieRef as `Credentials` have it */
const endingOf = ({ keyer }: OwnSessionsDeps, cookieRef: string, { userId }: SessionRecord): Ending =>
  ({ userId, digest: keyer.revocable().wholeDigests(credentialsOfCookie(cookieRef))[0] })

function createOpening (deps: OwnSessionsDeps) {
  const { store, refresh, lease, keyer, clock, signOuts } = deps
  /** Nothing of it is remembered, on any replica; beyond what the log takes others find out within CACHE_TTL. */
  async function close (target: SessionRef, record: SessionRecord): Promise<Opened> {
    await Promise.all([store.remove(target), signOuts.end(endingOf(deps, target.cookieRef, record))])
    return { kind: 'none' }
  }

  /** Authgear said no to the newest token. */
  async function endIfRefused (target: SessionRef, record: SessionRecord, refreshed: Refreshed): Promise<Opened> {
    return refreshed.kind === 'ended' ? await close(target, record) : refreshed
  }

  /** Seals it under the new CACHE_SECRET, so that it is there when the previous one is left out. */
  async function reseal (target: SessionRef): Promise<void> {
    await lease(target.keys, 0, async () => {
      const read = await store.read(target)
      if (read.kind !== 'found' || !read.isToReseal) return
      await store.write(target, { ...read.record, version: read.record.version + 1 })
    })
  }

  return {
    /** The session behind a cookie, with a token that has not ended. */
    async open (target: SessionRef): Promise<Opened> {
      const read = await store.read(target)
      if (read.kind === 'none') return read
      if (read.kind === 'unreachable') return unreachable(read.error)
      const { record } = read
      refresh.learn(record)
      const isOver = clock.wall() >= record.accessEndsAt
      if (isOver) return await endIfRefused(target, record, await refresh(target, record, true))
      // nobody waits for either; the holder of the lease does it
      if (refresh.isDue(record, target.keys.current)) {
        refresh(target, record, false).then((refreshed) => endIfRefused(target, record, refreshed)).catch(() => {})
      } else if (read.isToReseal) {
        reseal(target).catch(() => {})
      }
      return { kind: 'session', record }
    },
    /** The resolver found no session behind this access token: is there a newer one, and does the grant live? */
    async refuted (target: SessionRef, record: SessionRecord): Promise<Opened> {
      const read = await store.read(target)
      if (read.kind === 'none') return read
      if (read.kind === 'unreachable') return unreachable(read.error)
      if (read.record.accessToken !== record.accessToken) return { kind: 'session', record: read.record }
      return await endIfRefused(target, record, await refresh(target, read.record, true))
    },
    /** The grant lives and the resolver knows none of its tokens: nobody can say, and for a moment nobody is asked. */
    pauseForDisagreement (target: SessionRef): ResolverError {
      const error = new AuthgearGarbage('token endpoint and resolver disagree about a session')
      refresh.pause(target, error)
      return error
    },
    /** The resolver says that its access token is another user's: it is nobody's session any more. */
    async endAsAnothers (target: SessionRef, record: SessionRecord): Promise<Opened> {
      deps.wasTaken()
      return await close(target, record)
    },
    /** All by which a revocation may name the session. */
    digestsOf: ({ accessToken, sid }: SessionRecord): readonly CredentialDigest[] => [
      ...keyer.sentDigests(ofToken(accessToken)).all, ...keyer.sessionDigests(sessionIdOf(sid) ?? '')
    ]
  }
}

const VALUE_BYTES = 32
/** The digests of a cookie that is not known: its record is found by its name alone. */
const NO_DIGESTS: SentDigests = { whole: [], all: [] }
const UNREACHABLE = Object.freeze({ kind: 'unreachable' })

function createChanges (deps: OwnSessionsDeps) {
  const { store, lease, users, keyer, clock, signOuts, timeoutMs } = deps
  const namesOf = (cookieRef: string): CookieNames => {
    const credentials = credentialsOfCookie(cookieRef)
    return { keys: keyer.cacheKeys(credentials), digests: keyer.sentDigests(credentials) }
  }

  async function read (cookieRef: string): Promise<Changed<SessionRecord | undefined>> {
    const found = await store.read(namesOf(cookieRef))
    if (found.kind === 'unreachable') return found
    return { kind: 'done', value: found.kind === 'found' ? found.record : undefined }
  }

  /** @returns the value of its cookie, and whose place it took; undefined where Redis did not take it */
  async function begin (record: SessionRecord, instead: string | undefined) {
    const value = randomBytes(VALUE_BYTES).toString('base64url')
    const names = namesOf(`${record.host} ${value}`)
    const place = instead === undefined ? undefined : namesOf(instead).keys
    const beyond = await users.add(record, names.keys, place).catch(() => undefined)
    if (beyond === undefined || await store.write(names, record) !== 'stored') return undefined
    return { value, names, beyond }
  }

  /** Drops sessions beyond the bound. What was resolved of them lives on for CACHE_TTL: nobody asked for their end. */
  async function dropBeyond (beyond: readonly CacheKeys[]): Promise<void> {
    for (const keys of beyond) {
      const found = await store.read({ keys, digests: NO_DIGESTS })
      await store.remove({ keys })
      deps.hadTooMany(found.kind === 'found' ? found.record : undefined)
    }
  }

  /**
   * Writes the new record, then removes the old one, then notifies all replicas: a revocation that names a cookie
   * is final. Where a step fails the ones before have changed nothing that anybody can tell.
   */
  async function replaceUnderLease (cookieRef: string, signedIn: SignedIn, idToken: string): Promise<Replaced> {
    const found = await read(cookieRef)
    if (found.kind !== 'done') return found
    const { value: record } = found
    if (record === undefined) return { kind: 'gone' }
    const { authTime, amr } = signedIn
    const now = clock.wall()
    const begun = await begin({ ...record, version: 1, idToken, authTime, amr, createdAt: now, usedAt: now }, cookieRef)
    if (begun === undefined) return UNREACHABLE
    if (await store.remove(namesOf(cookieRef)) !== 'removed') {
      await store.remove(begun.names)
      return UNREACHABLE
    }
    // what a replica resolved meanwhile began before this
    await signOuts.end(endingOf(deps, cookieRef, record))
    await dropBeyond(begun.beyond)
    return { kind: 'done', value: begun.value }
  }

  return {
    read,
    /**
     * @param instead the cookie that the browser brought: one more of its own ends nobody else's
     * @returns the value of a cookie that nobody ever had
     */
    async create (
      host: string, tokens: GrantTokens, signedIn: SignedIn, askedAt: EpochMs, instead?: string
    ): Promise<Changed<string>> {
      const begun = await begin(recordOf(host, tokens, signedIn, askedAt), instead)
      if (begun === undefined) return UNREACHABLE
      await dropBeyond(begun.beyond)
      return { kind: 'done', value: begun.value }
    },
    /** The same session under another cookie: the old one is dead everywhere. @returns the value of the new one */
    async replace (cookieRef: string, signedIn: SignedIn, idToken: string): Promise<Replaced> {
      // a refresh that is under way ends first: its tokens are the ones that go on
      const { keys } = namesOf(cookieRef)
      const leased = await lease(keys, timeoutMs, () => replaceUnderLease(cookieRef, signedIn, idToken))
      return leased.kind === 'ran' ? leased.value : UNREACHABLE
    },
    /**
     * The session of that cookie is ended here, on every replica.
     * @param ending comes before the record goes, which a replica that dies then would lose
     * @returns its record, if it was a session
     */
    async end (
      cookieRef: string, ending?: (record: SessionRecord) => Promise<void>
    ): Promise<Changed<SessionRecord | undefined>> {
      const found = await read(cookieRef)
      if (found.kind !== 'done' || found.value === undefined) return found
      const signedIn = endingOf(deps, cookieRef, found.value)
      // on this replica at once, whatever is under way; a refresh that is writes to no ended session
      if (await signOuts.begin(signedIn) === 'refused') return UNREACHABLE
      await ending?.(found.value)
      if (await store.remove(namesOf(cookieRef)) !== 'removed') return UNREACHABLE
      await signOuts.end(signedIn)
      // nobody waits: one that stays listed takes a place
      users.remove(found.value, namesOf(cookieRef).keys).catch(() => {})
      return found
    }
  }
}

function recordOf (
  host: string,
  { accessToken, accessLifeMs, refreshToken = '', idToken = '', hasFullAccess }: GrantTokens,
  { userId, sid, authTime, amr }: SignedIn,
  askedAt: EpochMs
): SessionRecord {
  const accessEndsAt = askedAt + accessLifeMs as EpochMs
  const tokens = { refreshToken, accessToken, accessEndsAt, accessLifeMs, idToken, hasFullAccess }
  return { version: 1, host, userId, sid, ...tokens, authTime, amr, createdAt: askedAt, usedAt: askedAt }
}

export const ofToken = (bearer: string) =>
  ({ bearer, appSession: undefined, appAccessToken: undefined, session: undefined }) as const
