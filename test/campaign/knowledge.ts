import type { Covers, HistoryEvent, Moment } from './history.ts'
import { measureOf, rowOf, type Measures } from './measures.ts'
import { Spans } from './spans.ts'
import { newApps, type Apps } from './told.ts'
import { learnWord, newWords, type Words } from './words.ts'

/** Nothing more is asked about somebody who ended so long ago. */
const KEPT_MS = 120_000

type Roles = { readonly isAdmin: boolean, readonly at: Moment, loggedAt: Moment | undefined }
type Taken = Readonly<{ replica: number, covers: Covers, at: Moment }>
export type Known = {
  readonly roles: Roles[]
  /** When a sign-out was sent: an answer may know of it before the one who signs out. */
  leavingAt: Moment
  endedAt: Moment
  loggedAt: Record<Covers, Moment>
  readonly taken: Taken[]
  /** Anything that makes void what is remembered of this person. */
  lastChangeAt: Moment
}

/** All that was learned so far. */
export type State = {
  readonly people: Map<string, Known>
  readonly spans: Spans
  readonly measures: Measures
  /** When a replica last learned from Authgear that this is a valid session, by replica, person and way. */
  readonly remembered: Map<string, Moment>
  /** When all was purged. */
  purges: Moment[]
  /** Between which two moments a line came into the log. */
  lines: Readonly<{ since: Moment, at: Moment }>[]
  readonly words: Words
  readonly apps: Apps
}

export const newState = (): State => ({
  people: new Map(),
  spans: new Spans(),
  measures: {},
  remembered: new Map(),
  purges: [],
  lines: [],
  words: newWords(),
  apps: newApps()
})

export function learn (state: State, event: HistoryEvent): void {
  if (event.kind === 'logged') state.lines.push(event)
  if (event.kind === 'everything') state.lines.push({ since: event.at, at: event.at })
  learnWord(state.words, event)
  const { spans, people, measures } = state
  switch (event.kind) {
    case 'fault': return spans.begin(event)
    case 'stall': return spans.stall(event)
    case 'disturbed': return spans.disturb(event)
    case 'everything': state.purges.push(event.at); return
    case 'healed': {
      measureOf(measures, rowOf(spans.heal(event.at))).times++
      measureOf(measures, 'healthy').times++ // before and after them
      return
    }
    case 'signedIn':
      people.set(event.person, {
        roles: [{ isAdmin: event.isAdmin, at: event.at, loggedAt: undefined }],
        leavingAt: Infinity,
        endedAt: Infinity,
        loggedAt: { user: Infinity, cookie: Infinity },
        taken: [],
        lastChangeAt: event.at
      })
      return
    case 'leaving': case 'ended': case 'roles': case 'taken': case 'logged': learnOf(people.get(event.person), event)
  }
}

type Change = Extract<HistoryEvent, { kind: 'leaving' | 'ended' | 'roles' | 'taken' | 'logged' }>

function learnOf (known: Known | undefined, event: Change): void {
  if (known === undefined) return
  known.lastChangeAt = Math.max(known.lastChangeAt, event.at)
  if (event.kind === 'leaving') known.leavingAt = event.at
  if (event.kind === 'ended') known.endedAt = event.at
  if (event.kind === 'roles') known.roles.push({ isAdmin: event.isAdmin, at: event.at, loggedAt: undefined })
  if (event.kind === 'taken') known.taken.push(event)
  if (event.kind !== 'logged') return
  const newest = known.roles.at(-1)
  if (event.of === 'roles' && newest !== undefined) newest.loggedAt ??= event.at
  else known.loggedAt[event.covers] = Math.min(known.loggedAt[event.covers], event.at)
}

export function forget (state: State, at: Moment): void {
  const { people, remembered, purges, lines } = state
  state.purges = purges.filter((purge) => at - purge < KEPT_MS)
  state.lines = lines.filter((line) => at - line.at < KEPT_MS)
  for (const [id, { endedAt }] of people) if (at - endedAt > KEPT_MS) people.delete(id)
  for (const [name, since] of remembered) if (at - since > KEPT_MS) remembered.delete(name)
}
