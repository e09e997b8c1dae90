import { randomBytes } from 'node:crypto'
import type { SignedIn } from '../../authgear/id-token.ts'
import type { Tokens } from '../../authgear/token-endpoint.ts'
import type { Clock } from '../../clock.ts'
import type { CacheKeys, Keyer, SentDigests } from '../../core/cache-key.ts'
import { credentialsOfCookie } from '../../core/credentials.ts'
import type { EpochMs } from '../../core/token-expiry.ts'
import type { SignedIn as Ending, SignOuts } from '../revocation/sign-outs.ts'
import type { SessionLease } from './lease.ts'
import type { CookieNames, OwnRecord } from './record.ts'
import type { RecordStore } from './store.ts'
import type { UserSessions } from './user-sessions.ts'

/** `unreachable`: Redis did not take it, and nothing has changed. */
type Changed<T> = Readonly<{ kind: 'done', value: T }> | Readonly<{ kind: 'unreachable' }>

/** What a login, a step-up and a sign-out do to sessions. Never rejects. */
export type SessionChanges = Readonly<{
  /**
   * @param instead the cookie that the browser brought: one more of its own ends nobody else's
   * @returns the value of a cookie that nobody ever had
   */
  create: (
    host: string, tokens: Tokens, signedIn: SignedIn, askedAt: EpochMs, instead?: string
  ) => Promise<Changed<string>>
  /** The same session under another cookie: the old one is dead everywhere. @returns the value of the new one */
  replace: (own: string, signedIn: SignedIn, idToken: string) => Promise<Changed<string> | Readonly<{ kind: 'gone' }>>
  /** The session of that cookie is ended here, on every replica. @returns what it was, if it was one */
  end: (own: string) => Promise<Changed<OwnRecord | undefined>>
  read: (own: string) => Promise<Changed<OwnRecord | undefined>>
}>

export type SessionChangesDeps = Readonly<{
  store: RecordStore
  lease: SessionLease
  users: UserSessions
  keyer: Keyer
  clock: Clock
  /** Nothing of the old cookie is remembered during a change, which takes no longer than its quiet time. */
  signOuts: SignOuts
  /** Milliseconds: longest wait for a refresh that is under way. */
  timeoutMs: number
  /** The oldest session of a user ended, since there was one too many; undefined: its record could not be read. */
  hadTooMany: (oldest: OwnRecord | undefined) => void
}>

const VALUE_BYTES = 32
/** Of a cookie that is not known: its record is found by its name alone. */
const NO_DIGESTS: SentDigests = { whole: [], all: [] }

export function createSessionChanges (deps: SessionChangesDeps): SessionChanges {
  const { store, lease, users, keyer, clock, signOuts, timeoutMs } = deps
  const namesOf = (own: string): CookieNames => {
    const credentials = credentialsOfCookie(own)
    return { keys: keyer.cacheKeys(credentials), digests: keyer.sentDigests(credentials) }
  }
  const newValue = (): string => randomBytes(VALUE_BYTES).toString('base64url')

  async function read (own: string): Promise<Changed<OwnRecord | undefined>> {
    const found = await store.read(namesOf(own))
    if (found.kind === 'unreachable') return found
    return { kind: 'done', value: found.kind === 'found' ? found.record : undefined }
  }

  const endingOf = (own: string, { userId }: OwnRecord): Ending =>
    ({ userId, digest: keyer.revocable().wholeDigests(credentialsOfCookie(own))[0] })

  async function create (
    ...[host, tokens, signedIn, askedAt, instead]: Parameters<SessionChanges['create']>
  ): Promise<Changed<string>> {
    const value = newValue()
    const names = namesOf(`${host} ${value}`)
    const record = recordOf(host, tokens, signedIn, askedAt)
    const place = instead === undefined ? undefined : namesOf(instead).keys
    const beyond = await users.add(record, names.keys, place).catch(() => undefined)
    if (beyond === undefined || await store.write(names, record) !== 'stored') return UNREACHABLE
    await dropBeyond(beyond)
    return { kind: 'done', value }
  }

  /** What was resolved of them lives on for CACHE_TTL: nobody asked for their end. */
  async function dropBeyond (beyond: readonly CacheKeys[]): Promise<void> {
    for (const keys of beyond) {
      const found = await store.read({ keys, digests: NO_DIGESTS })
      await store.remove({ keys })
      deps.hadTooMany(found.kind === 'found' ? found.record : undefined)
    }
  }

  /**
   * First nothing of the old cookie is remembered any more, for as long as this takes; then the new record stands; then
   * the old one is gone for good. Where a step fails the ones before have changed nothing that anybody can tell.
   */
  async function replaceUnderLease (
    own: string,
    signedIn: SignedIn,
    idToken: string
  ): ReturnType<SessionChanges['replace']> {
    const found = await read(own)
    if (found.kind !== 'done') return found
    const { value: record } = found
    if (record === undefined) return { kind: 'gone' }
    const ending = endingOf(own, record)
    // all replicas know, or will before they use anything of it
    if (await signOuts.begin(ending) !== 'logged') return UNREACHABLE
    const value = newValue()
    const names = namesOf(`${record.host} ${value}`)
    const { authTime, amr } = signedIn
    const now = clock.wall()
    const stepped = { ...record, version: 1, idToken, authTime, amr, createdAt: now, usedAt: now }
    const beyond = await users.add(record, names.keys, namesOf(own).keys).catch(() => undefined)
    if (beyond === undefined) return UNREACHABLE
    if (await store.write(names, stepped) !== 'stored') return UNREACHABLE
    if (await store.remove(namesOf(own)) !== 'removed') {
      await store.remove(names)
      return UNREACHABLE
    }
    // what a replica resolved meanwhile began before this
    await signOuts.end(ending)
    await dropBeyond(beyond)
    return { kind: 'done', value }
  }

  return Object.freeze({
    create,
    read,
    async replace (own: string, signedIn: SignedIn, idToken: string) {
      // a refresh that is under way ends first: its tokens are the ones that go on
      const leased = await lease(namesOf(own).keys, timeoutMs, () => replaceUnderLease(own, signedIn, idToken))
      return leased.kind === 'ran' ? leased.value : UNREACHABLE
    },
    async end (own: string): Promise<Changed<OwnRecord | undefined>> {
      const found = await read(own)
      if (found.kind !== 'done' || found.value === undefined) return found
      const ending = endingOf(own, found.value)
      // on this replica at once, whatever is under way; a refresh that is writes to no ended session
      if (await signOuts.begin(ending) === 'refused') return UNREACHABLE
      if (await store.remove(namesOf(own)) !== 'removed') return UNREACHABLE
      await signOuts.end(ending)
      // nobody waits: one that stays listed takes a place
      users.remove(found.value, namesOf(own).keys).catch(() => {})
      return found
    }
  })
}

function recordOf (
  host: string,
  { accessToken, accessLifeMs, refreshToken = '', idToken = '' }: Tokens,
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
    authTime,
    amr,
    createdAt: askedAt,
    usedAt: askedAt
  }
}

const UNREACHABLE = Object.freeze({ kind: 'unreachable' })
