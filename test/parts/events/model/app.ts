import { call, logOf } from './acts.ts'
import type { Rules } from './rules.ts'
import {
  type App, bit, type Bits, type Frame, type Log, NO_APP, type Replica, replicaAt, type State, withReplica
} from './state.ts'

/** With the last id that it was given, as the lines of docs/open-connections.md do. */
export function connect (state: State, index: number, rules: Rules): State {
  const { app } = state
  const joined = { ...state, app: { ...app, at: index, frames: [], isEnded: false, hasBegun: true } }
  return call(joined, index, { do: 'joins', place: app.lastId }, rules)
}

export function take (state: State): State {
  const { app } = state
  const [frame, ...frames] = app.frames
  return frame === undefined ? state : { ...state, app: { ...taken(app, frame), frames } }
}

function taken (app: App, { event, id, of, following = app.following, covers }: Frame): App {
  const told = event === 'revoked' ? bit(of ?? -1) : covers
  return { ...app, lastId: id ?? app.lastId, following, missing: app.missing & ~told }
}

/** What was on its way is lost. Who has heard nothing yet begins at another time. */
export function disconnect (state: State, rules: Rules): State {
  const { app } = state
  if (app.at === undefined) return state
  const after = { ...state, app: app.lastId === undefined ? NO_APP : { ...app, ...GONE } }
  return replicaAt(state, app.at).isRunning && !app.isEnded ? call(after, app.at, { do: 'leaves' }, rules) : after
}

const GONE = { at: undefined, frames: [], isEnded: false, isStalled: false, following: undefined } as const

/** What the log has, or had before it was trimmed. */
const inLog = (log: Log | undefined): Bits =>
  (log?.entries ?? []).reduce((bits, { of }) => bits | bit(of), log?.trimmed ?? 0)

/** A revocation that no replica knows any more, and that Redis does not have, is lost for everybody. */
export function withLoss (state: State): State {
  const { acknowledged, replicas, master } = state
  const known = replicas.reduce((bits, { isRunning, knows }) => isRunning ? bits | knows : bits, inLog(master))
  return (acknowledged & ~known) === 0 ? state : { ...state, acknowledged: acknowledged & known }
}

/** @returns what is wrong where nothing is on its way any more */
export function wrong (state: State): string | undefined {
  const { app, acknowledged, master } = state
  if (app.isMisled) return 'an app does not know whether its replica follows the log'
  if (app.at === undefined || app.isEnded || app.isStalled || app.frames.length > 0) return undefined
  const replica = replicaAt(state, app.at)
  if (!replica.isRunning || replica.hasTurn || !hasReadAll(state, replica)) return undefined
  if (replica.link !== 'master' || master === undefined) return undefined
  const judged = app.missing & acknowledged & ~doubted(state, master)
  return judged !== 0 ? 'an app has missed a revocation, and does not know it' : undefined
}

/** Redis has lost it, and who knows it has not seen that yet: then another log begins. */
const doubted = ({ writtenIn }: State, log: Log): Bits =>
  writtenIn.reduce((bits, written, of) => written === log.generation ? bits | bit(of) : bits, 0) & ~inLog(log)

const hasReadAll = (state: State, replica: Replica): boolean => {
  const log = logOf(state, replica)
  return log?.generation === replica.generation && log.entries.at(-1)?.token === replica.last && replica.isFollowing
}

/** Twice a second: afterwards an app knows whether its replica follows. */
export function look (state: State, index: number, rules: Rules): State {
  const after = call(state, index, { do: 'looks' }, rules)
  const { app } = after
  if (app.at !== index || app.isEnded) return after
  const said = app.frames.reduce((last, { following }) => following ?? last, app.following)
  return said === replicaAt(after, index).isFollowing ? after : { ...after, app: { ...app, isMisled: true } }
}

export const stopped = (state: State, index: number, fresh: Replica): State =>
  withReplica(state, index, { ...fresh, isRunning: false, link: 'none' })
