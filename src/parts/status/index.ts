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
  status: {
    json: ({ replicas }) => ({ replicasSeen: replicas }),
    alerts: [
      {
        alert: 'ForwardAuthReplicasApart',
        value: 'max by (job) (forward_auth_replicas_seen{$one} > 0)',
        when: '< count by (job) (forward_auth_replicas_seen{$one})',
        for: '10m',
        severity: 'warning',
        summary: 'Replicas do not all follow the same revocation log',
        description: 'A revocation that one of them takes does not reach the others.'
      }
    ]
  },
  metrics: ({ hasRedis }) => hasRedis ? METRICS : {},
  load: async () => (await import('./open.ts')).openStatus
})
