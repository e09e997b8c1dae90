/** `x`: a secret that no replica has, so that what it made is junk to all. */
export type Secret = 'a' | 'b' | 'x'
/** Numbers of revocations. */
export type Bits = number

/** An entry of the log; `token`: its nonce, `previous`: that of the one before it, 0 where it is the first. */
export type Entry = Readonly<{
  token: number
  previous: number
  id: number
  /** Which revocation it bears; -1: none. */
  of: number
  by: Secret
}>

/** `clock`: the next id; ids of two generations have nothing to do with each other. */
export type Log = Readonly<{
  generation: number
  entries: readonly Entry[]
  clock: number
  /** Of the last trim: from which id on all are there, and the oldest that it left. */
  since: number
  first: number
  /** Revocations that went with it. */
  trimmed: Bits
  /** Whether somebody who follows it has said that it is whole since the server last changed. */
  isOfHistory: boolean
}>

/** Where the connection of a replica leads. */
export type Link = 'master' | 'deposed' | 'none'

/** What its feed and its readers were called with since it started, which is all that they are made of. */
export type Op =
  | Readonly<{ do: 'begins', log: number, since: number }>
  | Readonly<{ do: 'read', id: number, of: number }>
  | Readonly<{ do: 'passed' | 'skipped' | 'lost', id: number }>
  | Readonly<{ do: 'joins', place: string | undefined }>
  | Readonly<{ do: 'pending', of: number }>
  | Readonly<{ do: 'follows', isFollowing: boolean }>
  | Readonly<{ do: 'leaves' | 'turn' | 'looks' | 'stalls' | 'drains' | 'stops' }>

export type Replica = Readonly<{
  isRunning: boolean
  secret: Secret
  link: Link
  generation: number
  left: readonly number[]
  /** Token of the newest entry that it has read in this generation; 0: none. */
  last: number
  isCaughtUp: boolean
  isFollowing: boolean
  /** What nobody can believe comes too often: it is skipped, until that is over. */
  isSkipping: boolean
  /** Revocations that hold here, and that were skipped. */
  knows: Bits
  skipped: Bits
  /** Revocations that it has taken: not in the log yet; appended, and not read back. */
  pending: Bits
  appended: Bits
  ops: readonly Op[]
  /** A number of how its real feed and readers look from outside, and whether somebody waits for a turn. */
  seen: number
  hasTurn: boolean
}>

/** What an app is told. `covers`: which revocations nobody needs to tell it after this reset. */
export type Frame = Readonly<{
  event: string
  id: string | undefined
  of: number | undefined
  following: boolean | undefined
  covers: Bits
}>

/** One app with one stream at a time. */
export type App = Readonly<{
  /** Undefined: it has no stream. */
  at: number | undefined
  /** On their way to it, in order. */
  frames: readonly Frame[]
  /** Nothing comes behind them: the stream was ended there. */
  isEnded: boolean
  isStalled: boolean
  lastId: string | undefined
  /** Since its first stream began; until it has heard that, it has nothing that it could miss. */
  hasBegun: boolean
  following: boolean | undefined
  /** What came into the log since then, and of which it knows nothing. */
  missing: Bits
  /** It was not told what its replica knows of itself. */
  isMisled: boolean
}>

/** How often each thing may happen still. */
export type Left = Readonly<Record<
  'revocations' | 'breaks' | 'flushes' | 'failovers' | 'ends' | 'cuts' | 'trims' | 'junk' | 'stalls' | 'rotations',
  number
>>

export type State = Readonly<{
  master: Log | undefined
  deposed: Log | undefined
  /** What a Redis replica has, or a snapshot. */
  copy: Log | undefined
  tokens: number
  replicas: readonly Replica[]
  app: App
  /** Revocations that were answered 200, of which somebody living knows still. */
  acknowledged: Bits
  /** In which generation each was written last; 0: in none. */
  writtenIn: readonly number[]
  left: Left
}>

export const bit = (n: number): Bits => n < 0 ? 0 : 1 << n
export const has = (bits: Bits, n: number): boolean => (bits >> n & 1) === 1

export const NO_APP: App = Object.freeze({
  at: undefined,
  frames: [],
  isEnded: false,
  isStalled: false,
  lastId: undefined,
  hasBegun: false,
  following: undefined,
  missing: 0,
  isMisled: false
})

export const FRESH: Replica = Object.freeze({
  isRunning: true,
  secret: 'a',
  link: 'master',
  generation: 0,
  left: [],
  last: 0,
  isCaughtUp: false,
  isFollowing: false,
  isSkipping: false,
  knows: 0,
  skipped: 0,
  pending: 0,
  appended: 0,
  ops: [],
  seen: 0,
  hasTurn: false
})

export function newLog (token: number, by: Secret): Log {
  const first: Entry = { token, previous: 0, id: 1, of: -1, by }
  return { generation: token, entries: [first], clock: 2, since: 0, first: 0, trimmed: 0, isOfHistory: true }
}

export function replicaAt ({ replicas }: State, index: number): Replica {
  const replica = replicas[index]
  if (replica === undefined) throw new Error(`there is no replica ${index}`)
  return replica
}

export const withReplica = (state: State, index: number, change: Partial<Replica>): State =>
  ({ ...state, replicas: state.replicas.map((one, at) => at === index ? { ...one, ...change } : one) })

/** One text for states that differ in the order of replicas alone. */
export function keyOf ({ replicas, app: { at, frames, ...app }, master, deposed, copy, ...rest }: State): string {
  const keys = replicas.map(({ ops: _, ...replica }, index) => `${index === at} ${Object.values(replica).join()}`)
  const logs = [master, deposed, copy].map((log) => log && keyOfLog(log))
  const news = frames.map((frame) => Object.values(frame).join())
  const { left, ...words } = rest
  return [...keys.sort(), at === undefined, Object.values(app), news, logs, Object.values(words), Object.values(left)]
    .join(' ')
}

/** A log never changes. */
const keys = new WeakMap<Log, string>()

function keyOfLog (log: Log): string {
  const known = keys.get(log)
  if (known !== undefined) return known
  const { entries, ...rest } = log
  const key = [...Object.values(rest), entries.map((entry) => Object.values(entry).join())].join(';')
  keys.set(log, key)
  return key
}
