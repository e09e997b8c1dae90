import { counter, gauge } from '../../base/metrics/table.ts'
import { SIGN_OUTCOMES } from './types.ts'

export const METRICS = {
  hasKey: gauge(
    'forward_auth_assertion_key_available', '1 where this replica has a key that signs; else the header goes out empty.'
  ),
  published: gauge('forward_auth_assertion_keys_published', 'Keys in the key set.'),
  nextKey: gauge(
    'forward_auth_assertion_next_key_timestamp_seconds', 'When the next key begins to sign; 0 = not known, or never.'
  ),
  outcomes: counter(
    'forward_auth_assertions_total',
    'Assertions made: one for each resolution, audience and half a minute. no_key = Redis was not reached yet; ' +
      'unfit = longer than an assertion may be.',
    'outcome', SIGN_OUTCOMES
  )
}
