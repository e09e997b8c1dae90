import { describe } from '../../../base/logging/log.ts'
import type { Given } from '../../../base/parts/given.ts'
import { onceAMinute } from '../../../base/timing.ts'
import type { Rules } from '../read-token.ts'
import { openTokenIssuer } from './exchange.ts'
import { createPairs, type Pairs } from './pairs.ts'
import { createBudget } from './shared-budget.ts'
import { createPairStore } from './store.ts'
import type { Outcome } from './types.ts'

const LIMITED = 'clients that send their id and secret are answered 503 for now: Authgear issues so many tokens a ' +
  'minute, and some of them are kept for clients that were good before (docs/basic.md)'
const FAILED = 'a client id and secret could not be exchanged for a token: tokens that are still good are used'

export type BasicGiven = Given & Readonly<{
  /** How many there were when last counted, this one included; 1 where nobody counts them. */
  replicas: () => number
}>

/** Opens no connection: most deployments have no route with `basic=on`. */
export function openBasic (given: BasicGiven, rules: Rules, maxBytes: number, count: (outcome: Outcome) => void) {
  const { redis, clock, log, keyer, authgear: { issuer: origin, waitingBytes, timeoutMs, ca } } = given
  const issuer = openTokenIssuer({ origin, timeoutMs, ca })
  const place = redis && {
    commands: redis.commands, sealer: redis.sealing.sealer, name: redis.keyOf('basic-exchanges')
  }
  let newest: unknown
  const warnLimited = onceAMinute(clock, () => log.warn(LIMITED))
  const warnFailed = onceAMinute(clock, () => log.warn({ error: describe(newest) }, FAILED))
  const exchanged = (outcome: Outcome, error?: unknown): void => {
    count(outcome)
    if (outcome === 'limited' || outcome === 'held') warnLimited()
    if (outcome !== 'error') return
    newest = error
    warnFailed()
  }
  const pairs: Pairs = createPairs({
    store: createPairStore(given, given.keysFor('basic')),
    issuer,
    budget: createBudget(clock, place, given.replicas),
    rules,
    keyer,
    clock,
    random: Math.random,
    exchanged,
    maxBytes,
    waitingBytes
  })
  return Object.freeze({ pairs, close: issuer.close })
}
