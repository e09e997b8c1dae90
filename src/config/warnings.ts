import { ANY_REDIS, REDIS_FORMS } from './redis-forms.ts'
import type { Readings } from './rule.ts'
import type { VariableName } from './variables.ts'

const IDLE_WITHOUT_REDIS: readonly VariableName[] = ['CACHE_SECRET', 'REDIS_KEY_PREFIX', 'REDIS_TIMEOUT']

/** What is allowed and perhaps not meant. */
export function warningsOf (readings: Readings): readonly string[] {
  return [...auditWarnings(readings), ...redisWarnings(readings)]
}

function auditWarnings ({ isSet }: Readings): readonly string[] {
  if (!isSet('AUTHGEAR_ADMIN_API_URL')) return isSet('AUTHGEAR_AUDIT_POLL') ? ['AUTHGEAR_AUDIT_POLL: has no effect without AUTHGEAR_ADMIN_API_URL'] : []
  return REDIS_FORMS.some(isSet) ? [] : ['AUTHGEAR_ADMIN_API_URL: without Redis each replica reads the audit log for itself: run exactly one']
}

function redisWarnings ({ isSet, values }: Readings): readonly string[] {
  if (!REDIS_FORMS.some(isSet)) {
    const alone = ['AUTHGEAR_WEBHOOK_SECRET: without Redis a webhook reaches one replica and no other: run exactly one'].filter(() => isSet('AUTHGEAR_WEBHOOK_SECRET'))
    return alone.concat(IDLE_WITHOUT_REDIS
      .filter(name => isSet(name) && values[name] !== 'none')
      .map(name => `${name}: has no effect without ${ANY_REDIS}`))
  }
  return values.CACHE_SECRET === 'none'
    ? ['CACHE_SECRET: is none: whoever can write to Redis can sign in as anybody, and whoever can read it can test guesses of credentials']
    : []
}
