import type { UserId } from '../../base/core/resolution.ts'
import type { Asker, Profile } from '../../base/identity/profile.ts'
import type { KnownUsers } from './known-users.ts'
import type { ReadUser } from './reader.ts'
import { signedInAtOf, type Source } from './source.ts'
import { MAX_CALLS_OF_USER } from './userinfo.ts'

export type ReadsDeps = Pick<KnownUsers, 'remembered' | 'keep' | 'keepFailure'> & Readonly<{
  reader: ReadUser
  source: Pick<Source, 'isLent' | 'mayAsk' | 'nameOf'>
  after: (ms: number, act: () => void) => () => void
}>

/** Users being read or waiting to be, and askers who lend a token for it: some four seconds of work, 1 kB each. */
export const MAX_READS = 4096
/** How long the others of a user wait for one asker's token before the next is tried as well. */
const PATIENCE_MS = 250
/** A user being read. `isLate`: PROFILE_TIMEOUT has passed, and no request waits any more. */
export type Read = {
  ended: Promise<void>
  /** By name: those whose tokens are tried in turn. */
  readonly askers: Map<string, Asker>
  /** The newest sign-in of all who ask. */
  signedInAt: number
  waiting: Promise<Profile> | undefined
  waiters: number
  isLate: boolean
}

/** The users being read, each once at a time. */
export function createReads ({ reader, source, after, remembered, keep, keepFailure }: ReadsDeps) {
  const reads = new Map<UserId, Read>()
  let askers = 0

  /** @returns undefined where there is no room, or the source rests */
  function read (asker: Asker, maxAgeMs: number): Read | undefined {
    const { userId } = asker
    const running = reads.get(userId)
    if (running !== undefined) return join(running, asker)
    if (reads.size >= MAX_READS || !source.mayAsk(asker)) return undefined
    const begun: Read = {
      ended: Promise.resolve(),
      askers: new Map(),
      signedInAt: 0,
      waiting: undefined,
      waiters: 0,
      isLate: false
    }
    join(begun, asker)
    reads.set(userId, begun)
    begun.ended = tryInTurn(userId, begun, maxAgeMs).finally(() => {
      reads.delete(userId)
      askers -= begun.askers.size
    })
    return begun
  }

  function join (read: Read, asker: Asker): Read {
    if (source.isLent) read.signedInAt = Math.max(read.signedInAt, signedInAtOf(asker))
    const name = source.nameOf(asker)
    const hasRoom = read.askers.size < MAX_CALLS_OF_USER && (askers < MAX_READS || read.askers.size === 0)
    if (!hasRoom || read.askers.has(name)) return read
    read.askers.set(name, asker)
    askers++
    return read
  }

  /** One call serves all who asked before it. Who asked during it is served by it, too, or by one more. */
  async function tryInTurn (userId: UserId, read: Read, maxAgeMs: number): Promise<void> {
    const attempts: Array<Promise<boolean>> = []
    let servedSignIn = -Infinity
    for (const asker of read.askers.values()) { // it grows
      if (servedSignIn >= read.signedInAt) break
      if (!source.mayAsk(asker)) continue
      const signedInAt = Math.max(read.signedInAt, source.isLent ? remembered(userId)?.signedInAt ?? 0 : 0)
      const attempt = reader(asker, { maxAgeMs, signedInAt }).catch(() => 'failed' as const)
        .then((learned) => settle(userId, learned))
      attempts.push(attempt)
      // the Admin API needs no token: there is one attempt
      if (await (source.isLent ? withPatience(attempt) : attempt)) servedSignIn = signedInAt
    }
    await Promise.all(attempts)
  }

  /** @returns true if the user is known now */
  function settle (userId: UserId, learned: Awaited<ReturnType<ReadUser>>): boolean {
    if (learned === 'failed' || learned === 'unreadable') keepFailure(userId, learned)
    if (typeof learned !== 'object') return false // the next request reads again, without a pause
    const isOvertaken = (remembered(userId)?.signedInAt ?? 0) > learned.signedInAt
    if (!isOvertaken) keep(userId, learned)
    return true
  }

  function withPatience (attempt: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = after(PATIENCE_MS, () => resolve(false))
      attempt.then((isKnown) => { cancel(); resolve(isKnown) }, () => {})
    })
  }

  return read
}
