import type { HistoryEvent, Moment } from './history.ts'
import type { Spans } from './spans.ts'

type Ended = Readonly<{ loggedAt: Moment, hasReturned: boolean }>

/** One app, and what it knows. */
type App = {
  replica: number
  /** Since when its stream says that its replica follows the log; undefined: it does not, or there is none. */
  backAt: Moment | undefined
  /** It was told something once: from then on it may miss something. */
  hasBegun: boolean
  resetAt: Moment
  /** When it was last told of this person. */
  readonly told: Map<string, Moment>
  /** Whose end was acknowledged, and not told yet. */
  readonly owed: Map<string, Ended>
}

export type Apps = {
  readonly of: Map<number, App>
  /** The person of each name of a session that an app holds, and who is held by such a name. */
  readonly names: Map<string, string>
  readonly held: Set<string>
  /** `longestMs`: less what the machine itself stood still. */
  readonly measure: { told: number, returned: number, longestMs: number, streams: number, resets: number }
}

export const newApps = (): Apps => ({
  of: new Map(),
  names: new Map(),
  held: new Set(),
  measure: { told: 0, returned: 0, longestMs: 0, streams: 0, resets: 0 }
})

/** A replica says after 3 s that it does not follow, and looks twice a second; with what a busy machine takes. */
const BOUND_MS = 4000
/** Sent as the session's cookie alone. */
const COOKIE_WAY = 1

/** @returns which app was not told in time of an end that was acknowledged, and not reset either */
export function judgeApps (apps: Apps, spans: Spans, event: HistoryEvent): readonly string[] {
  const found = [...apps.of].flatMap(([number, app]) => late(app, spans, event.at).map((ms) =>
    `app ${number} is not told of an end ${ms} ms after its stream is back; the bound is ${BOUND_MS} ms`))
  switch (event.kind) {
    case 'answer': hold(apps, event); break
    case 'stream': streams(apps, event); break
    case 'reset': reset(appOf(apps, event.app), event.at, apps); break
    case 'told': tell(apps, spans, event); break
    case 'logged': if (event.of === 'end') owe(apps, event); break
    default:
  }
  return found
}

function appOf ({ of }: Apps, number: number): App {
  const known = of.get(number)
  if (known !== undefined) return known
  const app: App = {
    replica: number, backAt: undefined, hasBegun: false, resetAt: -Infinity, told: new Map(), owed: new Map()
  }
  of.set(number, app)
  return app
}

function hold ({ names, held }: Apps, { person, way, session = '' }: Extract<HistoryEvent, { kind: 'answer' }>): void {
  if (person === undefined || way !== COOKIE_WAY || session === '') return
  held.add(person)
  for (const name of session.split('.')) names.set(name, person)
}

function streams (apps: Apps, event: Extract<HistoryEvent, { kind: 'stream' }>): void {
  const { app: number, replica, following, at } = event
  const app = appOf(apps, number)
  app.replica = replica
  app.hasBegun ||= following !== undefined
  if (following === true && app.backAt === undefined) apps.measure.streams++
  app.backAt = following === true ? app.backAt ?? at : undefined
  if (following === true) return
  for (const [person, ended] of app.owed) app.owed.set(person, { ...ended, hasReturned: true })
}

function reset (app: App, at: Moment, { measure }: Apps): void {
  app.resetAt = at
  app.owed.clear()
  measure.resets++
}

function tell (apps: Apps, spans: Spans, event: Extract<HistoryEvent, { kind: 'told' }>): void {
  const { names, measure } = apps
  const app = appOf(apps, event.app)
  const person = event.user ?? names.get(event.session ?? '')
  if (person === undefined) return
  app.told.set(person, event.at)
  const ended = app.owed.get(person)
  measure.told++
  if (ended === undefined) return
  app.owed.delete(person)
  if (ended.hasReturned) measure.returned++
  measure.longestMs = Math.max(measure.longestMs, waited(app, spans, ended, event.at))
}

/** Who was told, or reset, since somebody began to say it needs no more. */
function owe ({ of, held }: Apps, { person, covers, since, at }: Extract<HistoryEvent, { kind: 'logged' }>): void {
  if (covers === 'cookie' && !held.has(person)) return
  for (const app of of.values()) {
    const knows = (app.told.get(person) ?? -Infinity) >= since || app.resetAt >= since
    if (app.hasBegun && !knows) app.owed.set(person, { loggedAt: at, hasReturned: app.backAt === undefined })
  }
}

function late (app: App, spans: Spans, at: Moment): readonly number[] {
  if (app.backAt === undefined) return []
  return [...app.owed].flatMap(([person, ended]) => {
    const ms = waited(app, spans, ended, at)
    if (ms <= BOUND_MS) return []
    app.owed.delete(person)
    return [ms]
  })
}

/** Since the stream is back, the replica runs, and the end is acknowledged. */
function waited ({ replica, backAt = Infinity }: App, spans: Spans, { loggedAt }: Ended, at: Moment): number {
  const since = Math.max(loggedAt, backAt, spans.runsSince(replica, at))
  return Math.round(Math.max(0, at - since - spans.stalledMs(since, at, ['harness', replica])))
}
