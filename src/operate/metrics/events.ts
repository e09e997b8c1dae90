import { Gauge, type Registry } from 'prom-client'
import { CUT_REASONS, EVENT_KINDS, type EventsObserver } from '../../shared/events/types.ts'
import { closedCounter, type Gauges } from './instruments.ts'

type Events = Readonly<{ observer: EventsObserver, told: () => number }>

const NONE: Events = { observer: { opened () {}, told () {}, cut () {} }, told: () => 0 }

/** Of what apps are told. @param gauges undefined without LISTEN_EVENTS: then none of them is shown */
export function registerEvents (registry: Registry, gauges: Gauges['events']): Events {
  if (gauges === undefined) return NONE
  new Gauge({
    registers: [registry],
    name: 'forward_auth_event_streams',
    help: 'Streams of events that are open, by app.',
    labelNames: ['app'],
    collect () {
      const streams = gauges.streams()
      for (const app of gauges.apps) this.set({ app }, streams.get(app) ?? 0)
    }
  })
  const opened = closedCounter(
    registry,
    'forward_auth_event_streams_opened_total',
    'Streams of events that were opened, by app.',
    'app',
    gauges.apps
  )
  const told = closedCounter(
    registry, 'forward_auth_events_total', 'Revocations that apps are told of, by what they name.', 'kind', EVENT_KINDS
  )
  const cut = closedCounter(
    registry,
    'forward_auth_event_streams_cut_total',
    'Streams of events that were ended here: slow = nothing was read for ten seconds; behind = further than is kept.',
    'reason',
    CUT_REASONS
  )
  return Object.freeze({
    observer: { opened: (app: string) => opened.add(app), told: told.add, cut: cut.add },
    told: () => Object.values(told.counts()).reduce((sum, count) => sum + count, 0)
  })
}
