/** Who may follow the events: the name of its audience (`audience=`), and the token that it shows. */
export type App = Readonly<{ name: string, token: string }>

/** What is told: `everyone` where everything is void. */
export const EVENT_KINDS = ['session', 'user', 'client', 'token', 'everyone'] as const
export type EventKind = typeof EVENT_KINDS[number]

/** Why a stream was ended here: it read nothing for ten seconds, or is further behind than can be told again. */
export const CUT_REASONS = ['slow', 'behind'] as const
export type CutReason = typeof CUT_REASONS[number]

export type EventsObserver = Readonly<{
  opened: (app: string) => void
  told: (kind: EventKind) => void
  cut: (reason: CutReason) => void
}>
