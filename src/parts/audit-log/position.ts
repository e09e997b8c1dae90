import { listOf, objectOf, parseObject } from '../../base/core/json.ts'
import type { Second } from './entry.ts'
import type { WindowRead } from './window.ts'

/** The place up to which the audit log was read. */
export type Position = Readonly<{
  /** The newest entry, never ahead of `at`; undefined where there was none at all. */
  newest: Second | undefined
  /** Authgear's clock at the last successful poll; undefined before the first. */
  at: Second | undefined
  /** An overlap before the newest entry when following began: nothing older is read. */
  since: Second | undefined
  /** Entries that were read within the overlap, by seq. */
  seen: ReadonlyMap<string, Second>
  /** Overflows that an `everything` has answered, with how many entries there were. */
  covered: ReadonlyMap<string, number>
  /** The window read last, and how many were in it: as long as there are no more, nothing is new. */
  settled: Readonly<{ from: Second | undefined, total: number }> | undefined
  /** A poll failed since: entries may have been lost permanently. */
  isTroubled: boolean
  /** An `everything` is still to come. */
  isEverythingDue: boolean
}>

/** The place where following begins: so many seconds before the newest entry, since nobody may have read these. */
export function beginAt (newest: Second | undefined, isTroubled = false, overlap = 0): Position {
  return {
    newest,
    at: undefined,
    since: newest === undefined ? undefined : newest - overlap,
    seen: new Map(),
    covered: new Map(),
    settled: undefined,
    isTroubled,
    isEverythingDue: false
  }
}

/** The second from which the audit log is read again: an entry may become visible after one that is newer. */
export function startOf ({ newest, since }: Position, overlap: number): Second | undefined {
  return newest === undefined ? undefined : Math.max(newest - overlap, since ?? 0)
}

/** Seconds before the newest entry that are read again: always, and where they fit one answer. */
export type Overlap = Readonly<{ least: number, most: number }>

/** Entries that are known as read beyond the least overlap: a position is written at each poll. */
const MAX_SEEN = 1000

/** @param from where the reading began */
export function advance (
  position: Position,
  from: Second | undefined,
  { entries, total, overflows, now }: WindowRead,
  { least, most }: Overlap
): Position {
  // an entry that is dated ahead (one process' wrong clock) does not hide what comes after it
  const dates = [position.newest ?? 0, ...entries.map(({ second }) => second)].map((second) => Math.min(second, now))
  const isEmpty = position.newest === undefined && entries.length === 0
  const since = position.since === undefined ? undefined : Math.min(position.since, now)
  const moved = { ...position, newest: isEmpty ? undefined : Math.max(...dates), since, at: now }
  const start = startOf(moved, most) ?? 0
  const read = [...position.seen, ...entries.map(({ seq, second }) => [seq, second] as const)]
  const within = read.filter(([, second]) => second >= start)
  const recent = startOf(moved, least) ?? 0
  const seen = within.length <= MAX_SEEN ? within : within.filter(([, second]) => second >= recent)
  const covered = [...position.covered, ...overflows].filter(([cell]) => Number(cell.split(' ')[0]) >= start)
  return { ...moved, seen: new Map(seen), covered: new Map(covered), settled: { from, total }, isTroubled: false }
}

/**
 * Authgear's clock as three tell it: the process that answered, this machine, and the last successful poll with the
 * time since. One of them may be wrong: the middle one counts.
 * @param expected undefined before the first successful poll, when the lesser of the others counts
 */
export function trustedNow (answered: Second, machine: Second, expected: Second | undefined): Second {
  if (expected === undefined) return Math.min(answered, machine)
  return Math.max(Math.min(answered, machine), Math.min(Math.max(answered, machine), expected))
}

export function encodePosition ({ seen, covered, ...rest }: Position): string {
  return JSON.stringify({ v: 1, ...rest, seen: [...seen], covered: [...covered] })
}

/** @returns undefined for what is none of ours: it is read as if there were trouble */
export function decodePosition (text: string): Position | undefined {
  const raw = parseObject(text)
  if (raw?.['v'] !== 1) return undefined
  const settled = objectOf(raw['settled'])
  return {
    newest: numberOf(raw['newest']),
    at: numberOf(raw['at']),
    since: numberOf(raw['since']),
    seen: pairsOf(raw['seen']),
    covered: pairsOf(raw['covered']),
    settled:
      typeof settled?.['total'] === 'number' ? { from: numberOf(settled['from']), total: settled['total'] } : undefined,
    isTroubled: raw['isTroubled'] !== false,
    isEverythingDue: raw['isEverythingDue'] !== false
  }
}

function numberOf (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function pairsOf (value: unknown): ReadonlyMap<string, number> {
  return new Map(
    listOf(value).flatMap((pair) =>
      Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'number'
        ? [[pair[0], pair[1]] as const]
        : []
    )
  )
}
