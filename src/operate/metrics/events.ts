import type { Registry } from 'prom-client'
import { CUT_REASONS, EVENT_KINDS, type EventKind, type EventsObserver } from '../../shared/events/event.ts'
import type { Gauges } from './gauges.ts'
import { counter, gauge, register } from './table.ts'

type EventCounts = Readonly<{
  observer: EventsObserver
  told: () => Readonly<Partial<Record<EventKind, number>>>
}>

const eventMetrics = (apps: readonly string[]) => ({
  streams: gauge('forward_auth_event_streams', 'Streams of events that are open, by app.', 'app', apps),
  opened: counter(
    'forward_auth_event_streams_opened_total', 'Streams of events that were opened, by app.', 'app', apps
  ),
  told: counter(
    'forward_auth_events_total', 'Revocations that apps are told of, by what they name.', 'kind', EVENT_KINDS
  ),
  cut: counter(
    'forward_auth_event_streams_cut_total',
    'Streams of events that were ended here: slow = nothing was read for ten seconds; behind = further than is ' +
      'kept.',
    'reason', CUT_REASONS
  )
})

/** @param gauges undefined without LISTEN_EVENTS: then none of them is shown */
export function registerEvents (registry: Registry, gauges: Gauges['events']): EventCounts {
  if (gauges === undefined) return { observer: { opened () {}, told () {}, cut () {} }, told: () => ({}) }
  const { count: { opened, told, cut }, read } = register(registry, eventMetrics(gauges.apps))
  read({ streams: gauges.streams })
  return { observer: Object.freeze({ opened: opened.add, told: told.add, cut: cut.add }), told: told.counts }
}
