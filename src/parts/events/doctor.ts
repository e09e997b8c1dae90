import { originBeside } from '../../base/config/beside.ts'
import type { Checked, Found, PartFinding } from '../../base/parts/findings.ts'
import type { App } from './event.ts'
import type { EventsSettings } from './variables.ts'

export const findings = [
  {
    id: 'events-unreachable',
    severity: 'warning',
    why: 'apps do not learn who signed out, and open connections stay open',
    set: 'run doctor beside the service, with its environment; LISTEN_EVENTS to an address that apps can reach'
  },
  {
    id: 'events-refused',
    severity: 'error',
    why: 'the app with that token receives no events',
    set: 'the same EVENTS_TOKENS on all replicas, and restart them'
  }
] as const satisfies readonly PartFinding<string>[]
type Id = (typeof findings)[number]['id']

/** Does the listener of events that this environment describes take each of its tokens? */
export async function checkEvents (
  { address, apps }: EventsSettings, { isTls }: Readonly<{ isTls: boolean }>
): Promise<Checked<Id>> {
  if (address.kind === 'unix' || isTls) return { kind: 'skipped', why: 'it is on a socket file, or speaks TLS' }
  const url = `${originBeside(address)}/events/check`
  const statuses = await Promise.all(apps.map(({ token }) => statusOf(url, token)))
  return { kind: 'looked', findings: judge(apps, statuses) }
}

/** @returns undefined where nobody answers */
async function statusOf (url: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` }
  const signal = AbortSignal.timeout(ANSWER_MS)
  return await fetch(url, { method: 'POST', headers, body: '{"sessions":[]}', signal }).then(
    ({ status }) => status, () => undefined
  )
}

const ANSWER_MS = 5000

function judge (
  apps: readonly App[], statuses: ReadonlyArray<number | undefined>
): ReadonlyArray<Found<Id>> {
  if (statuses.every((status) => status === undefined)) {
    return [['events-unreachable', 'nothing answers at LISTEN_EVENTS']]
  }
  return apps.flatMap(({ name }, index) => {
    const status = statuses[index]
    return status === 200 ? [] : [['events-refused', `the token of ${name} gets ${status ?? 'nothing'}`] as const]
  })
}
