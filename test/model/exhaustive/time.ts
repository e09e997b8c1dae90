import type { Rules, World } from './rules.ts'
import { ageStages } from './stages.ts'
import { other, type CachedEntry, type Replica, type State } from './state.ts'

const aged = (entry: CachedEntry | undefined): CachedEntry | undefined => entry && { ...entry, isOld: true }

function older (replica: Replica, { hasTokens }: World): Replica {
  if (!replica.isUp) return replica
  return {
    ...replica,
    isFresh: false,
    hasGap: replica.hasGap || hasTokens,
    junk: 0,
    mastery: { ...replica.mastery, isProven: false, wasHeard: false },
    suspension: { ...replica.suspension, hasJustAdopted: false, isSeenNew: false },
    memory: aged(replica.memory),
    flight: undefined,
    isOvertaken: false,
    overtaken: 0
  }
}

/** 3 s, CACHE_DEGRADED_TTL, 10 s and two AUTHGEAR_TIMEOUT are over, and no life of an entry. */
export function tick (state: State, { world }: Rules): State {
  const [first, second] = state.servers
  const isDeposed = state.servers[other(state.master)].role === 'master'
  return ageStages({
    ...state,
    isDeposedLong: state.isDeposedLong || isDeposed,
    servers: [{ ...first, cached: aged(first.cached) }, { ...second, cached: aged(second.cached) }],
    replicas: [older(state.replicas[0], world), older(state.replicas[1], world)]
  })
}

/** Ten minutes without a change: what junk and changes of generation have switched off is on again. */
export function calm (state: State, rules: Rules): State {
  const calmed = (replica: Replica): Replica => ({
    ...replica,
    skipping: replica.skipping === 'yes' ? 'over' : replica.skipping,
    suspension: { ...replica.suspension, changes: 0, isActive: false }
  })
  const { replicas: [first, second], ...rest } = tick(state, rules)
  return { ...rest, replicas: [calmed(first), calmed(second)] }
}

/** Only who counts junk by the second notices. */
export const second = (state: State): State => {
  const [first, other] = state.replicas
  return { ...state, replicas: [{ ...first, junk: 0 }, { ...other, junk: 0 }] }
}

export const needsCalm = ({ replicas }: State): boolean =>
  replicas.some(({ skipping, suspension }) => skipping === 'yes' || suspension.changes > 0)
