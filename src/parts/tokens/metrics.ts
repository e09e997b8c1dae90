import { counter } from '../../base/metrics/table.ts'

export const METRICS = {
  fetches: counter(
    'forward_auth_jwks_fetches_total',
    "Fetches of Authgear's keys for resource tokens.",
    'outcome', ['ok', 'error']
  ),
  unknown: counter(
    'forward_auth_resource_tokens_unknown_total',
    'Resource tokens refused because this replica cannot know whether they were revoked.'
  )
}
