import { isVoid, trusts, trustsShared, usable } from './ledger.ts'
import { at } from './mastery.ts'
import { MAX_JUNK, obeys, type Rules, type World } from './rules.ts'
import {
  bit, has, withReplica, withServer, type CachedEntry, type Replica, type ServerIndex, type State
} from './state.ts'

/** Whether a request of some user asks beyond memory: `authenticator.ts`, `authenticate`. */
export function isMiss (replica: Replica, rules: Rules): boolean {
  return replica.memory === undefined || usable(replica, rules) !== replica.memory.predates
}

/** `service.ts`, `untilLogFollowed`: until then no proxy sends it requests. */
export function isReady ({ hasFollowed }: Replica, rules: Rules): boolean {
  return hasFollowed || !obeys(rules, 'ready means that the log is followed')
}

const untaken = ({ stages }: State): number =>
  stages.reduce<number>((bits, stage, of) => stage === 'none' ? bits | bit(of) : bits, 0)

/** `resolve.ts`, `ask`, to the question; undefined where its answer could never be wrong. */
export function question (state: State, rules: Rules, index: number): CachedEntry | undefined {
  const { generation, read, secret } = at(state, index)
  const predates = rules.world.overtakes === 'nothing' ? untaken(state) : 1
  if (predates === 0) return undefined
  const token = read.at(-1) ?? 0
  return { generation, id: read.length, token, predates, secret, isOld: false, isToBeShared: false }
}

/** `resolve.ts`, `ask`: what was revoked meanwhile is neither answered nor remembered. */
export function remember (state: State, rules: Rules, index: number, answer: CachedEntry): State {
  const replica = at(state, index)
  const stands = answer.predates & ~voids(replica, rules, answer)
  if (stands === 0) return state
  return withReplica(state, index, {
    memory: { ...answer, predates: stands, isToBeShared: trustsShared(replica, rules) }
  })
}

function voids (replica: Replica, rules: Rules, entry: CachedEntry): number {
  return replica.revokedAt.reduce<number>(
    (bits, _, of) => isVoid(replica, rules, entry, of) ? bits | bit(of) : bits, 0
  )
}

/** `resolve.ts`, `ask`, after Authgear's answer; without its rule the snapshot is as young as the answer. */
export function land (state: State, rules: Rules, index: number): State {
  const { flight, ...replica } = at(state, index)
  if (flight === undefined) return state
  const landed = withReplica(state, index, { flight: undefined, isOvertaken: false, overtaken: 0 })
  const { generation, read } = replica
  const answer = obeys(rules, 'a snapshot is taken before the question')
    ? flight
    : { ...flight, generation, id: read.length, token: read.at(-1) ?? 0 }
  const answered = remember(landed, rules, index, answer)
  if (rules.world.overtakes === 'nothing' || answered !== landed) return answered
  const overtaken = at(state, index).overtaken + 1
  const again = withReplica(landed, index, { overtaken })
  return overtaken > mostOvertaken(rules.world) ? { ...again, broken: `answers nobody for ${rules.world.overtakes}` } : again
}

/** In one deadline: what counts before it is skipped, or not adopted. */
const mostOvertaken = ({ overtakes, maxChanges }: World): number => overtakes === 'junk' ? MAX_JUNK : maxChanges + 1

/** `resolve.ts`, `ask`: Redis is written without anybody waiting, so that it may be late. */
export function share (state: State, index: number, server: ServerIndex): State {
  const { memory } = at(state, index)
  if (memory === undefined) return state
  const shared = withServer(state, server, { cached: { ...memory, isToBeShared: false } })
  return withReplica(shared, index, { memory: { ...memory, isToBeShared: false } })
}

/** `resolve.ts`, `isUsable` and `adopt`. */
export function readShared (state: State, rules: Rules, index: number, server: ServerIndex): State {
  const replica = at(state, index)
  const { cached } = state.servers[server]
  if (cached === undefined || !trustsShared(replica, rules)) return state
  const predates = replica.revokedAt.reduce<number>(
    (bits, _, of) => has(cached.predates, of) && trusts(replica, rules, cached, of) ? bits | bit(of) : bits, 0
  )
  return predates === 0 ? state : withReplica(state, index, { memory: { ...cached, predates } })
}
