import { createHash } from 'node:crypto'

/** The prefix of the log's keys, all in one slot. The digest names the project; it is no secret. */
export function logKey (prefix: string, origin: string): string {
  return `${prefix}{log:${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}}`
}

/** Sealed by the first replica; a replica that cannot open it has another CACHE_SECRET. */
export const secretCheckKey = (log: string): string => `${log}:canary`
/** There while a signed webhook arrived not long ago. */
export const webhookKey = (log: string): string => `${log}:webhook-seen`
/** The prefix of the keys on which `doctor` tries the user's rights; none is left behind. */
export const trialKey = (log: string): string => `${log}:doctor`
