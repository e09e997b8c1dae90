import { definePart } from '../../base/parts/part.ts'
import { checkEvents, findings } from './doctor.ts'
import { SESSION_HEADER, UNTIL_HEADER } from './headers.ts'
import { eventMetrics } from './metrics.ts'
import { status } from './status.ts'
import { hasTokens, variables } from './variables.ts'

/** Notifies apps of ended sessions, so that they close open connections (docs/open-connections.md). */
export const events = definePart({
  name: 'events',
  title: 'Events',
  variables,
  rules: [hasTokens],
  example: { LISTEN_EVENTS: '127.0.0.1:4184', EVENTS_TOKENS: `wiki:${'0'.repeat(32)}` },
  configure: ({ address, apps = [] }) => address === undefined ? undefined : { address, apps },
  claims: ({ address }) => ({ listens: { variable: 'LISTEN_EVENTS', address }, namesSessions: true }),
  sends: {
    flag: 'events',
    usage: 'also X-Forward-Auth-Session and X-Forward-Auth-Until (LISTEN_EVENTS)',
    names: [SESSION_HEADER, UNTIL_HEADER]
  },
  doctor: {
    findings,
    checks: [{ title: 'apps can follow the events', off: 'LISTEN_EVENTS is off', run: checkEvents }]
  },
  status,
  metrics: ({ apps }) => eventMetrics([...new Set(apps.map(({ name }) => name))]),
  load: async () => (await import('./open.ts')).openEvents
})
