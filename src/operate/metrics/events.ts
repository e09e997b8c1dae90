import { Gauge, type Registry } from 'prom-client'
import { CUT_REASONS, EVENT_KINDS, type EventKind, type EventsObserver } from '../../shared/events/event.ts'
import { closedCounter, type Gauges } from './instruments.ts'

type EventCounts = Readonly<{
  observer: EventsObserver
  told: () => Readonly<Partial<Record<EventKind, number>>>
}>

/** Of what apps are told. @param gauges undefined without LISTEN_EVENTS: then none of them is shown */
export function registerEvents (registry: Registry, gauges: Gauges['events']): EventCounts {
  if (gauges === undefined) return { observer: { opened () {}, told () {}, cut () {} }, told: () => ({}) }
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
  const observer = Object.freeze({ opened: (app: string) => opened.add(app), told: told.add, cut: cut.add })
  return { observer, told: told.counts }
}
