import type { AuditEntry, Page, Second } from './entry.ts'

/** The entries that one query asks for: `from` inclusive, `to` exclusive; undefined = no bound. */
export type Window = Readonly<{ from: Second | undefined, to: Second | undefined, types: readonly string[] }>

/** Authgear cuts larger pages silently. */
export const PAGE = 100

/**
 * The parts of a window that did not fit one answer, newest first: halves of its time, and of its types where it is one
 * second. A cursor would not do: it is an offset, and entries of one second come in no order.
 * @param newest the newest entry's second, which an answer always shows
 * @param oldest the second before which nothing matters any more: all that it could concern has expired
 * @returns none where it cannot be narrowed
 */
function narrower ({ from, to, types }: Window, newest: Second, oldest: Second): readonly Window[] {
  const first = Math.max(from ?? 0, oldest)
  if (from !== first) return [{ from: first, to, types }]
  const last = Math.min(newest, to === undefined ? newest : to - 1)
  if (last > first) {
    const middle = first + Math.ceil((last - first) / 2)
    return [{ from: middle, to, types }, { from: first, to: middle, types }]
  }
  if (types.length < 2) return []
  const half = Math.ceil(types.length / 2)
  return [{ from, to, types: types.slice(0, half) }, { from, to, types: types.slice(half) }]
}

/** Names what cannot be narrowed: one type in one second. */
function cellOf ({ from, types }: Window): string {
  return `${from ?? ''} ${types.join()}`
}

/** The content of a window. */
export type WindowRead = Readonly<{
  /** By seq, in their order. */
  entries: readonly AuditEntry[]
  /** The number that the first answer counted. */
  total: number
  /**
   * One type in one second of which there are more than an answer holds, and how many; `all` where it took too many
   * queries.
   */
  overflows: ReadonlyMap<string, number>
  /** Authgear's clock when it answered last, as far as it is to be trusted (position.ts). */
  now: Second
}>

/** Queries that one poll may take, each with a deadline of its own. */
const MAX_QUERIES = 40

type Ask = (window: Window) => Promise<Page>

/**
 * Reads a window by as many queries as it takes, one at a time.
 * @param isSettled of the first answer: nothing is new in it, however many there are
 */
export async function readWindow (
  first: Window,
  reach: number,
  ask: Ask,
  isSettled: (total: number) => boolean
): Promise<WindowRead> {
  const entries = new Map<string, AuditEntry>()
  const overflows = new Map<string, number>()
  const left = [first]
  let total: number | undefined
  let now = 0
  for (let queries = 0, window = left.pop(); window !== undefined; window = left.pop(), queries++) {
    if (queries === MAX_QUERIES) { overflows.set(ALL, total ?? 0); break }
    const page = await ask(window)
    total ??= page.total
    now = page.now
    for (const entry of page.entries) entries.set(entry.seq, entry)
    if (page.total <= PAGE || isSettled(total)) continue
    const newest = newestOf(page)
    // what is dated ahead (one process' wrong clock) does not put the rest out of reach
    const parts = narrower(window, newest, Math.min(newest, page.now) - reach)
    if (parts.length === 0) overflows.set(cellOf(window), page.total)
    left.push(...parts.toReversed())
  }
  return {
    entries: inOrder([...entries.values()]),
    total: total ?? 0,
    overflows,
    now
  }
}

export function inOrder (entries: readonly AuditEntry[]): readonly AuditEntry[] {
  return entries.toSorted((a, b) => (a.seq < b.seq ? -1 : 1))
}

export const ALL = 'all'

function newestOf ({ entries }: Page): Second {
  return Math.max(0, ...entries.map(({ second }) => second))
}
