const MIB = 2 ** 20
/**
 * Bytes that the service takes beside V8's heap and what V8 keeps free in it (docs/decisions/017-a-budget-of-bytes.md).
 */
const BESIDE_CACHE = 64 * MIB
/** Bytes of V8's heap before anything is remembered: code, connections, resolutions under way. */
const HEAP_AT_REST = 44 * MIB
const LEAST = 4 * MIB
/** Bytes; more would only wait for an Authgear that answers 64 at a time. */
const MOST_WAITING = 64 * MIB
/** MiB of V8's largest young generation that it takes by itself; it has three parts of this size. */
const LARGEST_SEMI_SPACE = 16

/**
 * Bytes that may be remembered where nobody says: a quarter of the memory beyond the service's own. It fits the heap.
 */
export function defaultBudget ({ limitBytes, heapBytes }: Readonly<{ limitBytes: number, heapBytes: number }>): number {
  const share = Math.min((limitBytes - BESIDE_CACHE) / 4, budgetOfHeap(heapBytes))
  return Math.max(LEAST, Math.floor(share / MIB) * MIB)
}

/**
 * Bytes that may be remembered in a heap of this size: half of what is left, since V8 needs as much room as is alive.
 */
export function budgetOfHeap (heapBytes: number): number {
  return Math.max(LEAST, (heapBytes - HEAP_AT_REST) / 2)
}

/** Bytes that requests may take while they wait: an eighth of the heap, beside what is remembered. */
export function waitingBudget ({ heapBytes }: Readonly<{ heapBytes: number }>): number {
  return Math.min(MOST_WAITING, Math.floor(heapBytes / 8))
}

/** V8's flags for a container: half of it for the old generation; the young one is small where memory is. */
export function heapFlags (limitBytes: number): readonly string[] {
  const semiSpace = Math.min(LARGEST_SEMI_SPACE, 2 ** Math.max(0, Math.floor(Math.log2(limitBytes / (64 * MIB)))))
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
