import { counter, gauge } from '../../base/metrics/table.ts'

export const METRICS = {
  written: counter(
    'forward_auth_access_record_written_total', 'Lines of the access record that the file or pipe has taken.'
  ),
  lost: counter(
    'forward_auth_access_record_lost_total',
    'Lines of the access record that nobody will read; the next line says how many are missing.'
  ),
  writable: gauge(
    'forward_auth_access_record_writable',
    '1 while the access record can be written; 0: its disk refuses, or nobody reads it.'
  )
}
export type RecordMetrics = typeof METRICS
