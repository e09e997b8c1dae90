import { createTokens } from '../../../authgear/admin-api/token.ts'
import { createAuditClient } from '../../../authgear/audit-log/client.ts'
import { AuditError } from '../../../authgear/audit-log/errors.ts'
import { type Finding, found } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'

/** Authgear has no API that tells its idle time-out: the operator has to. */
export const idleTimeout: Probe = {
  title: 'CACHE_TTL is below Authgear\'s idle time-out',
  run: async ({ options: { idleTimeoutMs }, config: { cache } }) => idleTimeoutMs === undefined
    ? skipped('Authgear does not say what it is: --idle-timeout (30 days unless the project changed it)')
    : looked(judgeIdleTimeout(idleTimeoutMs, cache.ttlMs))
}

export function judgeIdleTimeout (idleTimeoutMs: number, ttlMs: number): Finding | undefined {
  return idleTimeoutMs > ttlMs
    ? undefined
    : found('idle-timeout', `the idle time-out is ${idleTimeoutMs / 1000} s, and CACHE_TTL ${ttlMs / 1000} s`)
}

export const audit: Probe = {
  title: "Authgear's audit log can be read",
  run: async (context) =>
    context.config.audit === undefined
      ? skipped('it is not followed: AUTHGEAR_ADMIN_API_URL')
      : looked(await judge(context, context.config.audit))
}

/** As the follower reads it; an empty log is one too. */
async function judge (
  { config: { authgear }, clock }: Context,
  { url, key, appId }: NonNullable<Context['config']['audit']>
): Promise<Finding | undefined> {
  const client = createAuditClient({
    url,
    endpoint: authgear.endpoint,
    ca: authgear.ca,
    token: createTokens(key, appId, clock),
    clock
  })
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
