import { definePart } from '../../base/parts/part.ts'
import { METRICS } from './metrics.ts'

const REDIS = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER']

/** The page that says how things are, and the same as data (docs/monitoring.md). It is on wherever it is listed. */
export const status = definePart({
  name: 'status',
  title: 'Status page',
  variables: {},
  example: {},
  configure: (_values, hasValue) => ({ hasRedis: REDIS.some(hasValue) }),
  status: { json: ({ replicas }) => ({ replicasSeen: replicas }) },
  metrics: ({ hasRedis }) => hasRedis ? METRICS : {},
  load: async () => (await import('./open.ts')).openStatus
})
