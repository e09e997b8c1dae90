import { Hash } from './hash.ts'
import {
  type CachedEntry, type Mastery, type Own, type Replica, type Server, type Stage, type State, type Suspension,
  type Token
} from './state.ts'

const OWN: readonly Own[] = ['no', 'taken', 'appended', 'readBack']
const STAGES: readonly Stage[] = ['none', 'taken', 'acknowledged', 'logged', 'due', 'outlived']
const ATTEMPTS = ['none', 'due', 'appended'] as const
const SKIPPING = ['no', 'yes', 'over'] as const
const KEPT = ['no', 'it', 'all'] as const
const ROLES = ['master', 'replica', 'down'] as const
const ATTENDANCES = ['live', 'silent', 'half', 'none'] as const
/** Ends a list; no number that is put is as large. */
const END = 10_000

/**
 * A number for a state, the same for two that differ only in the names of nonces, or in which replica is which: nonces
 * count in the order in which they are met, and of the two orders of replicas the lesser number stands for both.
 */
export function fingerprint (state: State): number {
  const { replicas: [first, second], partedReplicas } = state
  return Math.min(inOrder(state, first, second, partedReplicas), inOrder(state, second, first, swap(partedReplicas)))
}

function inOrder (state: State, first: Replica, second: Replica, parted: number): number {
  const hash = new Hash()
  const names: Token[] = [0]
  const put = (value: number): void => hash.put(value)
  const name = (token: Token): number => {
    const known = names.indexOf(token)
    return known === -1 ? names.push(token) - 1 : known
  }
  put(state.master)
  put(parted << 3 | flag(state.isParted) << 2 | flag(state.isDeposedLong) << 1 | flag(state.broken !== undefined))
  for (const stage of state.stages) put(STAGES.indexOf(stage))
  put(state.faults)
  for (const left of state.budget) put(left)
  const isSwapped = first !== state.replicas[0]
  for (const server of state.servers) putServer(put, server, name, isSwapped)
  putEntries(put, first, name)
  putEntries(put, second, name)
  const known = names.length
  putGenerations(put, first, name)
  putGenerations(put, second, name)
  putReplica(put, first, names, known)
  putReplica(put, second, names, known)
  return hash.value()
}

/** A set of replicas, where they have changed places. */
const swap = (bits: number): number => (bits & 1) << 1 | bits >> 1

type Put = (value: number) => void
type Name = (token: Token) => number

const flag = (is: boolean): number => is ? 1 : 0

function putServer (put: Put, server: Server, name: Name, isSwapped: boolean): void {
  const { role, log, cached, isOfHistory, attendance } = server
  const missedBy = log?.[0]?.missedBy ?? 0
  put(ROLES.indexOf(role) << 2 | ATTENDANCES.indexOf(attendance))
  put(flag(isOfHistory) << 1 | flag(log === undefined))
  for (const { token, of, all, secret, isRewritten } of log ?? []) {
    put(name(token))
    put((of + 1) << 4 | secret << 2 | flag(all) << 1 | flag(isRewritten))
  }
  put(END)
  put(isSwapped ? swap(missedBy) : missedBy)
  putEntry(put, cached, name)
}

function putEntries (put: Put, { memory, flight }: Replica, name: Name): void {
  putEntry(put, memory, name)
  putEntry(put, flight, name)
}

function putEntry (put: Put, entry: CachedEntry | undefined, name: Name): void {
  if (entry === undefined) { put(END); return }
  put(name(entry.generation))
  put(entry.id)
  put(name(entry.token))
  put(entry.predates << 4 | entry.secret << 2 | flag(entry.isOld) << 1 | flag(entry.isToBeShared))
}

function putGenerations (put: Put, { generation, began, suspension }: Replica, name: Name): void {
  put(name(generation))
  put(name(began))
  put(name(suspension.seen))
}

function putReplica (put: Put, replica: Replica, names: readonly Token[], known: number): void {
  const { isUp, isCaughtUp, isFresh, hasFollowed, isOvertaken, skipping } = replica
  put(
    flag(isUp) << 6 | flag(isCaughtUp) << 5 | flag(isFresh) << 4 | flag(hasFollowed) << 3 | flag(isOvertaken) << 2 |
      SKIPPING.indexOf(skipping)
  )
  put(replica.secret << 2 | (replica.connection + 1))
  put(replica.voidBefore)
  put(replica.skippedTo)
  put(replica.junk << 4 | replica.overtaken)
  put(replica.knows << 4 | replica.skipped)
  put(replica.ended << 2 | flag(replica.isWhole) << 1 | flag(replica.hasGap))
  putRead(put, replica, names, known)
  for (const id of replica.revokedAt) put(id)
  for (const [of, own] of replica.own.entries()) {
    put(OWN.indexOf(own) << 2 | KEPT.indexOf(replica.kept[of] ?? 'no'))
    const item = replica.republish[of]
    put(item === undefined ? 0 : ATTEMPTS.indexOf(item.attempt) * 2 + flag(item.all) + 1)
  }
  putMastery(put, replica.mastery)
  putSuspension(put, replica.suspension)
}

/** A nonce that stands nowhere else can never be met again: they are all alike, and such generations do not count. */
function putRead (put: Put, { left, read }: Replica, names: readonly Token[], known: number): void {
  if (left.length > 0) for (const [place, token] of names.entries()) if (left.includes(token)) put(place)
  put(END)
  for (const token of read) {
    const place = names.indexOf(token)
    put(place < known ? place : -1)
  }
  put(END)
}

function putMastery (put: Put, { server, attended, isDeposed, isProven, wasHeard }: Mastery): void {
  put((server + 1) << 5 | attended << 3 | flag(isDeposed) << 2 | flag(isProven) << 1 | flag(wasHeard))
}

function putSuspension (put: Put, { changes, isActive, hasJustAdopted, isSeenNew }: Suspension): void {
  put(changes << 3 | flag(isActive) << 2 | flag(hasJustAdopted) << 1 | flag(isSeenNew))
}
