import type { AuditErrorKind } from './audit-error.ts'

/** Milliseconds. */
const LONGEST = 60_000
/** A query that hangs goes on in Authgear and holds a connection of its main database, of which a process has three. */
const AFTER_TIMEOUT = 10_000

/**
 * Milliseconds before the next poll.
 * @param failures in a row
 * @param random from 0 to 1
 */
export function delayAfter (kind: AuditErrorKind, failures: number, pollMs: number, random: number): number {
  const first = kind === 'timeout' ? Math.max(pollMs, AFTER_TIMEOUT) : pollMs
  return Math.min(first * 2 ** Math.min(failures - 1, 10), Math.max(LONGEST, pollMs)) * (0.75 + random / 2)
}
