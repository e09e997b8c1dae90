import { adminApiOf } from '../../base/authgear/admin-api/account.ts'
import type { Asked, At, Found } from '../../base/parts/findings.ts'
import type { PartFindingId } from '../../parts/index.ts'
import { partKey } from '../../base/redis/keys.ts'
import { type Finding, found } from './catalogue.ts'
import type { Context } from './check.ts'
import { sealersOf } from './checks/secrets.ts'
import { askPage, noPage } from './page.ts'

/** The service as parts' checks see it. */
export function atOf ({ config: { authgear, adminApi, tls, cache }, options: { url }, clock, redis }: Context): At {
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
    ask: (address) => ask(address, authgear.ca)
  }
}

async function ask (address: string, ca: string | undefined): Promise<Asked> {
  const page = await askPage(address, {}, ca)
  if (!('code' in page)) return { kind: 'answered', status: page.status, body: page.body }
  return page.isTls ? { kind: 'unbelieved', what: noPage(address, page).what } : { kind: 'unreachable' }
}

/** Findings of a part, with the texts of the catalogue. */
export const ofPart = (findings: ReadonlyArray<Found<string>>): readonly Finding[] =>
  findings.map(([id, what]) => found(id as PartFindingId, what))
