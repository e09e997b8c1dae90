import type { Registry } from 'prom-client'
import { counter, register } from './table.ts'

export type TokenObserver = Readonly<{ keysFetched: (outcome: 'ok' | 'error') => void, refusedUnknown: () => void }>

const TOKENS = {
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

export function registerTokens (registry: Registry): TokenObserver {
  const { count: { fetches, unknown } } = register(registry, TOKENS)
  return Object.freeze({ keysFetched: fetches.add, refusedUnknown: () => unknown.add() })
}
