import { obeys, type Rules } from './rules.ts'
import { bit, has, set, type CachedEntry, type Replica, type Token } from './state.ts'
import { isMasterProven } from './mastery.ts'

/** `src/base/revocation/ledger.ts`, `isVoid`, for the user that a revocation names. */
export function isVoid (replica: Replica, rules: Rules, entry: CachedEntry, revocation: number): boolean {
  if (entry.generation !== replica.generation) return true
  if (replica.voidBefore > entry.id || (replica.revokedAt[revocation] ?? 0) > entry.id) return true
  const own = replica.own[revocation]
  const isUnconfirmed = own === 'taken' || own === 'appended'
  return isUnconfirmed && obeys(rules, 'a revocation holds here at once')
}

/** `ledger.ts`, `trusts`. */
export function trusts (replica: Replica, rules: Rules, entry: CachedEntry, revocation: number): boolean {
  if (entry.secret !== replica.secret || entry.generation === 0) return false
  const isPositionRead = entry.id > 0 && replica.read[entry.id - 1] === entry.token
  if (!isPositionRead && obeys(rules, 'an entry is trusted at positions read')) return false
  return !isVoid(replica, rules, entry, revocation)
}

/** `stream-log.ts`, `isFollowing`. */
export function isFollowing (replica: Replica): boolean {
  return replica.isFresh && isMasterProven(replica) && replica.skipping === 'no' && !replica.suspension.isActive
}

/** `stream-log.ts`, `trustsShared`. */
export function trustsShared (replica: Replica, rules: Rules): boolean {
  const isCarrying = replica.republish.some((item) => item !== undefined)
  return isFollowing(replica) && !(isCarrying && obeys(rules, 'nothing is shared while some are carried over'))
}

/** `ledger.ts`, `adopt` and `#toRepublish`; `adopted` empties memory. */
export function adopt (replica: Replica, rules: Rules, generation: Token): Replica {
  const carries = obeys(rules, 'revocations are carried over')
  return {
    ...replica,
    generation,
    left: replica.generation === 0 ? replica.left : [...replica.left, replica.generation],
    read: [],
    isCaughtUp: false,
    revokedAt: replica.revokedAt.map(() => 0),
    voidBefore: 0,
    skippedTo: 0,
    skipped: 0,
    republish: replica.kept.map((kept, index) =>
      kept === 'no' || !carries ? replica.republish[index] : { all: kept === 'all', attempt: 'none' }),
    memory: undefined,
    isOvertaken: replica.flight !== undefined || replica.isOvertaken
  }
}

/** `ledger.ts`, `apply`. @param of -1: it revokes nothing */
export function apply (replica: Replica, token: Token, of: number, all: boolean): Replica {
  const read = [...replica.read, token]
  const id = read.length
  if (of === -1) return { ...replica, read }
  const awaited = replica.republish[of]
  const isReadBack = awaited?.all === all
  return {
    ...replica,
    read,
    voidBefore: all ? id : replica.voidBefore,
    revokedAt: all ? replica.revokedAt : set(replica.revokedAt, of, id),
    kept: set(replica.kept, of, all ? 'all' : 'it'),
    republish: isReadBack ? set(replica.republish, of, undefined) : replica.republish,
    knows: replica.knows | bit(of),
    ended: all ? replica.ended : replica.ended | bit(of)
  }
}

/** `ledger.ts`, `skip`. */
export function skip (replica: Replica, token: Token, of: number): Replica {
  const read = [...replica.read, token]
  return { ...replica, read, skippedTo: read.length, skipped: replica.skipped | bit(of) }
}

/** The users of a family for whom that replica would answer from memory now: `authenticator.ts`, `mayUse`. */
export function usable (replica: Replica, rules: Rules): number {
  const { memory } = replica
  if (memory === undefined || (memory.isOld && !isFollowing(replica))) return 0
  return replica.revokedAt.reduce<number>((bits, _, index) => {
    const isUsable = has(memory.predates, index) && !isVoid(replica, rules, memory, index)
    return isUsable ? bits | bit(index) : bits
  }, 0)
}

/** The users whose token from the beginning it accepts: `token-ledger.ts`, `standingOf`. */
export function accepted (replica: Replica, rules: Rules): number {
  if (!rules.world.hasTokens || !replica.isUp || !replica.isWhole) return 0
  const isCutOff = !isFollowing(replica) && replica.hasGap
  if (isCutOff && obeys(rules, 'cut off, older tokens are unknown')) return 0
  return bit(rules.world.revocations.length) - 1 & ~replica.ended
}
