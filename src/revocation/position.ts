/** An id of a Redis Stream: milliseconds and a number within them. Ids are compared only within one generation. */
export type StreamId = string

export const FIRST_ID: StreamId = '0-0'

/** @returns negative where a is before b; both halves are compared as numbers, since text puts 9-0 after 10-0 */
export function compareIds (a: StreamId, b: StreamId): number {
  const [aMs = '', aSeq = ''] = a.split('-')
  const [bMs = '', bSeq = ''] = b.split('-')
  return compareNumbers(aMs, bMs) || compareNumbers(aSeq, bSeq)
}

/** Of 64 bits, which `Number` has not; decimal and without leading zeros, as Redis writes them. */
function compareNumbers (a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b))
}
