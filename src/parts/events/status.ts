import type { StatusOf } from '../../base/parts/figures.ts'

const STREAMS = 'streams '

/** The numbers that people are shown. @param streams how many are open, by app */
export function numbersOf (told: number, streams: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return { told, ...Object.fromEntries([...streams].map(([app, count]) => [STREAMS + app, count])) }
}

const appsIn = (now: Readonly<Record<string, number>>): readonly string[] =>
  Object.keys(now).filter((number) => number.startsWith(STREAMS)).map((number) => number.slice(STREAMS.length))

export const status: StatusOf = {
  json: (now) => ({ eventStreams: Object.fromEntries(appsIn(now).map((app) => [app, now[STREAMS + app]])) }),
  alerts: [
    {
      alert: 'ForwardAuthAppReconnects',
      value: 'sum by (job, app) (increase(forward_auth_event_streams_opened_total{$one}[10m]))',
      when: '> 60',
      for: '10m',
      severity: 'warning',
      summary: 'An app keeps reopening its event stream',
      description: 'Something closes it, or the app does. Missed events are sent again, or the app gets a reset.'
    }
  ],
  figures: (now) => ({
    id: 'events',
    title: 'Events for apps',
    figures: [
      { id: 'told', name: 'revocations told', number: 'told', isCounted: true },
      ...appsIn(now).map((app) => ({ id: `streams-${app}`, name: `streams of ${app}`, number: STREAMS + app }))
    ]
  })
}
