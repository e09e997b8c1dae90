import { createHash } from 'node:crypto'

/** What the log's keys begin with, all in one slot. The digest names the project; it is no secret. */
export function logKey (prefix: string, origin: string): string {
  return `${prefix}{log:${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}}`
}

/** Sealed by whoever was first; whoever cannot open it has another CACHE_SECRET. */
export const canaryKey = (log: string): string => `${log}:canary`
/** There while a signed webhook arrived not long ago. */
export const webhookKey = (log: string): string => `${log}:webhook-seen`
/** What `doctor` tries the user's rights on; gone when it has. */
export const trialKey = (log: string): string => `${log}:doctor`
