import { gauge } from '../../base/metrics/table.ts'

export const METRICS = {
  blocked: gauge(
    'forward_auth_clients_blocked',
    'Blocked clients and hosts, in CLIENTS_BLOCKED and in the shared list.'
  )
}
