import { counter, gauge } from '../../base/metrics/table.ts'

export const METRICS = {
  written: counter(
    'forward_auth_access_record_written_total', 'Lines of the access record that were written.'
  ),
  lost: counter(
    'forward_auth_access_record_lost_total',
    'Lost lines of the access record.'
  ),
  writable: gauge(
    'forward_auth_access_record_writable',
    '1 while the access record can be written; 0 = the disk is full or fails, or nothing reads the pipe.'
  )
}
export type RecordMetrics = typeof METRICS
