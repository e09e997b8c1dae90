const MIB = 2 ** 20
/**
 * Bytes that the service takes beside V8's heap and what V8 keeps free in it (docs/decisions/017-a-budget-of-bytes.md).
 */
const BESIDE_CACHE_BYTES = 64 * MIB
/** Bytes of V8's heap before anything is remembered: code, connections, resolutions under way. */
const HEAP_AT_REST_BYTES = 44 * MIB
const MIN_BUDGET_BYTES = 4 * MIB
/** Bytes; more would only wait for an Authgear that answers 64 at a time. */
const MAX_WAITING_BYTES = 64 * MIB
/** MiB of V8's largest young generation that it takes by itself; it has three parts of this size. */
const MAX_SEMI_SPACE_MIB = 16

/**
 * Bytes that may be remembered where nobody says: a quarter of the memory beyond the service's own. It fits the heap.
 */
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

/** V8's flags for a container: half of it for the old generation; the young one is small where memory is. */
export function heapFlags (limitBytes: number): readonly string[] {
  const semiSpace = Math.min(MAX_SEMI_SPACE_MIB, 2 ** Math.max(0, Math.floor(Math.log2(limitBytes / (64 * MIB)))))
  return [
    `--max-old-space-size=${Math.max(32, Math.floor(limitBytes / 2 / MIB))}`,
    `--max-semi-space-size=${semiSpace}`
  ]
}

/** Names, and positions, that the ledger of revocations holds at most, however large the heap is. */
export const MAX_LEDGER_NAMES = 200_000
/**
 * Bytes of one name with its position and its quiet time: 490 to 580 measured, and places in queues that wait to go.
 */
const LEDGER_NAME_BYTES = 700

/** How many names the ledger may hold: in half of the room that V8 has beside what is remembered. */
export function ledgerNames (heapBytes: number): number {
  return Math.min(MAX_LEDGER_NAMES, Math.floor(budgetOfHeap(heapBytes) / 2 / LEDGER_NAME_BYTES))
}
