import { setTimeout as sleep } from 'node:timers/promises'
import { elapsedSince, momentOf, type Clock, type Moment } from '../../../base/clock.ts'
import type { CredentialDigest } from '../../../base/core/cache-key.ts'
import { BoundedMap } from '../../../base/revocation/bounded-map.ts'
import type { RevocationLog, RevokeOutcome, Target } from '../../../base/revocation/types.ts'

export type SignOutsDeps = Readonly<{
  revocations: Pick<RevocationLog, 'revoke' | 'admits'>
  clock: Clock
  /** Milliseconds from a sign-out in which nothing of it may be stored: the session lives until Authgear ends it. */
  quietMs: number
  pause?: (ms: number) => Promise<void>
}>

/** A credential that Authgear accepts, where it is known which, and the user behind it. */
export type SignedIn = Readonly<{ userId: string, digest: CredentialDigest | undefined }>

/** `refused`: the log takes no more sign-outs within this minute, and nothing was done. */
type SignOutOutcome = RevokeOutcome | 'refused'

/** How long a person may take to confirm a sign-out at Authgear; answers are not cached meanwhile. */
export const SIGNING_OUT_MS = 60_000

export type SignOuts = ReturnType<typeof createSignOuts>

/** An entry forbids to store for so much longer than asked, and so covers later sign-outs of the same name. */
const COVERS_MS = 60_000
/** Entries of one user's credentials within COVERS_MS. Beyond, all of the user's is void, and nothing is forbidden. */
const MAX_CREDENTIALS = 10
/** Between two entries that make all of one user's void: who signs out in between waits for the next. */
const VOID_INTERVAL_MS = 5000
/** A user who is forgotten costs one more entry. */
const MAX_USERS = 10_000

/** Nothing of this name that began within `forMs` of `at` is stored anywhere, once the log has it. */
type Written = Readonly<{ target: Target, at: Moment, forMs: number, outcome: Promise<RevokeOutcome> }> & {
  /** Nobody knows whether the log has it. */
  isPending: boolean
}

/**
 * Sign-outs by user: however often they are asked for, one user's are 34 entries in a minute at most. What an earlier
 * entry covers adds nothing: all that began before it is void, and nothing that began since was stored. No number of
 * sign-outs keeps the user's other sessions from being remembered: Authgear would be asked at each request.
 */
export function createSignOuts ({ revocations, clock, quietMs, pause = sleep }: SignOutsDeps) {
  const users = new BoundedMap<readonly Written[]>(MAX_USERS)
  const voids = createVoids(revocations, clock, pause)

  async function signOut (
    { userId, digest }: SignedIn,
    askedMs: number,
    makeVoid: (userId: string) => Promise<RevokeOutcome>
  ): Promise<SignOutOutcome> {
    // by both clocks: while this machine sleeps, the quiet time of the other replicas goes on
    const ageOf = ({ at }: Written): number => elapsedSince(at, clock)
    const isQuiet = (one: Written): boolean => ageOf(one) < one.forMs
    const written = (users.get(userId) ?? []).filter(isQuiet)
    const recent = written.filter((one) => ageOf(one) < COVERS_MS).length
    const covering = written.findLast((one) => isAbout(one.target, digest) && ageOf(one) + askedMs <= one.forMs)
    // one that Redis did not take in time is tried once more, within the same bound
    const isOver = covering !== undefined && (!covering.isPending || recent >= MAX_CREDENTIALS)
    if (isOver) return await covering.outcome
    if (!revocations.admits('logout')) return 'refused'
    if (recent >= MAX_CREDENTIALS) return await makeVoid(userId)
    const target: Target = digest === undefined ? { kind: 'user', userId } : { kind: 'credential', digest }
    const forMs = askedMs + COVERS_MS
    const outcome = revocations.revoke({ target, origin: 'logout', quietMs: forMs })
    const one: Written = { target, at: momentOf(clock), forMs, outcome, isPending: false }
    users.set(userId, [...written, one])
    forgetOldest(users, isQuiet)
    one.isPending = await outcome === 'pending'
    return await outcome
  }

  return Object.freeze({
    /** Before Authgear ends the session: nothing is stored until it has, `quietMs` at most. */
    begin: (signedIn: SignedIn) => signOut(signedIn, quietMs, voids.begin),
    /** After it has: what was stored since is void. */
    end: (signedIn: SignedIn) => signOut(signedIn, 0, voids.end)
  })
}

type Voids = Readonly<{ at: Moment, next: Promise<RevokeOutcome> | undefined, hasEnded: boolean }>

/** Makes all of a user's void, with one entry for all who ask within VOID_INTERVAL_MS. */
function createVoids (
  revocations: SignOutsDeps['revocations'],
  clock: Clock,
  pause: (ms: number) => Promise<void>
) {
  const users = new BoundedMap<Voids>(MAX_USERS)
  const write = (userId: string): Promise<RevokeOutcome> =>
    revocations.revoke({ target: { kind: 'user', userId }, origin: 'logout', quietMs: 0 })
  const writeFirst = (userId: string): Promise<RevokeOutcome> => {
    users.set(userId, { at: momentOf(clock), next: undefined, hasEnded: false })
    return write(userId)
  }
  const begin = (userId: string): Promise<RevokeOutcome> => {
    const last = users.get(userId)
    if (last === undefined || elapsedSince(last.at, clock) >= VOID_INTERVAL_MS) return writeFirst(userId)
    if (last.next !== undefined) return last.next
    const next = pause(VOID_INTERVAL_MS).then(() => writeFirst(userId))
    users.set(userId, { ...last, next })
    return next
  }
  return {
    begin,
    /** Once for each such entry at once: nothing was forbidden since, so that a session that ended may be stored. */
    end (userId: string): Promise<RevokeOutcome> {
      const last = users.get(userId)
      if (last === undefined || last.hasEnded) return begin(userId)
      users.set(userId, { ...last, hasEnded: true })
      return write(userId)
    }
  }
}

function isAbout (target: Target, digest: CredentialDigest | undefined): boolean {
  return target.kind === 'user' || (target.kind === 'credential' && target.digest === digest)
}

/** Forgets the oldest users whose entries forbid nothing any more. */
function forgetOldest (users: BoundedMap<readonly Written[]>, isQuiet: (one: Written) => boolean): void {
  for (let oldest = users.oldest(); oldest !== undefined; oldest = users.oldest()) {
    if (oldest[1].some(isQuiet)) return
    users.delete(oldest[0])
  }
}
