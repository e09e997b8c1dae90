import { isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { CredentialDigest } from '../../core/cache-key.ts'
import { networkOf } from '../../core/network.ts'
import type { Resolution } from '../../core/resolution.ts'
import { createConcurrencyLimit, inTurn } from './concurrency-limit.ts'
import type { ClientTrace } from './types.ts'

/** Slows a client that tries many credentials which Authgear refuses, before they cost the shared cache or Authgear. */
export type FailedCredentials = Readonly<{
  /** True if these would have to wait for a slot. */
  isSlowed: (trace: ClientTrace, digests: readonly CredentialDigest[]) => boolean
  /**
   * Runs the task at once, or for such a client when a slot is free.
   * @throws {Overloaded} where that is too late, or too many wait
   */
  run: <T>(trace: ClientTrace, digests: readonly CredentialDigest[], task: () => Promise<T>) => Promise<T>
  /** Authgear's verdict on these credentials, or the shared cache's if it is *valid*. */
  judged: (trace: ClientTrace, digests: readonly CredentialDigest[], kind: Resolution['kind']) => void
  /** Number that wait for a slot. */
  waiting: () => number
}>

export type FailedCredentialsOptions = Readonly<{
  /** AUTHGEAR_FAILURES_PER_MINUTE; 0 = off */
  failuresPerMinute: number
  /** For one client, and for all such clients together. */
  maxWaiting: Readonly<{ client: number, all: number }>
  /** Milliseconds that one may wait for a slot. */
  timeoutMs: number
  /** Monotonic milliseconds. */
  now: () => number
}>

/** Resolutions of one client at a time, of the 64 that all have (AUTHGEAR_MAX_CONCURRENCY). */
const CLIENT_SLOTS = 4
/** Credentials that were valid; the least recently used are forgotten. Some 5 MB at most. */
const MAX_VALID = 20_000

export const NO_FAILED_CREDENTIALS: FailedCredentials = Object.freeze({
  isSlowed: () => false,
  run: async (_trace, _digests, task) => await task(),
  judged: () => {},
  waiting: () => 0
})

/**
 * Such a client's credentials wait for a few slots and are never refused for it: a whole office may share one address.
 * Credentials that have been valid need no slot, so they never wait for a stranger's.
 */
export function createFailedCredentials (options: FailedCredentialsOptions): FailedCredentials {
  if (options.failuresPerMinute === 0) return NO_FAILED_CREDENTIALS
  const failures = createFailureCounts(options.failuresPerMinute, options.now)
  const valid = new LRUCache<string, true>({ max: MAX_VALID })
  const concurrency = createConcurrencyLimit(Infinity, options.maxWaiting.all)
  const perClient = { maxRunning: CLIENT_SLOTS, maxWaiting: options.maxWaiting.client, alternates: true }
  const slowedClient = (trace: ClientTrace, digests: readonly CredentialDigest[]): string | undefined => {
    const client = clientOf(trace)
    return client === undefined || !failures.areMany(client) || valid.get(nameOf(digests)) ? undefined : client
  }
  return Object.freeze({
    isSlowed: (trace: ClientTrace, digests: readonly CredentialDigest[]) => slowedClient(trace, digests) !== undefined,
    async run<T> (trace: ClientTrace, digests: readonly CredentialDigest[], task: () => Promise<T>): Promise<T> {
      const client = slowedClient(trace, digests)
      if (client === undefined) return await task()
      return await inTurn(concurrency, [{ name: client, ...perClient }], options.timeoutMs, task)
    },
    judged (trace: ClientTrace, digests: readonly CredentialDigest[], kind: Resolution['kind']): void {
      if (kind === 'valid') { valid.set(nameOf(digests), true); return }
      const client = clientOf(trace)
      if (client !== undefined) failures.add(client, digests)
    },
    waiting: () => concurrency.state().waiting
  })
}

/** All credentials together: a valid one does not vouch for junk beside it. */
const nameOf = (digests: readonly CredentialDigest[]): string => digests.join()

/** Only an address that a trusted proxy named: the connection's own may be the proxy's, which all clients share. */
function clientOf ({ address, isNamed }: ClientTrace): string | undefined {
  return isNamed === true && address !== undefined && isIP(address) !== 0 ? networkOf(address) : undefined
}

type FailureCounts = Readonly<{
  areMany: (client: string) => boolean
  add: (client: string, digests: readonly CredentialDigest[]) => void
}>

const MINUTE_MS = 60_000
/** The client that failed least recently is forgotten first. Some 3 MB at most. */
const MAX_CLIENTS = 10_000
/** Size of a client's bitmap: each credential sets one bit, so a client costs the same however many it sends. */
const BITS = 1024
const BYTES = BITS / 8

/** `offset`: of its bitmap in the pool. */
type Client = { readonly since: number, readonly offset: number, bits: number }

/** Different credentials of each client in a minute, by linear counting (Whang et al., 1990): 3 % wrong at 1,000. */
function createFailureCounts (failuresPerMinute: number, now: () => number): FailureCounts {
  const maxBits = expectedBits(failuresPerMinute)
  const pool = Buffer.alloc(MAX_CLIENTS * BYTES) // the system gives the pages when they are written to
  const free = Array.from({ length: MAX_CLIENTS }, (_, index) => (MAX_CLIENTS - 1 - index) * BYTES)
  const clients = new LRUCache<string, Client>({ max: MAX_CLIENTS, dispose: ({ offset }) => { free.push(offset) } })

  function startCounting (name: string): Client {
    if (clients.size === MAX_CLIENTS) clients.pop() // frees its bitmap
    const client: Client = { since: now(), offset: free.pop() ?? 0, bits: 0 }
    pool.fill(0, client.offset, client.offset + BYTES)
    clients.set(name, client)
    return client
  }

  function current (name: string): Client | undefined {
    const client = clients.peek(name)
    if (client === undefined || now() - client.since < MINUTE_MS) return client
    clients.delete(name)
    return undefined
  }

  return Object.freeze({
    areMany: (name: string) => (current(name)?.bits ?? 0) >= maxBits,
    add (name: string, digests: readonly CredentialDigest[]): void {
      const client = current(name) ?? startCounting(name)
      clients.get(name) // marks it as the most recent failure
      const bit = bitOf(digests)
      const at = client.offset + (bit >> 3)
      const mask = 1 << (bit & 7)
      const byte = pool[at] ?? 0
      if ((byte & mask) !== 0) return
      pool[at] = byte | mask
      client.bits++
    }
  })
}

/** Bits that so many different credentials set on average. */
function expectedBits (credentials: number): number {
  return Math.round(BITS * (1 - (1 - 1 / BITS) ** credentials))
}

/** Ten bits of keyed digests: no client can choose credentials that share a bit. */
function bitOf (digests: readonly CredentialDigest[]): number {
  const mixed = digests.reduce((all, digest) => all ^ Buffer.from(digest.slice(0, 6), 'base64url').readInt32BE(), 0)
  return Math.imul(mixed, 0x9e3779b1) >>> 22
}
