import { gauge } from '../../base/metrics/table.ts'

/** With Redis alone, without which no replica knows of another. */
export const METRICS = {
  replicas: gauge(
    'forward_auth_replicas_seen',
    'Replicas that follow the revocation log and said so in the last seconds, this one included; 0 = not known.'
  )
}
