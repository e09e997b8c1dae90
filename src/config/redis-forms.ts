import type { VariableName } from './variables.ts'

/** The variables that say where Redis is: one of them makes replicas share it. */
export const REDIS_FORMS = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'] as const satisfies readonly VariableName[]

/** In the words of a message. */
export const ANY_REDIS = 'REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER'
