const MIB = 2 ** 20
/**
 * The memory that the service takes beside V8's heap, and V8's free room
 * (docs/inside/decisions/017-a-budget-of-bytes.md).
 */
const BESIDE_CACHE_BYTES = 64 * MIB
/** V8's heap before anything is remembered: code, connections, resolutions under way. */
const HEAP_AT_REST_BYTES = 44 * MIB
const MIN_BUDGET_BYTES = 4 * MIB
/** More would only wait, since Authgear answers 64 at a time. */
const MAX_WAITING_BYTES = 64 * MIB
/**
 * The memory that a container needs beside the old generation: code, the young one, buffers, and a health check's
 * process.
 */
const BESIDE_HEAP_BYTES = 72 * MIB
/** V8 would take 16; the young generation has three such parts (docs/inside/decisions/018-node-starts-over.md). */
const MAX_SEMI_SPACE_MIB = 8
/** Outside of a container: 100,000 sessions and what comes beside them. */
const ENOUGH_BYTES = 1024 * MIB

/** The default of CACHE_MAX_MEMORY in bytes: a quarter of the memory beyond the service's own. It fits the heap. */
export function defaultBudget ({ limitBytes, heapBytes }: Readonly<{ limitBytes: number, heapBytes: number }>): number {
  const share = Math.min((limitBytes - BESIDE_CACHE_BYTES) / 4, budgetOfHeap(heapBytes))
  return Math.max(MIN_BUDGET_BYTES, Math.floor(share / MIB) * MIB)
}

/**
 * Bytes that may be remembered in a heap of this size: half of what is left, since V8 needs as much room as is alive.
 */
export function budgetOfHeap (heapBytes: number): number {
  return Math.max(MIN_BUDGET_BYTES, (heapBytes - HEAP_AT_REST_BYTES) / 2)
}

/** Bytes that requests may take while they wait: an eighth of the heap, beside what is remembered. */
export function waitingBudget ({ heapBytes }: Readonly<{ heapBytes: number }>): number {
  return Math.min(MAX_WAITING_BYTES, Math.floor(heapBytes / 8))
}

/** Measured: 1.06 for a head that is nearly all credential; the request to Authgear holds it twice more. */
export const WAITING_BYTES_PER_HEAD_BYTE = 3

/** Bytes of what peers have not finished: half a head and half an answer alike, beside V8's heap for the most part. */
const MAX_UNFINISHED_BYTES = 64 * MIB
/** The bytes of an open connection, with TLS or without, and with the kernel's part. */
const BYTES_PER_CONNECTION = 128 * 1024
const CONNECTIONS = { min: 256, max: 16_384 } as const

/** The most that strangers can make the listeners hold: an eighth of the memory, and so many connections each. */
export function listenerBounds ({ limitBytes }: Readonly<{ limitBytes: number }>): ListenerBudget {
  const connections = Math.floor(limitBytes / BYTES_PER_CONNECTION)
  return {
    unfinishedBytes: Math.min(MAX_UNFINISHED_BYTES, Math.floor(limitBytes / 8)),
    maxConnections: Math.min(CONNECTIONS.max, Math.max(CONNECTIONS.min, connections))
  }
}

export type ListenerBudget = Readonly<{ unfinishedBytes: number, maxConnections: number }>

/** V8's flags for a container: half of it for the old generation, less where that leaves too little for the rest. */
export function heapFlags (limitBytes: number): readonly string[] {
  const oldSpace = Math.max(32, Math.floor(Math.min(limitBytes / 2, limitBytes - BESIDE_HEAP_BYTES) / MIB))
  const semiSpace = Math.min(MAX_SEMI_SPACE_MIB, 2 ** Math.max(0, Math.floor(Math.log2(limitBytes / (64 * MIB)))))
  return [
    `--max-old-space-size=${oldSpace}`,
    `--max-semi-space-size=${semiSpace}`
  ]
}

/** The same outside of a container; `isMore` where more is to be remembered than usual: then V8 chose well enough. */
export function heapFlagsOutside (
  { limitBytes, heapBytes }: Readonly<{ limitBytes: number, heapBytes: number }>,
  isMore: boolean
): readonly string[] {
  const [oldSpace = '', semiSpace = ''] = heapFlags(Math.min(limitBytes, ENOUGH_BYTES))
  return [isMore ? `--max-old-space-size=${Math.floor(heapBytes / MIB)}` : oldSpace, semiSpace]
}

/** The least memory limit that leaves room beside the service itself. */
export const MIN_MEMORY_BYTES = 128 * MIB

/** The ledger of revocations holds no more names, nor positions, however large the heap is. */
export const MAX_LEDGER_NAMES = 200_000
/**
 * One name with its position and the time until which it may not be cached: 490 to 580 measured, and its places in
 * queues.
 */
const LEDGER_NAME_BYTES = 700

/** The most names in the ledger: half of the heap that the cache leaves. */
export function ledgerNames (heapBytes: number): number {
  return Math.min(MAX_LEDGER_NAMES, Math.floor(budgetOfHeap(heapBytes) / 2 / LEDGER_NAME_BYTES))
}
