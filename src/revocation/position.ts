/** An id of a Redis Stream: milliseconds and a number within them. Ids are compared only within one generation. */
export type StreamId = string

export const FIRST_ID: StreamId = '0-0'

/** @returns negative where a is before b; both halves are compared as numbers, since text puts 9-0 after 10-0 */
export function compareIds (a: StreamId, b: StreamId): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number)
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number)
  return aMs - bMs || aSeq - bSeq
}
