import { absent } from './initial.ts'
import { at } from './mastery.ts'
import { FAULTS, type Fault, type Rules } from './rules.ts'
import { disturb, outlive } from './stages.ts'
import {
  bit, has, other, REPLICAS, SERVERS, set, withReplica, withServer, type Server, type ServerIndex, type State
} from './state.ts'

export function mayHappen ({ faults, budget }: State, fault: Fault): boolean {
  return faults > 0 && (budget[FAULTS.indexOf(fault)] ?? 0) > 0
}

export function spend (state: State, fault: Fault): State {
  const index = FAULTS.indexOf(fault)
  return { ...state, faults: state.faults - 1, budget: set(state.budget, index, (state.budget[index] ?? 0) - 1) }
}

/** The process ends silently. */
export function crash (state: State, rules: Rules, index: number): State {
  const gone = withReplica(state, index, absent(rules.world))
  return outlive(rules.world.hasTokens ? missed(gone, index) : gone)
}

/** Its successor has followed no log that is there now. */
function missed (state: State, index: number): State {
  return SERVERS.reduce((some, server) => {
    const { log } = some.servers[server]
    const first = log?.[0]
    if (log === undefined || first === undefined) return some
    return withServer(some, server, { log: set(log, 0, { ...first, missedBy: first.missedBy | bit(index) }) })
  }, state)
}

export function start (state: State, rules: Rules, index: number, secret: number): State {
  return withReplica(state, index, { ...absent(rules.world), isUp: true, secret })
}

/** Every connection to that server is lost. */
function disconnect (state: State, server: ServerIndex): State {
  return REPLICAS.reduce(
    (some, index) => at(some, index).connection === server ? withReplica(some, index, { connection: -1 }) : some, state
  )
}

/** Another process than the one that was known: its `run_id` differs. */
function forget (state: State, server: ServerIndex): State {
  return REPLICAS.reduce((some, index) => {
    const { mastery } = at(some, index)
    const attended = mastery.attended & ~bit(server)
    const isThat = mastery.server === server
    const next = isThat ? { ...mastery, server: -1 as const, isProven: false, wasHeard: false } : mastery
    return withReplica(some, index, { mastery: { ...next, attended } })
  }, state)
}

const EMPTY: Partial<Server> = { log: undefined, cached: undefined }

export const flush = (state: State): State => disturb(withServer(state, state.master, EMPTY))

/** A replica in step, or a snapshot on disk. */
export function copyTo (state: State, to: ServerIndex): State {
  const { log, cached, isOfHistory } = state.servers[other(to)]
  return withServer(state, to, { log, cached, isOfHistory })
}

/** The master's process starts from the snapshot, with a new replication history. */
export function restore (state: State): State {
  const { master } = state
  const copied = withServer(copyTo(state, master), master, { isOfHistory: false })
  return disturb(forget(disconnect(copied, master), master))
}

function promote (state: State): State {
  const master = other(state.master)
  return disturb(withServer({ ...state, master }, master, { role: 'master', isOfHistory: false, attendance: 'none' }))
}

/** The master's process is gone. */
export function failOver (state: State): State {
  const gone = state.master
  return withServer(forget(disconnect(promote(state), gone), gone), gone, { role: 'down', attendance: 'none' })
}

/** Packets between two halves are dropped: the deposed master answers on. @param alone replicas that see only it */
export function part (state: State, alone: number, { world }: Rules): State {
  const deposed = state.master
  const parted = withServer(promote(state), deposed, { attendance: world.hasNearReplica ? 'half' : 'silent' })
  return { ...parted, isParted: true, partedReplicas: alone, isDeposedLong: false }
}

/** `repl-timeout` of the deposed master, or of one whose replica is gone. */
export const giveUpOnReplica = (state: State, server: ServerIndex): State =>
  withServer(state, server, { attendance: 'none' })

export function loseReplica (state: State): State {
  const gone = other(state.master)
  return withServer(withServer(state, gone, { ...EMPTY, role: 'down' }), state.master, { attendance: 'none' })
}

/** The other server becomes a replica of the master, with its data. */
export function rejoin (state: State): State {
  const joins = other(state.master)
  const copied = copyTo(disconnect(state, joins), joins)
  const joined = withServer(copied, joins, { role: 'replica', attendance: 'none' })
  const whole = { ...joined, isParted: false, partedReplicas: 0, isDeposedLong: false }
  return withServer(whole, state.master, { attendance: 'live' })
}

/** A writer to Redis puts another content in an entry's place. */
export function rewrite (state: State, position: number): State {
  const { log = [] } = state.servers[state.master]
  const entry = log[position]
  return entry === undefined
    ? state
    : withServer(state, state.master, { log: set(log, position, { ...entry, isRewritten: true }) })
}

/** Whether that replica can reach that server. */
export function reaches (state: State, rules: Rules, index: number, server: ServerIndex): boolean {
  if (state.servers[server].role !== 'master') return false
  if (server === state.master) return !(state.isParted && has(state.partedReplicas, index))
  const isLonely = state.servers[server].attendance === 'none'
  return !isLonely || rules.world.meetsLonely || has(at(state, index).mastery.attended, server)
}
