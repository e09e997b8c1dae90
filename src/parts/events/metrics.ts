import { counter, gauge } from '../../base/metrics/table.ts'
import { CUT_REASONS, EVENT_KINDS } from './event.ts'

/** @param apps the names of EVENTS_TOKENS */
export const eventMetrics = (apps: readonly string[]) => ({
  streams: gauge('forward_auth_event_streams', 'Streams of events that are open, by app.', 'app', apps),
  opened: counter(
    'forward_auth_event_streams_opened_total', 'Streams of events that were opened, by app.', 'app', apps
  ),
  told: counter(
    'forward_auth_events_total', 'Revocations that apps are told of, by what they name.', 'kind', EVENT_KINDS
  ),
  cut: counter(
    'forward_auth_event_streams_cut_total',
    'Streams of events that were ended here: slow = nothing was read for ten seconds; behind = further than is kept.',
    'reason', CUT_REASONS
  )
})
