import type { Variables } from '../../base/config/kind.ts'
import { duration } from '../../base/config/parsers/values.ts'
import type { Rule } from '../../base/parts/part.ts'

export const variables = {
  AUTHGEAR_AUDIT_POLL: {
    as: 'pollMs',
    kind: duration({ min: '100ms', max: '10s' }),
    fallback: '2s',
    meaning: 'How often one replica reads the audit log for all: the longest delay of a sign-out.'
  }
} as const satisfies Variables

export type AuditLogSettings = Readonly<{
  pollMs: number
  /** True if Authgear is to call this service, too: then the changes that no webhook told are counted. */
  hasWebhook: boolean
}>

export const aloneReadsEach: Rule<typeof variables> = ({ base: { hasRedis, hasAdminApi } }) => [
  hasAdminApi &&
    !hasRedis &&
    'AUTHGEAR_ADMIN_API_URL: without Redis each replica reads the audit log for itself: run exactly one'
]
