import { isFollowing, trustsShared } from './ledger.ts'
import type { Rules } from './rules.ts'
import { has, type State } from './state.ts'
import type { Graph } from './search.ts'

/** All is well: every replica follows the master, uses both tiers, and knows each revocation that one of them knows. */
export function isWell (state: State, rules: Rules): boolean {
  return state.replicas.every((replica) =>
    replica.isUp && replica.connection === state.master && isFollowing(replica) && trustsShared(replica, rules) &&
    replica.own.every((own) => own === 'no') && replica.hasFollowed &&
    state.replicas.every(({ knows }) => state.stages.every((_, of) => !has(knows, of) || has(replica.knows, of))))
}

/**
 * Backwards from the good states: whatever has happened, there is a way back.
 * @returns the first state, in order of its distance from the beginning, that has none
 */
export function firstWithoutWay ({ from, to, good }: Graph): number | undefined {
  const states = from.length - 1
  const { from: into, to: sources } = reversed(from, to)
  const hasWay = new Uint8Array(states)
  const stack = [...good]
  for (const one of good) hasWay[one] = 1
  for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
    for (let edge = into[one] ?? 0; edge < (into[one + 1] ?? 0); edge++) {
      const source = sources[edge] ?? 0
      if (hasWay[source] === 1) continue
      hasWay[source] = 1
      stack.push(source)
    }
  }
  const found = hasWay.indexOf(0)
  return found === -1 ? undefined : found
}

function reversed (from: readonly number[], to: Int32Array): { from: Int32Array, to: Int32Array } {
  const states = from.length - 1
  const into = new Int32Array(states + 2)
  for (const target of to) into[target + 2] = (into[target + 2] ?? 0) + 1
  for (let state = 2; state < into.length; state++) into[state] = (into[state] ?? 0) + (into[state - 1] ?? 0)
  const sources = new Int32Array(to.length)
  for (let state = 0; state < states; state++) {
    for (let edge = from[state] ?? 0; edge < (from[state + 1] ?? 0); edge++) {
      const target = to[edge] ?? 0
      const slot = into[target + 1] ?? 0
      sources[slot] = state
      into[target + 1] = slot + 1
    }
  }
  return { from: into, to: sources }
}
