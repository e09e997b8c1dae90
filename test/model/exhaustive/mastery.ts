import { obeys, type Rules } from './rules.ts'
import { bit, has, type Mastery, type Replica, type ServerIndex, type State } from './state.ts'

type Verdict = 'master' | 'other' | 'unknown'

/**
 * `src/base/redis/master-check.ts`, `confirmMaster`: cut off with the deposed master it reaches one of three
 * Sentinels.
 */
function verdictOn (state: State, rules: Rules, index: number, server: ServerIndex): Verdict {
  if (!areAsked(rules)) return 'unknown'
  if (state.isParted && has(state.partedReplicas, index)) {
    return obeys(rules, 'more than half of the Sentinels must name it') ? 'unknown' : 'master'
  }
  return server === state.master ? 'master' : 'other'
}

const areAsked = (rules: Rules): boolean => rules.world.hasSentinels && obeys(rules, 'Sentinels prove a master')

/** `needed` and `acknowledge`: who never heard of the second Redis replica does not miss it. */
function isAcknowledged (state: State, rules: Rules, server: ServerIndex, knowsAll: boolean): boolean {
  const { attendance } = state.servers[server]
  if (attendance !== 'half') return attendance === 'live'
  return !knowsAll || !areAsked(rules) || !obeys(rules, 'with Sentinels all Redis replicas must prove it')
}

/** `src/base/revocation/mastery.ts`, `heard` with `unheard`, `attend`, `acknowledge`, `ask` and `judge`. */
export function heard (state: State, rules: Rules, index: number, server: ServerIndex): Mastery {
  const old = at(state, index).mastery
  const isSame = old.server === server
  const { attendance } = state.servers[server]
  const isListed = attendance !== 'none'
  const verdict = verdictOn(state, rules, index, server)
  const isFirstListed = isListed && !has(old.attended, server)
  const isUnnamed = !isSame && areAsked(rules) && obeys(rules, 'most Sentinels must name it once')
  const isDeposed = verdict === 'other' || (verdict !== 'master' && (isUnnamed || (isSame && old.isDeposed)))
  const attended = isListed ? old.attended | bit(server) : old.attended
  if (!obeys(rules, 'a master proves itself by its replicas')) {
    return { server, attended, isDeposed, isProven: isListed || verdict === 'master', wasHeard: true }
  }
  const wasProven = isSame && (old.isProven || (isFirstListed && old.wasHeard))
  const isKnown = isAcknowledged(state, rules, server, has(old.attended, server))
  const isProven = wasProven || isKnown || verdict === 'master'
  return { server, attended, isDeposed, isProven, wasHeard: true }
}

/** `mastery.ts`, `isProven`: a server that never had replicas needs no proof. */
export function isMasterProven ({ mastery: { server, attended, isDeposed, isProven } }: Replica): boolean {
  return server !== -1 && !isDeposed && (!has(attended, server) || isProven)
}

export function at (state: State, index: number): Replica {
  return index === 0 ? state.replicas[0] : state.replicas[1]
}
