import { timeOf, type Second } from './entry.ts'

/** What one query asks for: `from` inclusive, `to` exclusive; undefined = no bound. */
export type Window = Readonly<{ from: Second | undefined, to: Second | undefined, types: readonly string[] }>

/** Authgear cuts larger pages silently. */
export const PAGE = 100

export type Variables = Readonly<Record<string, unknown>>

export function variablesOf ({ from, to, types }: Window, first = PAGE): Variables {
  return {
    first,
    activityTypes: types,
    ...(from === undefined ? {} : { rangeFrom: timeOf(from) }),
    ...(to === undefined ? {} : { rangeTo: timeOf(to) })
  }
}

/**
 * The parts of a window that did not fit one answer, newest first: halves of its time, and of its types where it is one
 * second. A cursor would not do: it is an offset, and entries of one second come in no order.
 * @param newest the newest entry's second, which an answer always shows
 * @param oldest the second before which nothing matters any more: all that it could concern has expired
 * @returns none where it cannot be narrowed
 */
export function narrower ({ from, to, types }: Window, newest: Second, oldest: Second): readonly Window[] {
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
export function cellOf ({ from, types }: Window): string {
  return `${from ?? ''} ${types.join()}`
}
