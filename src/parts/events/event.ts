import type { News } from './feed.ts'
import type { SessionNames } from './session-names.ts'

/** An app that may follow the events: the name of its audience (`audience=`), and the token that it shows. */
export type App = Readonly<{ name: string, token: string }>

/** The kinds of news: `everyone` where everything is void. */
export const EVENT_KINDS = ['session', 'user', 'client', 'token', 'everyone'] as const
type EventKind = typeof EVENT_KINDS[number]

/** Why a stream was closed: its reader read nothing for ten seconds, or is further behind than the feed goes. */
export const CUT_REASONS = ['slow', 'behind'] as const
export type CutReason = typeof CUT_REASONS[number]

export type EventsObserver = Readonly<{
  opened: (app: string) => void
  told: (kind: EventKind) => void
  cut: (reason: CutReason) => void
}>

/** The news of one revocation for an app. `at`: seconds since 1970 by Redis' clock, as RFC 7519 writes a time. */
export type Event = Readonly<{
  kind: EventKind
  session?: string
  user?: string
  client?: string
  at: number
  origin: News['origin']
}>

/** @returns none for what ends nothing; two for a token whose name is another one under each of two secrets */
export function eventsOf (names: SessionNames, app: string, { target, at, origin }: News): readonly Event[] {
  const common = { at: at / 1000, origin }
  switch (target.kind) {
    case 'user': return [{ kind: 'user', user: target.userId, ...common }]
    case 'client': return [{ kind: 'client', client: target.clientId, ...common }]
    case 'everything': return [{ kind: 'everyone', ...common }]
    case 'block': return target.mark.isBlocked ? [{ kind: 'client', client: target.name, ...common }] : []
    case 'credential':
    case 'token': {
      const kind = target.kind === 'token' ? 'token' : 'session'
      return names.ofTarget(app, target).map((session) => ({ kind, session, ...common }))
    }
  }
}
