import { ANY_REDIS, REDIS_FORMS } from './redis-forms.ts'
import type { Readings } from './rule.ts'
import type { VariableName } from './variables.ts'

const IDLE_WITHOUT_REDIS: readonly VariableName[] = ['CACHE_SECRET', 'REDIS_KEY_PREFIX', 'REDIS_TIMEOUT']

/** What is allowed and perhaps not meant. */
export function warningsOf ({ isSet, values }: Readings): readonly string[] {
  if (!REDIS_FORMS.some(isSet)) {
    const alone = [
      ...['AUTHGEAR_WEBHOOK_SECRET: without Redis a webhook reaches one replica and no other: run exactly one'].filter(() => isSet('AUTHGEAR_WEBHOOK_SECRET')),
      ...['AUTHGEAR_ADMIN_API_URL: without Redis each replica reads the audit log for itself: run exactly one'].filter(() => isSet('AUTHGEAR_ADMIN_API_URL'))
    ]
    return alone.concat(IDLE_WITHOUT_REDIS
      .filter(name => isSet(name) && values[name] !== 'none')
      .map(name => `${name}: has no effect without ${ANY_REDIS}`))
  }
  return values.CACHE_SECRET === 'none'
    ? ['CACHE_SECRET: is none: whoever can write to Redis can sign in as anybody, and whoever can read it can test guesses of credentials']
    : []
}
