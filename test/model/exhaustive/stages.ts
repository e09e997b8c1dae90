import type { Rules } from './rules.ts'
import { has, set, type ServerIndex, type Stage, type State } from './state.ts'

/** The webhook gets its 204. */
export function acknowledge (state: State, { world }: Rules, of: number, server: ServerIndex): State {
  const next = state.stages[of] === 'taken' ? { ...state, stages: set(state.stages, of, 'acknowledged') } : state
  const isLate = world.judgesAcknowledgements && server !== state.master && state.isDeposedLong
  return isLate ? { ...next, broken: 'acknowledges what only a server has that was deposed long ago' } : next
}

function eachStage (state: State, change: (stage: Stage, of: number) => Stage): State {
  const stages = state.stages.map(change)
  return stages.every((stage, of) => stage === state.stages[of]) ? state : { ...state, stages }
}

/**
 * Looked at after every transition. A new generation voids all answers, also where it lacks what the old one held, but
 * no token: the revocation has to come back first.
 */
export function logStages (state: State, { world }: Rules): State {
  const log = state.servers[state.master].log ?? []
  const isLogged = (of: number): boolean => log.some((entry) => entry.of === of && !entry.isRewritten)
  return eachStage(state, (stage, of) => {
    if (stage === 'acknowledged' && isLogged(of)) return 'logged'
    return world.hasTokens && isLive(stage) && !isLogged(of) ? 'acknowledged' : stage
  })
}

/** So much time passes that every bound in the docs is over. */
export const ageStages = (state: State): State => eachStage(state, (stage) => stage === 'logged' ? 'due' : stage)

const isLive = (stage: Stage): boolean => stage === 'logged' || stage === 'due'

/** Writes may be lost: what a living replica holds has to come back first. */
export function disturb (state: State): State {
  if (state.replicas.every(({ isUp }) => !isUp)) return state
  return eachStage(state, (stage) => isLive(stage) ? 'acknowledged' : stage)
}

/** The last replica has ended. */
export function outlive (state: State): State {
  if (state.replicas.some(({ isUp }) => isUp)) return state
  return eachStage(state, (stage) => isLive(stage) ? 'outlived' : stage)
}

/** A replica answers for a user whom a revocation that it must heed has shut out. */
type UsersOf = (index: number) => number

export function violation (state: State, usable: UsersOf, accepted: UsersOf): string | undefined {
  if (state.broken !== undefined) return state.broken
  for (const [index, replica] of state.replicas.entries()) {
    const accepts = accepted(index)
    if (state.stages.some((stage, of) => has(accepts, of) && (stage === 'due' || stage === 'outlived'))) {
      return 'accepts a token that was revoked'
    }
    if (!replica.isUp || replica.memory === undefined) continue
    const answers = usable(index)
    for (const [of, stage] of state.stages.entries()) {
      if (!has(answers, of) || stage === 'none') continue
      if (has(replica.knows, of)) return 'answers what is older than a revocation that it knows'
      if (stage === 'due') return 'answers what is older than an acknowledged revocation, after its bound'
      if (stage === 'outlived') return 'answers what is older than a revocation, after all started again'
    }
  }
  return undefined
}
