import { gauge } from '../../base/metrics/table.ts'

/** The metrics, which are there with Redis alone: without it no replica knows of another. */
export const METRICS = {
  replicas: gauge(
    'forward_auth_replicas_seen',
    'Replicas that follow the revocation log, this one included; 0 = unknown.'
  )
}
