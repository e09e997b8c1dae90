import { isIP, isIPv6 } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { CredentialDigest } from '../../core/cache-key.ts'
import type { Resolution } from '../../core/resolution.ts'
import { Overloaded } from '../../errors.ts'
import { createAdmission, type Lane } from './concurrency-limit.ts'
import { Deadline } from './deadline.ts'
import type { ClientTrace } from './types.ts'

/** Slows a client that tries many credentials which Authgear refuses, before they cost the shared cache or Authgear anything. */
export type FailedCredentials = Readonly<{
  /** Runs the task at once, or for such a client when its turn comes. @throws {Overloaded} where that is too late, or too many wait */
  run: <T>(trace: ClientTrace, digests: readonly CredentialDigest[], task: () => Promise<T>) => Promise<T>
  /** What Authgear said of these credentials. */
  judged: (trace: ClientTrace, digests: readonly CredentialDigest[], kind: Resolution['kind']) => void
  /** How many wait for their turn. */
  waiting: () => number
}>

export type FailedCredentialsOptions = Readonly<{
  /** AUTHGEAR_FAILURES_PER_MINUTE; 0 = off */
  failuresPerMinute: number
  /** Of one client, and of all such clients together. */
  maxWaiting: Readonly<{ client: number, all: number }>
  /** Milliseconds that one may wait for its turn. */
  timeoutMs: number
  /** Monotonic milliseconds. */
  now: () => number
}>

/** `short`: a part of each credential's digest, as a small integer: a text would take ten times as much. */
type Failures = Readonly<{ since: number, short: Set<number> }>

const MINUTE_MS = 60_000
/** Of all clients together; the client whose count began first is forgotten first. Some 3 MB at most. */
const MAX_FAILURES = 20_000
/** Credentials that were valid; the least recently used are forgotten. Some 5 MB at most. */
const MAX_VALID = 20_000

export const NO_FAILED_CREDENTIALS: FailedCredentials = Object.freeze({ run: async (_trace, _digests, task) => await task(), judged: () => {}, waiting: () => 0 })

/**
 * Such a client's credentials take their turns one after the other, and are never refused for it: behind one address
 * there may be a whole office. What has been valid never waits for a stranger's: it takes no turn.
 */
export function createFailedCredentials (options: FailedCredentialsOptions): FailedCredentials {
  if (options.failuresPerMinute === 0) return NO_FAILED_CREDENTIALS
  const failures = createFailures(options)
  const valid = new LRUCache<string, true>({ max: MAX_VALID })
  const admission = createAdmission(Infinity, options.maxWaiting.all)
  const laneOf = (client: string): Lane => ({ name: client, maxRunning: 1, maxWaiting: options.maxWaiting.client })
  return Object.freeze({
    async run<T> (trace: ClientTrace, digests: readonly CredentialDigest[], task: () => Promise<T>): Promise<T> {
      const client = clientOf(trace)
      if (client === undefined || !failures.areMany(client) || valid.get(nameOf(digests))) return await task()
      const deadline = new Deadline(options.timeoutMs)
      return await admission.run([laneOf(client)], deadline, () => {
        deadline.met()
        return task()
      }).catch((error: unknown) => { throw error === deadline.reason ? new Overloaded() : error }).finally(() => deadline.met())
    },
    judged (trace: ClientTrace, digests: readonly CredentialDigest[], kind: Resolution['kind']): void {
      if (kind === 'valid') { valid.set(nameOf(digests), true); return }
      const client = clientOf(trace)
      if (client !== undefined) failures.add(client, digests)
    },
    waiting: () => admission.state().waiting
  })
}

/** All of them together: beside a valid one, junk has not been valid. */
const nameOf = (digests: readonly CredentialDigest[]): string => digests.join()

/** Distinct credentials of each client in a minute. */
function createFailures ({ failuresPerMinute, now }: FailedCredentialsOptions) {
  const clients = new Map<string, Failures>()
  let total = 0

  function forget (client: string): void {
    total -= clients.get(client)?.short.size ?? 0
    clients.delete(client)
  }

  function current (client: string): Failures | undefined {
    const failures = clients.get(client)
    if (failures === undefined || now() - failures.since < MINUTE_MS) return failures
    forget(client)
    return undefined
  }

  return {
    areMany: (client: string): boolean => (current(client)?.short.size ?? 0) >= failuresPerMinute,
    add (client: string, digests: readonly CredentialDigest[]): void {
      const failures = current(client) ?? { since: now(), short: new Set<number>() }
      clients.set(client, failures)
      const short = shortOf(digests)
      if (failures.short.size >= failuresPerMinute || failures.short.has(short)) return
      failures.short.add(short)
      total++
      for (const oldest of clients.keys()) {
        if (total <= MAX_FAILURES) return
        forget(oldest)
      }
    }
  }
}

/** 30 bits, of keyed digests: two that collide count as one. */
function shortOf (digests: readonly CredentialDigest[]): number {
  return digests.reduce((all, digest) => all ^ (Buffer.from(digest.slice(0, 6), 'base64url').readInt32BE() & 0x3fffffff), 0)
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
