import type { BlockList } from '../../../src/shared/block-list/block-list.ts'
import { replicaAt, withReplica } from './acts.ts'
import { type Change, NAME, standingOf, type State } from './state.ts'

/** From now on the new word may count. */
export function asked (state: State, index: number, verb: Change['verb']): State {
  const change: Change = { verb, phase: 'asked', now: undefined, isKept: false }
  const word = verb === 'block' && state.word === 'blocked' ? 'blocked' : 'unknown'
  return withReplica({ ...state, word }, index, { ...replicaAt(state, index), change })
}

const isUnderWay = (state: State, verb: Change['verb']): boolean =>
  state.replicas.some(({ change }) => change?.verb === verb)

/** It was answered 200: it holds from now on, unless another word is under way. */
export function acknowledged (before: State, index: number): State {
  const { change, held } = replicaAt(before, index)
  const state = withReplica(before, index, { ...replicaAt(before, index), change: undefined })
  if (change?.verb === 'block') {
    if (isUnderWay(state, 'lift')) return { ...state, word: 'unknown' }
    return state.word === 'blocked' && !state.isLost ? state : { ...state, word: 'blocked', age: 0, isLost: false }
  }
  const isClear = !state.hasUnacknowledgedBlock && !isUnderWay(state, 'block') && held.get(NAME) !== undefined
  return { ...state, word: isClear ? 'lifted' : 'unknown', age: 0, isLost: false }
}

/** It was answered 503, or its replica ended. */
export function dropped (state: State, index: number): State {
  const replica = replicaAt(state, index)
  const { change } = replica
  return {
    ...withReplica(state, index, { ...replica, change: undefined }),
    hasUnacknowledgedBlock: state.hasUnacknowledgedBlock || change?.verb === 'block'
  }
}

const says = (list: BlockList | undefined, isBlocked: boolean): boolean => list?.get(NAME)?.isBlocked === isBlocked

/** The word is lost when no replica lives that knows it, and Redis keeps it nowhere. */
export function withLoss (state: State): State {
  if (state.word === 'unknown' || state.isLost) return state
  const isBlocked = state.word === 'blocked'
  const { master, replicas } = state
  const isKnown = says(master.kept?.list, isBlocked) || says(master.log, isBlocked) ||
    replicas.some(({ isRunning, held }) => isRunning && says(held, isBlocked))
  return isKnown ? state : { ...state, isLost: true }
}

/** @returns what is wrong with a step, where something is */
export function wrong (before: State, after: State, isAfterWhile: boolean): string | undefined {
  if (after.word === 'unknown' || after.isLost) return undefined
  const standings = after.replicas.map((one) => one.isRunning ? standingOf(one) : 'unread')
  if (after.word === 'blocked') {
    const forgot = before.word === 'blocked' && after.replicas.some((one, index) =>
      one.isRunning && before.replicas[index]?.isRunning === true && standings[index] !== 'blocked' &&
      standingOf(replicaAt(before, index)) === 'blocked')
    if (forgot) return 'a replica forgets an acknowledged block'
    // beside a deposed master it takes one while more
    if (isAfterWhile && after.age >= (after.deposed === undefined ? 1 : 2) && standings.includes('free')) {
      return 'a replica lets in a client whose block was acknowledged a while ago'
    }
  }
  const isRefused = after.word === 'lifted' && after.replicas.some(({ commands, log }, index) =>
    commands === 'master' && log === 'master' && standings[index] === 'blocked')
  return isAfterWhile && isRefused ? 'a lift that was acknowledged is undone' : undefined
}
