import { FAULTS, type Fault, type Rules } from './rules.ts'
import {
  has, other, REPLICAS, SERVERS, withReplica, withServer, type CachedEntry, type Replica, type Server, type State
} from './state.ts'
import { at } from './mastery.ts'

/** Drops what no later step can notice, so that states that differ in it alone are one. */
export function normalise (state: State, rules: Rules): State {
  const living = REPLICAS.reduce<State>((some, index) => withLess(some, index, lean(at(some, index))), state)
  return SERVERS.reduce<State>((some, index) => {
    const one = some.servers[index]
    const lesser = index === other(some.master) && isUnread(some, one, rules) ? emptied(one) : forgetting(some, one)
    return lesser === one ? some : withServer(some, index, lesser)
  }, living)
}

function withLess (state: State, index: number, replica: Replica): State {
  return replica === at(state, index) ? state : withReplica(state, index, replica)
}

/** What one of this generation's positions voids stays void; a server with replicas was heard before. */
function lean (replica: Replica): Replica {
  const memory = replica.memory && standing(replica, replica.memory)
  const { mastery } = replica
  const wasHeard = mastery.wasHeard && !has(mastery.attended, mastery.server)
  if (memory === replica.memory && wasHeard === mastery.wasHeard) return replica
  return { ...replica, memory, mastery: { ...mastery, wasHeard } }
}

function standing ({ generation, voidBefore, revokedAt }: Replica, entry: CachedEntry): CachedEntry | undefined {
  if (entry.generation !== generation) return entry
  if (voidBefore > entry.id) return undefined
  const voided = revokedAt.reduce<number>((bits, id, of) => id > entry.id ? bits | 1 << of : bits, 0)
  const predates = entry.predates & ~voided
  if (predates === entry.predates) return entry
  return predates === 0 ? undefined : { ...entry, predates }
}

/** Nobody will read the other server's data before it is replaced. */
function isUnread (state: State, { role }: Server, { world }: Rules): boolean {
  const isPossible = (fault: Fault): boolean => state.faults > 0 && (state.budget[FAULTS.indexOf(fault)] ?? 0) > 0
  if (role === 'master') return false
  if (role === 'down' && world.hasRedisReplica) return true
  return role === 'replica' ? !isPossible('failover') && !isPossible('partition') : !isPossible('restore')
}

function emptied (one: Server): Server {
  const isEmpty = one.log === undefined && one.cached === undefined && !one.isOfHistory
  return isEmpty ? one : { ...one, log: undefined, cached: undefined, isOfHistory: false }
}

/** A generation that no server and no replica has never comes again. */
function forgetting (state: State, one: Server): Server {
  if (one.cached === undefined) return one
  const { generation } = one.cached
  const isKnown =
    state.servers.some(({ log }) => log?.[0]?.token === generation) ||
    state.replicas.some((replica) => replica.generation === generation)
  return isKnown ? one : { ...one, cached: undefined }
}
