import { sessionIdOf } from '../../../base/core/session-id.ts'
import type { Clock } from '../../../base/clock.ts'
import type { CredentialDigest, Keyer } from '../../../base/core/cache-key.ts'
import { AuthgearGarbage, type ResolverError } from '../../../base/errors.ts'
import type { OwnRecord, Target } from './record.ts'
import type { SessionLease } from './lease.ts'
import type { Refresh } from './refresh.ts'
import { type Refreshed, unreachable } from './renewal.ts'
import type { RecordStore } from './store.ts'

type Opened =
  /** Its access token can be asked about. */
  | Readonly<{ kind: 'session', record: OwnRecord }>
  /** Nobody's, for certain. */
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'unavailable', error: ResolverError }>

export type OwnSessions = ReturnType<typeof createOwnSessions>

export type OwnSessionsDeps = Readonly<{
  store: RecordStore
  refresh: Refresh
  lease: SessionLease
  keyer: Pick<Keyer, 'sentDigests' | 'sessionDigests'>
  clock: Clock
  /** Has what was resolved by this cookie forgotten everywhere. */
  forget: (own: string, userId: string) => Promise<void>
  wasTaken: () => void
}>

/** Our own sessions as a resolution needs them. Never rejects. */
export function createOwnSessions (deps: OwnSessionsDeps) {
  const { store, refresh, lease, keyer, clock, forget } = deps
  /** Nothing of it is remembered, on any replica. */
  async function end (target: Target, { userId }: OwnRecord): Promise<Opened> {
    await Promise.all([store.remove(target), forget(target.own, userId)])
    return { kind: 'none' }
  }

  /** Authgear said no to the newest token. */
  async function concluded (target: Target, record: OwnRecord, refreshed: Refreshed): Promise<Opened> {
    return refreshed.kind === 'ended' ? await end(target, record) : refreshed
  }

  /** Seals it under the new CACHE_SECRET, so that it is there when the previous one is left out. */
  async function reseal (target: Target): Promise<void> {
    await lease(target.keys, 0, async () => {
      const read = await store.read(target)
      if (read.kind !== 'found' || !read.isToReseal) return
      await store.write(target, { ...read.record, version: read.record.version + 1 })
    })
  }

  return Object.freeze({
    /** The grant lives and the resolver knows none of its tokens: nobody can say, and for a moment nobody is asked. */
    disagreed (target: Target): ResolverError {
      const error = new AuthgearGarbage('token endpoint and resolver disagree about a session')
      refresh.pause(target, error)
      return error
    },
    /** The resolver says that its access token is another user's: it is nobody's session any more. */
    async taken (target: Target, record: OwnRecord): Promise<Opened> {
      deps.wasTaken()
      return await end(target, record)
    },
    /** The session behind a cookie, with a token that has not ended. */
    async open (target: Target): Promise<Opened> {
      const read = await store.read(target)
      if (read.kind === 'none') return read
      if (read.kind === 'unreachable') return unreachable(read.error)
      const { record } = read
      refresh.learn(record)
      const isOver = clock.wall() >= record.accessEndsAt
      if (isOver) return await concluded(target, record, await refresh(target, record, true))
      // nobody waits for either; the holder of the lease does it
      if (refresh.isDue(record, target.keys.current)) {
        refresh(target, record, false).then((refreshed) => concluded(target, record, refreshed)).catch(() => {})
      } else if (read.isToReseal) {
        reseal(target).catch(() => {})
      }
      return { kind: 'session', record }
    },
    /** The resolver found no session behind this access token: is there a newer one, and does the grant live? */
    async refuted (target: Target, record: OwnRecord): Promise<Opened> {
      const read = await store.read(target)
      if (read.kind === 'none') return read
      if (read.kind === 'unreachable') return unreachable(read.error)
      if (read.record.accessToken !== record.accessToken) return { kind: 'session', record: read.record }
      return await concluded(target, record, await refresh(target, read.record, true))
    },
    /** All by which a revocation may name the session. */
    digestsOf: ({ accessToken, sid }: OwnRecord): readonly CredentialDigest[] => [
      ...keyer.sentDigests(ofToken(accessToken)).all, ...keyer.sessionDigests(sessionIdOf(sid) ?? '')
    ]
  })
}

export const ofToken = (bearer: string) =>
  ({ bearer, appSession: undefined, appAccessToken: undefined, session: undefined }) as const
