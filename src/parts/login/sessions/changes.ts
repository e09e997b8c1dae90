import { randomBytes } from 'node:crypto'
import type { SignedIn } from '../grants/id-token.ts'
import type { Tokens } from '../grants/token-endpoint.ts'
import type { Clock } from '../../../base/clock.ts'
import type { CacheKeys, Keyer, SentDigests } from '../../../base/core/cache-key.ts'
import { credentialsOfCookie } from './credentials.ts'
import type { EpochMs } from '../../../base/core/token-expiry.ts'
import type { SignedIn as Ending, SignOuts } from '../sign-outs.ts'
import type { SessionLease } from './lease.ts'
import type { CookieNames, OwnRecord } from './record.ts'
import type { RecordStore } from './store.ts'
import type { UserSessions } from './user-sessions.ts'

/** A grant's tokens, and whether its login asked for full access. */
export type GrantTokens = Tokens & Pick<OwnRecord, 'hasFullAccess'>

/** `unreachable`: Redis did not take it, and nothing has changed. */
type Changed<T> = Readonly<{ kind: 'done', value: T }> | Readonly<{ kind: 'unreachable' }>

type Replaced = Changed<string> | Readonly<{ kind: 'gone' }>

export type SessionChanges = ReturnType<typeof createSessionChanges>

export type SessionChangesDeps = Readonly<{
  store: RecordStore
  lease: SessionLease
  users: UserSessions
  keyer: Keyer
  clock: Clock
  /** Nothing of a cookie is remembered while it ends, which takes no longer than its quiet time. */
  signOuts: SignOuts
  /** Milliseconds: longest wait for a refresh that is under way. */
  timeoutMs: number
  /** The oldest session of a user ended, since there was one too many; undefined: its record could not be read. */
  hadTooMany: (oldest: OwnRecord | undefined) => void
}>

const VALUE_BYTES = 32
/** The digests of a cookie that is not known: its record is found by its name alone. */
const NO_DIGESTS: SentDigests = { whole: [], all: [] }

/** The changes of sessions by a login, a step-up and a sign-out. Never rejects. */
export function createSessionChanges (deps: SessionChangesDeps) {
  const { store, lease, users, keyer, clock, signOuts, timeoutMs } = deps
  const namesOf = (own: string): CookieNames => {
    const credentials = credentialsOfCookie(own)
    return { keys: keyer.cacheKeys(credentials), digests: keyer.sentDigests(credentials) }
  }

  async function read (own: string): Promise<Changed<OwnRecord | undefined>> {
    const found = await store.read(namesOf(own))
    if (found.kind === 'unreachable') return found
    return { kind: 'done', value: found.kind === 'found' ? found.record : undefined }
  }

  const endingOf = (own: string, { userId }: OwnRecord): Ending =>
    ({ userId, digest: keyer.revocable().wholeDigests(credentialsOfCookie(own))[0] })

  /**
   * @param instead the cookie that the browser brought: one more of its own ends nobody else's
   * @returns the value of a cookie that nobody ever had
   */
  async function create (
    host: string,
    tokens: GrantTokens,
    signedIn: SignedIn,
    askedAt: EpochMs,
    instead?: string
  ): Promise<Changed<string>> {
    const begun = await begin(recordOf(host, tokens, signedIn, askedAt), instead)
    if (begun === undefined) return UNREACHABLE
    await dropBeyond(begun.beyond)
    return { kind: 'done', value: begun.value }
  }

  /** @returns the value of its cookie, and whose place it took; undefined where Redis did not take it */
  async function begin (record: OwnRecord, instead: string | undefined) {
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
  async function replaceUnderLease (own: string, signedIn: SignedIn, idToken: string): Promise<Replaced> {
    const found = await read(own)
    if (found.kind !== 'done') return found
    const { value: record } = found
    if (record === undefined) return { kind: 'gone' }
    const { authTime, amr } = signedIn
    const now = clock.wall()
    const begun = await begin({ ...record, version: 1, idToken, authTime, amr, createdAt: now, usedAt: now }, own)
    if (begun === undefined) return UNREACHABLE
    if (await store.remove(namesOf(own)) !== 'removed') {
      await store.remove(begun.names)
      return UNREACHABLE
    }
    // what a replica resolved meanwhile began before this
    await signOuts.end(endingOf(own, record))
    await dropBeyond(begun.beyond)
    return { kind: 'done', value: begun.value }
  }

  return Object.freeze({
    create,
    read,
    /** The same session under another cookie: the old one is dead everywhere. @returns the value of the new one */
    async replace (own: string, signedIn: SignedIn, idToken: string): Promise<Replaced> {
      // a refresh that is under way ends first: its tokens are the ones that go on
      const leased = await lease(namesOf(own).keys, timeoutMs, () => replaceUnderLease(own, signedIn, idToken))
      return leased.kind === 'ran' ? leased.value : UNREACHABLE
    },
    /**
     * The session of that cookie is ended here, on every replica.
     * @param ending comes before the record goes, which a replica that dies then would lose
     * @returns its record, if it was a session
     */
    async end (own: string, ending?: (record: OwnRecord) => Promise<void>): Promise<Changed<OwnRecord | undefined>> {
      const found = await read(own)
      if (found.kind !== 'done' || found.value === undefined) return found
      const signedIn = endingOf(own, found.value)
      // on this replica at once, whatever is under way; a refresh that is writes to no ended session
      if (await signOuts.begin(signedIn) === 'refused') return UNREACHABLE
      await ending?.(found.value)
      if (await store.remove(namesOf(own)) !== 'removed') return UNREACHABLE
      await signOuts.end(signedIn)
      // nobody waits: one that stays listed takes a place
      users.remove(found.value, namesOf(own).keys).catch(() => {})
      return found
    }
  })
}

function recordOf (
  host: string,
  { accessToken, accessLifeMs, refreshToken = '', idToken = '', hasFullAccess }: GrantTokens,
  { userId, sid, authTime, amr }: SignedIn,
  askedAt: EpochMs
): OwnRecord {
  return {
    version: 1,
    host,
    userId,
    sid,
    refreshToken,
    accessToken,
    accessEndsAt: askedAt + accessLifeMs as EpochMs,
    accessLifeMs,
    idToken,
    hasFullAccess,
    authTime,
    amr,
    createdAt: askedAt,
    usedAt: askedAt
  }
}

const UNREACHABLE = Object.freeze({ kind: 'unreachable' })
