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
    'Exchanges of a client id and secret for a token: refused by Authgear, limited by its rate limit, or held back ' +
      'for clients that were good before.',
    'outcome', OUTCOMES
  ),
  unknown: counter(
    'forward_auth_resource_tokens_unknown_total',
    'Resource tokens refused because this replica cannot know whether they were revoked.'
  )
}
