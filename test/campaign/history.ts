import type { SituationId } from './situations.ts'

/** Milliseconds of this machine's monotonic clock, the same in all of its processes. */
export type Moment = number

export const now = (): Moment => Number(process.hrtime.bigint()) / 1e6

export type Stalled = number | 'harness'

/** All of one session's credentials, or its cookie alone (`/_auth/logout`). */
export type Covers = 'user' | 'cookie'

/** One request and its answer; `way`: which credentials were sent (people.ts). */
export type Answered = Readonly<{
  kind: 'answer'
  replica: number
  /** Undefined: a credential that was never anybody's. */
  person: string | undefined
  way: number
  policy: 'none' | 'admin'
  at: Moment
  endedAt: Moment
  status: number
  userId: string | undefined
  roles: string | undefined
  reason: string
  source: string
  /** What else is wrong with it: a cookie, a body, an identity header too many or too few. */
  flaws: readonly string[]
  /** The names of the session, as an app gets them. */
  session?: string
  /** Of a session of our own (own/judge.ts): whether all should be well, and what the token endpoint said of it. */
  own?: Readonly<{ isCalm: boolean, rotates: boolean, isRefused: boolean, isLost: boolean }>
}>

/** What an operator said of a client. */
export type Said = 'block' | 'lift'

/** One request with a client's token, and its answer. */
export type Asked = Readonly<{
  kind: 'client'
  client: string
  replica: number
  at: Moment
  endedAt: Moment
  status: number
  reason: string
}>

/** What happened, in any order; `at` is when it began. */
export type HistoryEvent =
  | Answered
  | Asked
  /** An operator begins to say it, at one replica after the other; a replica took it; it was answered 200. */
  | Readonly<{ kind: 'said' | 'kept', client: string, word: Said, at: Moment }>
  | Readonly<{ kind: 'heard', client: string, word: Said, replica: number, at: Moment }>
  | Readonly<{ kind: 'unanswered', replica: number, at: Moment, endedAt: Moment, hangs: boolean }>
  | Readonly<{ kind: 'fault', situation: SituationId, replicas: readonly number[], at: Moment, what: unknown }>
  /** All faults ended, and all replicas follow the log again. */
  | Readonly<{ kind: 'healed', at: Moment }>
  /** A replica is down or frozen until `endedAt`; one that is down forgets. */
  | Readonly<{ kind: 'disturbed', replica: number, at: Moment, endedAt: Moment, forgets: boolean }>
  | Readonly<{ kind: 'signedIn', person: string, isAdmin: boolean, at: Moment }>
  /** A sign-out is on its way: from then on the session may be over. */
  | Readonly<{ kind: 'leaving', person: string, at: Moment }>
  /** Authgear ended the session. */
  | Readonly<{ kind: 'ended', person: string, at: Moment }>
  /** Authgear knows other roles from now on. */
  | Readonly<{ kind: 'roles', person: string, isAdmin: boolean, at: Moment }>
  /** A replica took the revocation of a session that has ended: it holds there at once, logged or pending. */
  | Readonly<{ kind: 'taken', person: string, replica: number, covers: Covers, at: Moment }>
  /** The revocation is in the log: of the session's end, or of the newest roles. Its line came after `since`. */
  | Readonly<{ kind: 'logged', person: string, of: 'end' | 'roles', covers: Covers, since: Moment, at: Moment }>
  /** What the stream of an app says of itself: whether its replica follows the log; undefined: it has ended. */
  | Readonly<{ kind: 'stream', app: number, replica: number, following: boolean | undefined, at: Moment }>
  /** An app is told of a user, or of one name of a session. */
  | Readonly<{ kind: 'told', app: number, user: string | undefined, session: string | undefined, at: Moment }>
  /** It has to ask again about everybody. */
  | Readonly<{ kind: 'reset', app: number, at: Moment }>
  /** All that anybody remembered was purged. */
  | Readonly<{ kind: 'everything', at: Moment }>
  /** All replicas were asked at once about a credential that nobody knew. */
  | Readonly<{ kind: 'burst', person: string, at: Moment, endedAt: Moment, calls: number, statuses: readonly number[] }>
  /** An event loop stood still. */
  | Readonly<{ kind: 'stall', who: Stalled, at: Moment, endedAt: Moment }>
  /** A replica's process ended by itself. */
  | Readonly<{ kind: 'crash', replica: number, at: Moment }>
  /** What the harness itself found wrong: a replica that does not follow after everything healed. */
  | Readonly<{ kind: 'unhealed', what: string, at: Moment }>
