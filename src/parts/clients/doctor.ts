import type { At, Checked, Found, PartFinding } from '../../base/parts/findings.ts'
import { NO_BLOCKS } from './block-list.ts'
import { ASKED_KEY, BLOCKED_KEY, createBlockStore } from './store.ts'

export const findings = [
  {
    id: 'blocks-unreadable',
    severity: 'error',
    why: 'no replica can tell whether a client is blocked, and each resource token is answered 503',
    set: 'CACHE_SECRET_PREVIOUS to the former secret, on all replicas; or delete the key that the log names, ' +
      'which lifts every block (docs/resource-tokens.md)'
  },
  {
    id: 'blocked-client-asks',
    severity: 'warning',
    why: 'Authgear keeps issuing tokens to it: it gets access again as soon as it is unblocked',
    set: 'delete the client, or its authorizations, at Authgear; `GET /clients` on the management listener says ' +
      'which one it is'
  }
] as const satisfies readonly PartFinding<string>[]
type Id = (typeof findings)[number]['id']

/** Can replicas read which clients are blocked, and does one of those still ask? Nothing is written. */
export async function checkBlocks (_settings: unknown, { redis }: At): Promise<Checked<Id>> {
  if (redis === undefined) return { kind: 'skipped', why: 'without Redis there is CLIENTS_BLOCKED alone' }
  const { commands, sealing, keyOf } = redis
  const store = createBlockStore({
    ...sealing, commands: { ...commands, compareAndSet: async () => true }, name: keyOf(BLOCKED_KEY)
  })
  const list = await store.sync(NO_BLOCKS).catch(() => undefined)
  const asked = await commands.getBuffer(keyOf(ASKED_KEY)).catch(() => undefined)
  if (list === undefined || asked === undefined) return { kind: 'skipped', why: 'Redis did not answer' }
  const found: Array<Found<Id>> = []
  if (list === 'foreign') found.push(['blocks-unreadable', 'the list of blocked clients does not open'])
  if (asked !== null) found.push(['blocked-client-asks', 'a blocked client asked within the last ten minutes'])
  return { kind: 'looked', findings: found }
}
