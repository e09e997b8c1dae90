import { counter } from '../../base/metrics/table.ts'

export const METRICS = {
  fetches: counter(
    'forward_auth_jwks_fetches_total',
    "Fetches of Authgear's keys, by which resource tokens are verified.",
    'outcome', ['ok', 'error']
  ),
  unknown: counter(
    'forward_auth_resource_tokens_unknown_total',
    'Resource tokens refused only since this replica cannot know whether they were revoked: issued before it ' +
      'followed the log, or while it cannot.'
  )
}
