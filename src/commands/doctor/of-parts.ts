import { adminApiOf } from '../../base/authgear/admin-api/account.ts'
import type { Asked, At, Found, Posted } from '../../base/parts/findings.ts'
import type { PartFindingId } from '../../parts/index.ts'
import { partKey } from '../../base/redis/keys.ts'
import { type Finding, found } from './catalogue.ts'
import type { Context } from './check.ts'
import { sealersOf } from './checks/secrets.ts'
import { askPage, noPage } from './page.ts'

/** The service as parts' checks see it. */
export function atOf (context: Context): At {
  const { config: { authgear, adminApi, tls, cache }, options: { url, echo, mcp }, clock, redis } = context
  return {
    isTls: tls !== undefined,
    redis: redis && {
      commands: redis.connection.commands,
      sealing: { ...sealersOf(cache), writesPrevious: () => false },
      keyOf: (purpose) => partKey(redis.keys.log, purpose)
    },
    authgear,
    openAdminApi: adminApi && adminApiOf(adminApi, authgear, clock),
    clock,
    url,
    echo,
    mcp: mcp === undefined ? undefined : { url: mcp, token: tokenOf(context) },
    ask: (address, headers = {}) => ask(address, { headers }, authgear.ca),
    post: (address, posted) => ask(address, posted, authgear.ca)
  }
}

function tokenOf ({ options: { paste }, pasted }: Context): string | undefined {
  const text = pasted.trim().replace(/^(?:authorization:\s*)?(?:bearer\s+)?/i, '')
  return paste === 'token' ? text : undefined
}

async function ask (
  address: string, asking: Pick<Posted, 'headers'> | Posted, ca: string | undefined
): Promise<Asked> {
  const page = await askPage(address, asking, ca)
  if (!('code' in page)) return { kind: 'answered', ...page }
  const { code, isTls } = page
  return { kind: isTls ? 'unbelieved' : 'unreachable', what: noPage(address, page).what, code }
}

/** Findings of a part, with the texts of the catalogue. */
export const ofPart = (findings: ReadonlyArray<Found<string>>): readonly Finding[] =>
  findings.map(([id, what]) => found(id as PartFindingId, what))
