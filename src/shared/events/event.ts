import type { News } from './feed.ts'
import type { SessionNames } from './session-names.ts'
import type { EventKind } from './types.ts'

/** What an app is told of one revocation. `at`: seconds since 1970 by Redis' clock, as RFC 7519 writes a time. */
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
