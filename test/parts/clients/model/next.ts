import { changed, hear, replicaAt, sync, tell, wait, withReplica } from './acts.ts'
import { acknowledged, asked, dropped } from './word.ts'
import type { Rules } from './rules.ts'
import { EMPTY, FRESH_REPLICA, type Left, type Link, type Replica, type Secrets, type State } from './state.ts'

export type Step = readonly [label: string, after: State]

/** Everything that may happen next. */
export function next (state: State, rules: Rules): readonly Step[] {
  const steps = state.replicas.flatMap((replica, index) => replica.isRunning
    ? [...changes(state, index, rules), ...ofItself(state, index, rules), ...faults(state, index)]
    : starts(state, index))
  return [...steps, ...ofRedis(state), ...spent(state, 'whiles', (left) => ['a while passes', wait(left, rules)])]
}

/** A step of which only so many may happen. */
function spent (state: State, what: keyof Left, act: (left: State) => Step): readonly Step[] {
  const count = state.left[what]
  return count === 0 ? [] : [act({ ...state, left: { ...state.left, [what]: count - 1 } })]
}

const nameOf = (index: number): string => 'PQR'.charAt(index)

/** PUT and DELETE: it looks, takes the word, writes it, and tells it; each at its time. */
function changes (state: State, index: number, rules: Rules): readonly Step[] {
  const replica = replicaAt(state, index)
  const { change } = replica
  if (change === undefined || change.isGivenUp) return steps(state, index, rules)
  const left = spent(state, 'givenUp', (left): Step =>
    [`the client of ${nameOf(index)} gives up`, withReplica(left, index, { ...replica, change: { ...change, isGivenUp: true } })])
  return [...steps(state, index, rules), ...left]
}

function steps (state: State, index: number, rules: Rules): readonly Step[] {
  const replica = replicaAt(state, index)
  const { change } = replica
  const who = nameOf(index)
  if (change === undefined) {
    return (['block', 'lift'] as const).flatMap((verb) => spent(state, 'changes', (left) =>
      [`${who} is asked to ${verb}`, asked(left, index, verb)]))
  }
  switch (change.phase) {
    case 'asked': return firstLook(state, index, rules)
    case 'read': {
      if (change.isGivenUp && rules.without !== 'a change that was given up is not made') {
        return [[`${who} drops the word`, dropped(state, index)]]
      }
      const held = changed(replica, change, state.clock, rules)
      const after = { ...replica, held, change: { ...change, phase: 'held' } } as const
      return [[`${who} takes the word`, withReplica(state, index, after)]]
    }
    case 'held': {
      const synced = sync(state, index, rules)
      const isKept = change.isKept && synced.isKept
      const after = { ...synced.replica, change: { ...change, phase: 'written', isKept } } as const
      return [[`${who} writes it${isKept ? '' : ' in vain'}`, withReplica(synced.state, index, after)]]
    }
    case 'written': {
      const told = tell(state, index, rules)
      return told !== undefined && change.isKept
        ? [[`${who} tells it, and answers 200`, acknowledged(told, index)]]
        : [[`${who} answers 503`, dropped(told ?? state, index)]]
    }
  }
}

function firstLook (state: State, index: number, rules: Rules): readonly Step[] {
  const { state: after, replica, isKept } = sync(state, index, rules)
  const { change } = replica
  if (change === undefined) return []
  if (!isKept) {
    const read = { ...replica, change: { ...change, phase: 'read', now: undefined, isKept } } as const
    return [[`${nameOf(index)} does not reach Redis`, withReplica(after, index, read)]]
  }
  const at = (left: State, now: number): Step => {
    const read = { ...replica, change: { ...change, phase: 'read', now, isKept } } as const
    return [`${nameOf(index)} reads the list at ${now}`, { ...withReplica(left, index, read), clock: now }]
  }
  return [at(after, after.clock), ...spent(after, 'ticks', (left) => at(left, after.clock + 1))]
}

function ofItself (state: State, index: number, rules: Rules): readonly Step[] {
  const who = nameOf(index)
  return [[`${who} polls`, sync(state, index, rules).state], [`${who} hears the log`, hear(state, index)]]
}

function faults (state: State, index: number): readonly Step[] {
  const replica = replicaAt(state, index)
  const who = nameOf(index)
  const isApart = replica.commands !== 'master' || replica.log !== 'master'
  const linked = (left: State, commands: Link, log: Link): State =>
    withReplica(left, index, { ...replica, commands, log })
  return [
    ...spent(state, 'ends', (left) => [`${who} ends`, withReplica(dropped(left, index), index, {
      ...FRESH_REPLICA, isRunning: false, secrets: replica.secrets
    })]),
    ...isApart
      ? [[`${who} reaches the master`, linked(state, 'master', 'master')] as const]
      : spent(state, 'cuts', (left) => [`${who} is cut off`, linked(left, 'none', 'none')])
  ]
}

const ROTATED: Readonly<Record<Secrets, readonly Secrets[]>> = { A: ['BA', 'B'], BA: ['B'], B: [] }

function starts (state: State, index: number): readonly Step[] {
  const { secrets } = replicaAt(state, index)
  const with_ = (left: State, own: Secrets): Step =>
    [`${nameOf(index)} starts with ${own}`, withReplica(left, index, { ...FRESH_REPLICA, secrets: own })]
  return [
    with_(state, secrets),
    ...ROTATED[secrets].flatMap((own) => spent(state, 'rotations', (left) => with_(left, own)))
  ]
}

function ofRedis (state: State): readonly Step[] {
  const { master, saved } = state
  const copies = [master, ...saved === undefined ? [] : [saved]]
  return [
    ...spent(state, 'flushes', (left) => ['Redis loses everything', { ...left, master: EMPTY }]),
    ...spent(state, 'saves', (left) => ['a snapshot is taken', { ...left, saved: master }]),
    ...saved === undefined
      ? []
      : spent(state, 'restores', (left) => ['Redis is put back to the snapshot', { ...left, master: saved }]),
    ...copies.flatMap((copy) => spread(state).flatMap((replicas) => spent(state, 'failovers', (left) => [
      `${copy === master ? 'a copy' : 'an older copy'} takes over: ${replicas.map(linksOf).join(', ')}`,
      { ...left, master: copy, deposed: master, replicas }
    ])))
  ]
}

const linksOf = ({ commands, log }: Replica): string => `commands ${commands}, log ${log}`

/** Each of a replica's two connections stays at the old master, or not. */
function spread ({ replicas }: State): readonly (readonly Replica[])[] {
  const ways = (['master', 'deposed'] as const).flatMap((commands) =>
    (['master', 'deposed'] as const).map((log) => ({ commands, log })))
  return replicas.reduce<readonly (readonly Replica[])[]>((all, replica) => all.flatMap((others) =>
    (replica.commands === 'none' || !replica.isRunning ? [{}] : ways)
      .map((links) => [...others, { ...replica, ...links }])), [[]])
}
