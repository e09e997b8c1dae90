import { counter, gauge } from '../../base/metrics/table.ts'
import { CUT_REASONS, EVENT_KINDS } from './event.ts'

/** @param apps the names of EVENTS_TOKENS */
export const eventMetrics = (apps: readonly string[]) => ({
  streams: gauge('forward_auth_event_streams', 'Open event streams, by app.', 'app', apps),
  opened: counter(
    'forward_auth_event_streams_opened_total', 'Opened event streams, by app.', 'app', apps
  ),
  told: counter(
    'forward_auth_events_total', 'Revocations sent to apps, by what they name.', 'kind', EVENT_KINDS
  ),
  cut: counter(
    'forward_auth_event_streams_cut_total',
    'Event streams closed by this replica: slow = read nothing for ten seconds; behind = missed too many events.',
    'reason', CUT_REASONS
  )
})
