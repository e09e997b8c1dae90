import { gauge } from '../../base/metrics/table.ts'

export const METRICS = {
  blocked: gauge(
    'forward_auth_clients_blocked',
    'Clients and hosts that are blocked: names in CLIENTS_BLOCKED, and those that all replicas know.'
  )
}
