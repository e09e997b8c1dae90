import { counter } from '../../base/metrics/table.ts'
import { OUTCOMES } from './basic/types.ts'

export const METRICS = {
  fetches: counter(
    'forward_auth_jwks_fetches_total',
    "Fetches of Authgear's keys for resource tokens.",
    'outcome', ['ok', 'error']
  ),
  exchanges: counter(
    'forward_auth_basic_exchanges_total',
    'Exchanges of client ids and secrets for tokens; limited: Authgear answered 429; held: kept for known clients.',
    'outcome', OUTCOMES
  ),
  unknown: counter(
    'forward_auth_resource_tokens_unknown_total',
    'Resource tokens refused because this replica cannot know whether they were revoked.'
  )
}
