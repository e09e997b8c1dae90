import type { Rules } from './rules.ts'
import {
  bit, type Entry, type Log, newLog, type Op, type Replica, replicaAt, type State, withReplica
} from './state.ts'
import { tell } from './teller.ts'

/** What the replica's feed or readers are called with, and what the app that is there is sent for it. */
export function call (state: State, index: number, op: Op, { without }: Rules): State {
  const { after: told, frames, isEnded } = tell(replicaAt(state, index), op, without)
  const after = withReplica(state, index, told)
  const { app } = after
  if (app.at !== index || app.isEnded) return after
  const covers = covered(after, replicaAt(after, index))
  const sent = [...app.frames, ...frames.map((frame) => ({ ...frame, covers: frame.event === 'reset' ? covers : 0 }))]
  return { ...after, app: { ...app, frames: sent, isEnded } }
}

/** What holds at that replica, and what an older log had: another one voids all answers. */
const covered = ({ writtenIn }: State, { knows, generation }: Replica): number =>
  writtenIn.reduce((bits, written, of) => written !== generation ? bits | bit(of) : bits, knows)

export const logOf = (state: State, { link }: Replica): Log | undefined => link === 'none' ? undefined : state[link]

const withLog = (state: State, { link }: Replica, log: Log): State =>
  link === 'none' ? state : { ...state, [link]: log }

export function follows (state: State, index: number, isFollowing: boolean, rules: Rules): State {
  if (replicaAt(state, index).isFollowing === isFollowing) return state
  const after = withReplica(state, index, { isFollowing })
  return call(after, index, { do: 'follows', isFollowing }, rules)
}

/** `stream-log.ts`: one turn of `poll`, with pages of one entry. */
export function poll (state: State, index: number, rules: Rules): State {
  const replica = replicaAt(state, index)
  const log = logOf(state, replica)
  const mayLack = log?.isOfHistory === false && !(replica.generation === log.generation && replica.isCaughtUp)
  if (log === undefined || replica.left.includes(log.generation) || mayLack) return begin(state, index)
  if (log.generation !== replica.generation) {
    return adopt(state, index, log.generation)
  }
  const news = newsOf(log, replica)
  if (news === undefined) return begin(state, index)
  const [entry] = news
  const read = entry === undefined ? state : readEntry(state, index, entry, log, rules)
  return news.length > 1 ? read : linked(read, index, rules)
}

/** What it appended to the other one has to be appended again. */
function adopt (state: State, index: number, generation: number): State {
  const replica = replicaAt(state, index)
  const left = replica.generation === 0 ? [] : [...replica.left, replica.generation]
  const pending = replica.pending | replica.appended
  return withReplica(state, index, { generation, left, last: 0, isCaughtUp: false, pending, appended: 0 })
}

/** Another log begins, of which its writer says that it is whole. */
function begin (state: State, index: number): State {
  const replica = replicaAt(state, index)
  const token = state.tokens + 1
  return withLog({ ...state, tokens: token }, replica, newLog(token, replica.secret))
}

/** @returns undefined where they do not follow what was read */
function newsOf ({ entries }: Log, { last }: Replica): readonly Entry[] | undefined {
  const at = entries.findIndex(({ token }) => token === last)
  if (last === 0 || at >= 0) return entries.slice(at + 1)
  return entries[0]?.previous === last ? entries : undefined
}

function readEntry (before: State, index: number, entry: Entry, log: Log, rules: Rules): State {
  const replica = replicaAt(before, index)
  const { id, of, by } = entry
  const since = entry.previous === 0 ? id : id === log.first ? log.since : log.clock
  let state = replica.last === 0 ? call(before, index, { do: 'begins', log: log.generation, since }, rules) : before
  const become = (change: Partial<Replica>): void => { state = withReplica(state, index, change) }
  const say = (op: Op): void => { state = call(state, index, op, rules) }
  become({ last: entry.token })
  if (of < 0) say({ do: 'passed', id })
  else if (by === replica.secret) {
    become({ knows: replica.knows | bit(of) })
    say({ do: 'read', id, of })
  } else if (rules.world.skipsJunk && replica.isCaughtUp) {
    become({ isSkipping: true, skipped: replica.skipped | bit(of) })
    say({ do: 'skipped', id })
  } else {
    become({ knows: replica.knows | bit(of) })
    say({ do: 'passed', id })
    say({ do: 'lost', id: log.clock })
  }
  return state
}

/** It has read all: it follows, says that the log is whole, and its own revocations are acknowledged. */
function linked (before: State, index: number, rules: Rules): State {
  const replica = replicaAt(before, index)
  const log = logOf(before, replica)
  const own = replica.link === 'master' ? replica.appended & replica.knows : 0
  const isNews = log?.isOfHistory === false
  const confirmed = isNews ? withLog(before, replica, { ...log, isOfHistory: true }) : before
  const state = withReplica({ ...confirmed, acknowledged: confirmed.acknowledged | own }, index, {
    isCaughtUp: true, appended: replica.appended & ~own
  })
  return follows(state, index, !replica.isSkipping, rules)
}

/** What was skipped is void, and so is all else. */
export function endSkipping (state: State, index: number, rules: Rules): State {
  const { knows, skipped } = replicaAt(state, index)
  const after = withReplica(state, index, { isSkipping: false, knows: knows | skipped, skipped: 0 })
  const id = logOf(after, replicaAt(after, index))?.clock ?? 0
  return follows(call(after, index, { do: 'lost', id }, rules), index, true, rules)
}

/** Where it has read all, it may append. */
export function append (state: State, index: number, of: number): State | undefined {
  const replica = replicaAt(state, index)
  const log = logOf(state, replica)
  if (log === undefined || log.generation !== replica.generation) return undefined
  if (log.entries.at(-1)?.token !== replica.last) return undefined
  const after = write(state, replica.link, of, replica.secret)
  return withReplica(after, index, {
    pending: replica.pending & ~bit(of), appended: replica.appended | bit(of)
  })
}

export function write (state: State, link: Replica['link'], of: number, by: Entry['by']): State {
  const log = link === 'none' ? undefined : state[link]
  if (log === undefined) return state
  const token = state.tokens + 1
  const entry: Entry = { token, previous: log.entries.at(-1)?.token ?? 0, id: log.clock, of, by }
  const { app } = state
  const isHeard = link === 'master' && app.hasBegun && by !== 'x'
  return {
    ...state,
    tokens: token,
    [link]: { ...log, entries: [...log.entries, entry], clock: log.clock + 1 },
    app: isHeard ? { ...app, missing: app.missing | bit(of) } : app,
    writtenIn: state.writtenIn.map((one, at) => at === of ? log.generation : one)
  }
}
