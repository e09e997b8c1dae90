/**
 * Bytes of all requests that wait for a resolution, their own or another's: what a stranger may make the process keep
 * meanwhile.
 */
export type WaitingBudget = Readonly<{
  /** @returns what to give back at the end, or undefined where there is no room */
  take: (headBytes: number) => number | undefined
  giveBack: (bytes: number) => void
}>

/**
 * Measured: 7.6 kB of heap a request that joins a resolution; the 10 kB of one of its own are bounded by
 * AUTHGEAR_MAX_QUEUE.
 */
export const BYTES_PER_REQUEST = 8 * 1024
/**
 * Measured: 1.06 where nearly all of a head is a credential; what is sent to Authgear and undici's buffer hold it twice
 * more.
 */
const BYTES_PER_HEAD_BYTE = 3

export function createWaitingBudget (maxBytes: number): WaitingBudget {
  let taken = 0
  return Object.freeze({
    take (headBytes: number): number | undefined {
      const bytes = BYTES_PER_REQUEST + headBytes * BYTES_PER_HEAD_BYTE
      if (taken + bytes > maxBytes) return undefined
      taken += bytes
      return bytes
    },
    giveBack: (bytes: number): void => { taken -= bytes }
  })
}
