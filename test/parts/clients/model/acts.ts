import {
  type BlockList, merged, NO_BLOCKS, withBlock, withoutBlock
} from '../../../../src/parts/clients/block-list.ts'
import { forgetting, type Rules } from './rules.ts'
import { type Change, NAME, type Replica, type Secret, type Secrets, type Server, type State } from './state.ts'

/** With one replica that is another. */
export const withReplica = (state: State, index: number, replica: Replica): State =>
  ({ ...state, replicas: state.replicas.map((one, at) => at === index ? replica : one) })

/** The server that a connection reaches. */
function serverOf (state: State, replica: Replica, of: 'commands' | 'log'): Server | undefined {
  const link = replica[of]
  return link === 'none' ? undefined : state[link]
}

/** Redis has all that the replica holds, and the replica what Redis has; as `sync` of blocks.ts and of store.ts. */
type Synced = Readonly<{ state: State, replica: Replica, isKept: boolean }>

export function sync (state: State, index: number, { without }: Rules): Synced {
  const replica = replicaAt(state, index)
  const server = serverOf(state, replica, 'commands')
  const isForeign = server?.kept !== undefined && !knows(replica.secrets, server.kept.by)
  const overwrites = without === 'what another secret sealed is not overwritten'
  if (server === undefined || (isForeign && !overwrites)) return { state, replica, isKept: false }
  const found = isForeign ? NO_BLOCKS : server.kept?.list ?? NO_BLOCKS
  const all = merged(found, replica.held)
  const list = without === 'what was lifted is kept' ? forgetting(all) : all
  const writesBack = replica.change !== undefined || without !== 'a replica writes back what Redis lacks'
  const kept = list.size > 0 && writesBack ? { list, by: writerOf(state, replica.secrets) } : server.kept
  const isFollowing = replica.log !== 'none' || without === 'a list counts where the log is followed'
  const after = { ...replica, held: merged(replica.held, list), isFresh: replica.isFresh || isFollowing }
  const next = { ...state, [replica.commands]: { ...server, kept } }
  return { state: withReplica(next, index, after), replica: after, isKept: true }
}

export function replicaAt (state: State, index: number): Replica {
  const replica = state.replicas[index]
  if (replica === undefined) throw new Error(`there is no replica ${index}`)
  return replica
}

export const knows = (secrets: Secrets, by: Secret): boolean => secrets.includes(by)

/** Under the previous secret while a replica may know no other. */
function writerOf ({ replicas }: State, secrets: Secrets): Secret {
  if (secrets !== 'BA') return secrets
  return replicas.some((one) => one.isRunning && one.secrets === 'A') ? 'A' : 'B'
}

/** The replica's own word; where Redis did not say its time it is later than what is known here, and than no other. */
export function changed ({ held }: Replica, { verb, now }: Change, clock: number, { without }: Rules): BlockList {
  const ahead = without === 'no clock but that of Redis counts' ? clock + 3 : undefined
  if (verb === 'lift') return withoutBlock(held, NAME, now)
  const isKnown = held.get(NAME)?.isBlocked === true
  if (isKnown && without === 'a block that is said again is a later word') return held
  const list = withBlock(held, NAME, now ?? ahead)
  if (list === 'full') throw new Error('full')
  return list
}

/** Into the log; a master that was deposed confirms nothing. @returns undefined where nobody confirms it */
export function tell (state: State, index: number, { without }: Rules): State | undefined {
  const { log: link, held, secrets } = replicaAt(state, index)
  const mark = held.get(NAME)
  if (link !== 'master') return undefined
  if (mark === undefined || without === 'the log tells of it') return state
  const { master } = state
  const by = writerOf(state, secrets)
  const log = { ...master.log, [by]: merged(master.log[by], new Map([[NAME, mark]])) }
  return { ...state, master: { ...master, log } }
}

/** It hears what the log of its server says. */
export function hear (state: State, index: number): State {
  const replica = replicaAt(state, index)
  const log = serverOf(state, replica, 'log')?.log
  const entries = (['A', 'B'] as const).filter((by) => knows(replica.secrets, by)).map((by) => log?.[by] ?? NO_BLOCKS)
  return withReplica(state, index, { ...replica, held: entries.reduce(merged, replica.held) })
}

/**
 * Longer than any list counts: each polls and hears the log, again and again; what was read at first is too old at the
 * end, and who follows a deposed master knows it.
 */
export function wait (before: State, rules: Rules): State {
  const running = before.replicas.flatMap(({ isRunning }, index) => isRunning ? [index] : [])
  let state = before
  const poll = (index: number): void => { state = hear(sync(state, index, rules).state, index) }
  const become = (index: number, change: Partial<Replica>): void => {
    state = withReplica(state, index, { ...replicaAt(state, index), ...change })
  }
  for (const index of [...running, ...running]) poll(index)
  if (rules.without !== 'what was read counts for a while only') {
    for (const index of running) become(index, { isFresh: false })
  }
  for (const index of running) poll(index)
  for (const index of running) if (replicaAt(state, index).log === 'deposed') become(index, { log: 'none' })
  return { ...state, age: state.age === 0 ? 1 : 2 }
}
