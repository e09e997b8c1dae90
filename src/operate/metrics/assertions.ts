import type { Registry } from 'prom-client'
import { SIGN_OUTCOMES, type SignOutcome } from '../../shared/assertion/assertions.ts'
import type { AssertionGauges } from './gauges.ts'
import { counter, gauge, register } from './table.ts'

export type AssertionObserver = (outcome: SignOutcome) => void

const ASSERTIONS = {
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

/** Nothing is registered without ASSERTION. */
export function registerAssertions (registry: Registry, gauges: AssertionGauges | undefined): AssertionObserver {
  if (gauges === undefined) return () => {}
  const { hasKey, keysPublished, nextKey } = gauges
  const { count, read } = register(registry, ASSERTIONS)
  read({ hasKey: () => Number(hasKey()), published: keysPublished, nextKey })
  return count.outcomes.add
}
