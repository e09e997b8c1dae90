import { isIP, isIPv6 } from 'node:net'
import type { Lane } from './admission.ts'
import type { ClientTrace } from './resolver.ts'

export type Strangers = Readonly<{
  /** The one slot that all cold credentials of a suspicious client share; nothing for everybody else. */
  lanesOf: (trace: ClientTrace) => readonly Lane[]
  refused: (trace: ClientTrace, credentials: readonly string[]) => void
}>

type Failures = Readonly<{ since: number, credentials: Set<string> }>

/** Milliseconds that a refused credential counts. */
const MINUTE = 60_000
/** Of all clients together; the client whose count began first is forgotten first. */
const MAX_FAILURES = 100_000
const NONE: readonly Lane[] = Object.freeze([])

export const noStrangers: Strangers = Object.freeze({ lanesOf: () => NONE, refused: () => {} })

/**
 * Which clients try many credentials that Authgear refuses (AUTHGEAR_FAILURES_PER_MINUTE). They are asked about one after the
 * other, and never refused for it: behind one address there may be a whole office.
 * @param maxWaiting of the global queue's places those that one address may take
 */
export function createStrangers (failuresPerMinute: number, maxWaiting: number, now: () => number): Strangers {
  if (failuresPerMinute === 0) return noStrangers
  const clients = new Map<string, Failures>()
  let total = 0

  function forget (client: string): void {
    total -= clients.get(client)?.credentials.size ?? 0
    clients.delete(client)
  }

  function current (client: string): Failures | undefined {
    const failures = clients.get(client)
    if (failures === undefined || now() - failures.since < MINUTE) return failures
    forget(client)
    return undefined
  }

  return Object.freeze({
    lanesOf (trace: ClientTrace): readonly Lane[] {
      const client = clientOf(trace)
      if (client === undefined || (current(client)?.credentials.size ?? 0) < failuresPerMinute) return NONE
      return [{ name: `client ${client}`, maxRunning: 1, maxWaiting }]
    },
    refused (trace: ClientTrace, credentials: readonly string[]): void {
      const client = clientOf(trace)
      if (client === undefined) return
      const failures = current(client) ?? { since: now(), credentials: new Set<string>() }
      clients.set(client, failures)
      const name = credentials.join()
      if (failures.credentials.size >= failuresPerMinute || failures.credentials.has(name)) return
      failures.credentials.add(name)
      total++
      for (const oldest of clients.keys()) {
        if (total <= MAX_FAILURES) return
        forget(oldest)
      }
    }
  })
}

/** Only an address that a trusted proxy named: one that a connection came from may be the proxy's own, and so everybody's. */
function clientOf ({ address, isNamed }: ClientTrace): string | undefined {
  return isNamed === true && address !== undefined && isIP(address) !== 0 ? networkOf(address) : undefined
}

/** One person has a whole /64 of IPv6. */
export function networkOf (address: string): string {
  if (!isIPv6(address)) return address
  const canonical = new URL(`http://[${address.split('%')[0] ?? ''}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical)
  if (mapped !== null) return [mapped[1], mapped[2]].flatMap((group) => [parseInt(group ?? '', 16) >> 8, parseInt(group ?? '', 16) & 255]).join('.')
  const [head = '', tail] = canonical.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = 8 - groups.length - (tail === undefined || tail === '' ? 0 : tail.split(':').length)
  if (tail !== undefined) groups.push(...Array<string>(missing).fill('0'), ...(tail === '' ? [] : tail.split(':')))
  return `${groups.slice(0, 4).join(':')}::/64`
}
