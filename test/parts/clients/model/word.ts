import type { BlockList } from '../../../../src/parts/clients/block-list.ts'
import { knows, replicaAt, withReplica } from './acts.ts'
import { type Change, NAME, type Replica, type Secret, standingOf, type State } from './state.ts'

/** From now on the new word may count. Nobody says two within the same millisecond; two may be under way in it. */
export function asked (state: State, index: number, verb: Change['verb']): State {
  const isContested = state.replicas.some(({ change }) =>
    change !== undefined && !change.isGivenUp && change.verb !== verb)
  const change: Change = { verb, phase: 'asked', now: undefined, isKept: false, isContested, isGivenUp: false }
  const word = verb === 'block' && state.word === 'blocked' ? 'blocked' : 'unknown'
  const replicas = state.replicas.map((one) => contested(one, verb))
  const after = { ...state, word, replicas, clock: state.clock + 1 } as const
  return withReplica(after, index, { ...replicaAt(state, index), change })
}

function contested (replica: Replica, verb: Change['verb']): Replica {
  const { change } = replica
  if (change === undefined || change.verb === verb) return replica
  return { ...replica, change: { ...change, isContested: true } }
}

/** It was answered 200: it holds from now on, unless another word is under way. */
export function acknowledged (before: State, index: number): State {
  const { change, held } = replicaAt(before, index)
  if (change?.isGivenUp === true) return dropped(before, index)
  const state = withReplica(before, index, { ...replicaAt(before, index), change: undefined })
  if (change === undefined || change.isContested) return { ...state, word: 'unknown' }
  if (change.verb === 'block') {
    return state.word === 'blocked' && !state.isLost ? state : { ...state, word: 'blocked', age: 0, isLost: false }
  }
  const isClear = !state.hasUnacknowledgedBlock && held.get(NAME) !== undefined
  return { ...state, word: isClear ? 'lifted' : 'unknown', age: 0, isLost: false }
}

/** It was answered 503, nobody heard the answer, or its replica ended. */
export function dropped (state: State, index: number): State {
  const replica = replicaAt(state, index)
  const { change } = replica
  return {
    ...withReplica(state, index, { ...replica, change: undefined }),
    hasUnacknowledgedBlock: state.hasUnacknowledgedBlock || change?.verb === 'block'
  }
}

const says = (list: BlockList | undefined, isBlocked: boolean): boolean => list?.get(NAME)?.isBlocked === isBlocked

/** Whether Redis keeps the word, or a replica knows it that runs; who lacks its secret reads no entry of the log. */
function isKnown ({ word, master, replicas }: State, among: (replica: Replica) => boolean): boolean {
  const isBlocked = word === 'blocked'
  const running = replicas.filter(({ isRunning }) => isRunning)
  const isRead = (by: Secret): boolean => running.length === 0 || running.some(({ secrets }) => knows(secrets, by))
  return says(master.kept?.list, isBlocked) ||
    (['A', 'B'] as const).some((by) => says(master.log[by], isBlocked) && isRead(by)) ||
    running.some((one) => says(one.held, isBlocked) && among(one))
}

/** The word is lost when no replica lives that knows it, and Redis keeps it nowhere. */
export function withLoss (state: State): State {
  if (state.word === 'unknown' || state.isLost) return state
  return isKnown(state, () => true) ? state : { ...state, isLost: true }
}

/** @returns what is wrong with a step, where something is */
export function wrong (before: State, after: State, isAfterWhile: boolean): string | undefined {
  if (after.word === 'unknown' || after.isLost) return undefined
  // one that is cut off writes nothing back; it does when it is there again
  const isJudged = isAfterWhile && isKnown(before, ({ commands }) => commands === 'master')
  const standings = after.replicas.map((one) => one.isRunning ? standingOf(one) : 'unread')
  if (after.word === 'blocked') {
    const forgot = before.word === 'blocked' && after.replicas.some((one, index) =>
      one.isRunning && before.replicas[index]?.isRunning === true && standings[index] !== 'blocked' &&
      standingOf(replicaAt(before, index)) === 'blocked')
    if (forgot) return 'a replica forgets an acknowledged block'
    // beside a deposed master it takes one while more
    if (isJudged && after.age >= (after.deposed === undefined ? 1 : 2) && standings.includes('free')) {
      return 'a replica lets in a client whose block was acknowledged a while ago'
    }
  }
  const isRefused = after.word === 'lifted' && after.replicas.some(({ commands, log }, index) =>
    commands === 'master' && log === 'master' && standings[index] === 'blocked')
  return isJudged && isRefused ? 'a lift that was acknowledged is undone' : undefined
}
