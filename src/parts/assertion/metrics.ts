import { counter, gauge } from '../../base/metrics/table.ts'
import { SIGN_OUTCOMES } from './types.ts'

export const METRICS = {
  hasKey: gauge(
    'forward_auth_assertion_key_available', '1 if this replica has a signing key; otherwise the header is empty.'
  ),
  published: gauge('forward_auth_assertion_keys_published', 'Keys in the key set.'),
  nextKey: gauge(
    'forward_auth_assertion_next_key_timestamp_seconds',
    'When the next key starts signing, in epoch seconds; 0 = unknown or never.'
  ),
  outcomes: counter(
    'forward_auth_assertions_total',
    'Assertions made: one per resolution, audience and half minute. no_key = no key from Redis yet; unfit = too long.',
    'outcome', SIGN_OUTCOMES
  )
}
