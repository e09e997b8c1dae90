import { WAITING_BYTES_PER_HEAD_BYTE } from '../core/memory-budget.ts'

/** Bounds the bytes of all requests that wait for a resolution: a stranger can send any number of them. */
export type WaitingBudget = Readonly<{
  /** @returns the bytes to give back at the end, or undefined where there is no room */
  take: (headBytes: number) => number | undefined
  giveBack: (bytes: number) => void
}>

/** Measured: 7.6 kB of heap for a request that joins a resolution; AUTHGEAR_MAX_QUEUE bounds the others (10 kB). */
const BYTES_PER_REQUEST = 8 * 1024

export function createWaitingBudget (maxBytes: number): WaitingBudget {
  let taken = 0
  return Object.freeze({
    take (headBytes: number): number | undefined {
      const bytes = BYTES_PER_REQUEST + headBytes * WAITING_BYTES_PER_HEAD_BYTE
      if (taken + bytes > maxBytes) return undefined
      taken += bytes
      return bytes
    },
    giveBack: (bytes: number): void => { taken -= bytes }
  })
}
