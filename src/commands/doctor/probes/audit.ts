import { AuditError } from '../../../audit/audit-error.ts'
import { createAuditClient } from '../../../audit/client.ts'
import { createTokens } from '../../../audit/token.ts'
import { found, type Finding } from '../finding.ts'
import { looked, skipped, type Context, type Probe } from '../probe.ts'

export const audit: Probe = {
  title: 'Authgear\'s audit log can be read',
  run: async (context) => context.config.audit === undefined ? skipped('it is not followed: AUTHGEAR_ADMIN_API_URL') : looked(await judge(context, context.config.audit))
}

/** As the follower reads it; an empty log is one too. */
async function judge ({ config: { authgear }, clock }: Context, { url, key, appId }: NonNullable<Context['config']['audit']>): Promise<Finding | undefined> {
  const client = createAuditClient({ url, endpoint: authgear.endpoint, ca: authgear.ca, token: createTokens(key, appId, clock), clock })
  try {
    await client.page({ from: undefined, to: undefined, types: [] }, 1)
    return undefined
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return found('audit-log', `${error.kind}: ${error.message}`)
  } finally {
    await client.close()
  }
}
