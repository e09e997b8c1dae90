import { definePart } from '../../base/parts/part.ts'
import { checks, findings } from './doctor.ts'
import { metricsOf } from './metrics.ts'
import { status } from './status.ts'
import { aloneReadsEach, variables } from './variables.ts'

/** One replica reads Authgear's audit log for all, and revokes what changed (docs/audit-log.md). */
export const auditLog = definePart({
  name: 'audit-log',
  title: 'Audit log',
  variables,
  warnings: [aloneReadsEach],
  example: { AUTHGEAR_AUDIT_POLL: '2s', AUTHGEAR_WEBHOOK_SECRET: 's'.repeat(32) },
  needs: 'AUTHGEAR_ADMIN_API_URL',
  configure: ({ pollMs }, hasValue) => ({ pollMs, hasWebhook: hasValue('AUTHGEAR_WEBHOOK_SECRET') }),
  claims: () => ({ banner: 'audit log followed', tellsDeletions: true }),
  doctor: { findings, checks },
  status,
  metrics: metricsOf,
  load: async () => (await import('./open.ts')).openAuditLog
})
