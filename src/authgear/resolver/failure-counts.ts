import { LRUCache } from 'lru-cache'
import type { CredentialDigest } from '../../core/cache-key.ts'

export type FailureCounts = Readonly<{
  areMany: (client: string) => boolean
  add: (client: string, digests: readonly CredentialDigest[]) => void
}>

const MINUTE_MS = 60_000
/** The one that failed least recently is forgotten first. Some 3 MB at most. */
const MAX_CLIENTS = 10_000
/** Of one client's bitmap: each credential sets one of them, so that a client costs the same however many it sends. */
const BITS = 1024
const BYTES = BITS / 8

/** `at`: its bitmap's place in the pool. */
type Client = { readonly since: number, readonly at: number, bits: number }

/**
 * Different credentials of each client in a minute, by linear counting (Whang et al., 1990): of 1,000 it errs by some 3
 * %.
 */
export function createFailureCounts (failuresPerMinute: number, now: () => number): FailureCounts {
  const most = expectedBits(failuresPerMinute)
  const pool = Buffer.alloc(MAX_CLIENTS * BYTES) // the system gives the pages when they are written to
  const free = Array.from({ length: MAX_CLIENTS }, (_, index) => (MAX_CLIENTS - 1 - index) * BYTES)
  const clients = new LRUCache<string, Client>({ max: MAX_CLIENTS, dispose: ({ at }) => { free.push(at) } })

  function begun (name: string): Client {
    if (clients.size === MAX_CLIENTS) clients.pop() // gives its place back
    const client: Client = { since: now(), at: free.pop() ?? 0, bits: 0 }
    pool.fill(0, client.at, client.at + BYTES)
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
    areMany: (name: string) => (current(name)?.bits ?? 0) >= most,
    add (name: string, digests: readonly CredentialDigest[]): void {
      const client = current(name) ?? begun(name)
      clients.get(name) // it failed most recently
      const bit = bitOf(digests)
      const at = client.at + (bit >> 3)
      const mask = 1 << (bit & 7)
      const byte = pool[at] ?? 0
      if ((byte & mask) !== 0) return
      pool[at] = byte | mask
      client.bits++
    }
  })
}

/** So many bits are set, on average, by so many different credentials. */
function expectedBits (credentials: number): number {
  return Math.round(BITS * (1 - (1 - 1 / BITS) ** credentials))
}

/** Ten bits, of keyed digests: nobody outside can choose credentials that share one. */
function bitOf (digests: readonly CredentialDigest[]): number {
  const mixed = digests.reduce((all, digest) => all ^ Buffer.from(digest.slice(0, 6), 'base64url').readInt32BE(), 0)
  return Math.imul(mixed, 0x9e3779b1) >>> 22
}
