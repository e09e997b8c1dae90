import { LRUCache } from 'lru-cache'
import type { CredentialDigest } from '../../core/cache-key.ts'

export type FailureCounts = Readonly<{
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
export function createFailureCounts (failuresPerMinute: number, now: () => number): FailureCounts {
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
